import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import type { KubeObject } from '../api/object.ts';
import { decodeProtobuf } from '../api/protobuf.ts';
import type { Response } from '../lib/exchange.ts';
import type { KeyValue } from '../store/store.ts';
import { yamlWriter } from './answer.ts';
import {
  type Items,
  jsonForm,
  prettyForm,
  protobufList,
  storedList,
  textList,
  WHOLE_BYTES,
  yamlForm,
} from './listBody.ts';
import { deserialize, serialize } from './serialized.ts';
import { partialMetadata } from './table.ts';

const head = { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: '77', continue: 'a b' } };
const awkward = 'x: |\n  two\n\n  "three" ü 漢 \\ \t\n# none\n';

const objectOf = (index: number, bytes: number): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `m-${index}`, labels: { odd: `${index % 2}`, yes: 'no' } },
    data: { awkward, ['key.json']: '{\n}', filling: 'y'.repeat(bytes) },
  }) as KubeObject;

function stored(count: number, bytes: number): KeyValue[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `/registry/core/configmaps/default/m-${index}`,
    value: serialize(objectOf(index, bytes)),
    modRevision: index + 2,
    createRevision: index + 2,
  }));
}

/** Read anew with each walk, in pieces, as the store would be; `walks` counts. */
class Rest implements AsyncIterable<readonly KeyValue[]> {
  walks = 0;
  constructor(readonly items: readonly KeyValue[]) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly KeyValue[]> {
    this.walks++;
    for (let from = 0; from < this.items.length; from += 7) {
      await Promise.resolve();
      yield this.items.slice(from, from + 7);
    }
  }
}

async function bytesOf({ body }: Pick<Response, 'body'>): Promise<{ whole: boolean; bytes: Buffer; largest: number }> {
  if (Buffer.isBuffer(body)) return { whole: true, bytes: body, largest: body.length };
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return { whole: false, bytes: Buffer.concat(chunks), largest: Math.max(...chunks.map(({ length }) => length)) };
}

const KIB = 1024;
const lists: readonly { what: string; items: KeyValue[]; firstPiece: number; whole: boolean }[] = [
  { what: 'no items', items: [], firstPiece: 0, whole: true },
  { what: 'one item', items: stored(1, 10), firstPiece: 1, whole: true },
  { what: 'a short list', items: stored(120, 100), firstPiece: 120, whole: true },
  { what: 'a long list that has been read', items: stored(120, 10 * KIB), firstPiece: 120, whole: false },
  { what: 'a long list in pieces', items: stored(200, 10 * KIB), firstPiece: 60, whole: false },
  { what: 'a list longer than what is kept of it', items: stored(90, 100 * KIB), firstPiece: 6, whole: false },
  { what: 'a long list that ends with its first piece', items: stored(80, 10 * KIB), firstPiece: 80, whole: false },
];

for (const { what, items, firstPiece, whole } of lists) {
  describe(what, () => {
    const rest = new Rest(items.slice(firstPiece));
    const list: Items = {
      items: items.slice(0, firstPiece),
      ...(firstPiece < items.length || (!whole && firstPiece === 80) ? { rest } : {}),
    };
    const objects = items.map(({ value, modRevision }) => deserialize(value, modRevision));
    const all = { ...head, items: objects };
    const check = async (body: Pick<Response, 'body'>, take: (bytes: Buffer) => void): Promise<void> => {
      const answer = await bytesOf(body);
      take(answer.bytes);
      if (whole) assert.equal(answer.whole, true);
      else assert.ok(answer.largest < answer.bytes.length * 0.8, 'it comes in pieces');
    };

    it('as stored', () =>
      check(storedList(head, list, 'named'), bytes => {
        assert.deepEqual(JSON.parse(`${bytes}`), all);
        if (items.length > 0)
          assert.match(`${bytes}`, /"items":\[\{"apiVersion":"v1","kind":"ConfigMap","metadata":\{/);
      }));

    it('as stored, without what the list says of its items', () =>
      check(storedList(head, list, 'unnamed'), bytes => {
        const rest = objects.map(({ apiVersion: _version, kind: _kind, ...object }) => object);
        assert.deepEqual(JSON.parse(`${bytes}`), { ...head, items: rest });
      }));

    it('as JSON', async () =>
      check(await textList(jsonForm(head, 'items'), list, object => object), bytes =>
        assert.equal(`${bytes}`, JSON.stringify(all)),
      ));

    it('as JSON for people', async () =>
      check(await textList(prettyForm(head, 'items'), list, object => object), bytes =>
        assert.equal(`${bytes}`, `${JSON.stringify(all, null, 2)}\n`),
      ));

    it('as rows', async () =>
      check(
        await textList(prettyForm({ a: [1] }, 'rows'), list, ({ metadata, data }) => [metadata.name, data]),
        bytes =>
          assert.equal(
            `${bytes}`,
            `${JSON.stringify({ a: [1], rows: objects.map(({ metadata, data }) => [metadata.name, data]) }, null, 2)}\n`,
          ),
      ));

    it('as YAML', async () => {
      const write = await yamlWriter();
      await check(await textList(yamlForm(head, 'items', write), list, object => object), bytes => {
        assert.equal(`${bytes}`, write(all));
        assert.deepEqual(parse(`${bytes}`, { version: '1.1' }), all);
      });
    });

    it('as protobuf', async () => {
      rest.walks = 0;
      const body = await protobufList(head, list, object => object);
      await check(body, bytes => {
        const decoded = decodeProtobuf(bytes) as { metadata: object; items?: KubeObject[] };
        assert.deepEqual(decoded.metadata, head.metadata);
        const seen = (decoded.items ?? []).map(({ metadata, data }) => [metadata.name, metadata.resourceVersion, data]);
        const expected = objects.map(({ metadata, data }) => [metadata.name, metadata.resourceVersion, data]);
        assert.deepEqual(seen, expected);
      });
      assert.ok(rest.walks <= 2);
    });

    it('as metadata in protobuf', async () => {
      const shown = { ...head, kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' };
      const { bytes } = await bytesOf(await protobufList(shown, list, object => partialMetadata(object)));
      const decoded = decodeProtobuf(bytes) as { items?: KubeObject[] };
      assert.deepEqual(
        (decoded.items ?? []).map(({ metadata }) => metadata.name),
        objects.map(({ metadata }) => metadata.name),
      );
    });
  });
}

describe('a protobuf list', () => {
  it('that comes out otherwise than measured does not look whole', async () => {
    const items = stored(80, 100 * KIB);
    const rest = new Rest(items);
    const body = await protobufList(head, { items: [], rest }, object => object);
    // What no store does: a revision with another value.
    items.splice(70, 10, ...stored(10, 50 * KIB));
    await assert.rejects(bytesOf(body), /measured as \d+ bytes came out with \d+/);
  });

  it('of what is large but not long is whole when it is small in protobuf', async () => {
    const items = stored(3, WHOLE_BYTES / 6);
    const { body } = await protobufList(head, { items }, object => partialMetadata(object));
    assert.ok(Buffer.isBuffer(body));
  });
});

it('YAML has nothing that a list made in one go has not', async () => {
  const write = await yamlWriter();
  assert.equal(write({ a: 1 }), stringify({ a: 1 }));
});
