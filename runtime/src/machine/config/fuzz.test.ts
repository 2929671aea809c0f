/**
 * Nothing a card, a URL or a person may give makes the reader fall or hang: good configurations, with bytes and structure changed at
 * random. The seed is fixed, so a failure is the same everywhere; ATOLL_FUZZ_SEED and ATOLL_FUZZ_RUNS look elsewhere and longer.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readConfig } from './read.ts';
import { bytes } from './testing/badBytes.ts';
import { cloudInit } from './testing/wrongCloudInit.ts';
import { metaData, network } from './testing/wrongDocuments.ts';
import { atoll, machine } from './testing/wrongSections.ts';
import { yaml } from './testing/wrongYaml.ts';
import { type DocumentName, documentNames } from './types.ts';

const RUNS = Number(process.env.ATOLL_FUZZ_RUNS ?? 3000);
const SEED = Number(process.env.ATOLL_FUZZ_SEED ?? 20_261_121);
/** One document; a hang is far beyond, and a busy machine is not. */
const SLOW_MS = 5_000;

/** mulberry32: small, good enough, the same everywhere. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const folder = fileURLToPath(new URL('../../../../configs/', import.meta.url));
const examples = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(path => /\.ya?ml$|(?:user-data|meta-data|network-config)$/.test(path))
  .map(path => readFileSync(join(folder, path)));
const tables = [yaml, cloudInit, atoll, machine, metaData, network].flat();
const corpus: readonly Buffer[] = [
  ...examples,
  ...tables.map(([text]) => Buffer.from(`#cloud-config\n${text}`)),
  ...bytes.map(([, document]) => document.subarray(0, 2000)),
];

const pieces = [
  ...[
    '\t',
    '\n',
    '  ',
    ': ',
    '- ',
    '#',
    '&a ',
    '*a',
    '<<: *a',
    '? ',
    '|\n',
    '>-\n',
    '"',
    "'",
    '[',
    ']',
    '{',
    '}',
    ',',
    '---\n',
    '...\n',
  ],
  ...[
    '!!binary ',
    '!x ',
    '%YAML 1.1\n',
    'null',
    '~',
    '0o17',
    '1e999',
    '.nan',
    '-.inf',
    'yes',
    '0644',
    '1:30',
    '__proto__: ',
    'constructor: ',
  ],
  ...[
    '\u0000',
    '\ufeff',
    '\u2028',
    '😀',
    '\r\n',
    '\r',
    'ä',
    '$(x)',
    '../',
    '/dev/null',
    '-1',
    '99999999999999999999',
    '☃: ',
    'toString',
  ],
].map(piece => Buffer.from(piece));

type Random = (below: number) => number;

const mutations: readonly ((document: Buffer, random: Random) => Buffer)[] = [
  // a bit
  (document, random) => {
    const changed = Buffer.from(document);
    const at = random(Math.max(1, changed.length));
    if (changed.length > 0) changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
    return changed;
  },
  // cut
  (document, random) => document.subarray(0, random(document.length + 1)),
  // a piece put in
  (document, random) => {
    const at = random(document.length + 1);
    return Buffer.concat([
      document.subarray(0, at),
      pieces[random(pieces.length)] ?? Buffer.alloc(0),
      document.subarray(at),
    ]);
  },
  // something taken out
  (document, random) => {
    const at = random(document.length + 1);
    return Buffer.concat([document.subarray(0, at), document.subarray(at + 1 + random(20))]);
  },
  // a line twice, moved, indented
  (document, random) => {
    const lines = document.toString('latin1').split('\n');
    const line = lines[random(lines.length)] ?? '';
    const at = random(lines.length);
    lines.splice(at, random(2), `${' '.repeat(random(3))}${line}`);
    return Buffer.from(lines.join('\n'), 'latin1');
  },
  // the end of another
  (document, random) => {
    const other = corpus[random(corpus.length)] ?? document;
    return Buffer.concat([document.subarray(0, random(document.length + 1)), other.subarray(random(other.length + 1))]);
  },
  // a value of another kind
  (document, random) => {
    const values = ['[]', '{}', '""', 'null', '12', 'true', '[[[]]]', '{a: {b: c}}', '&a [*a]', '"\\x1b[2J"'];
    let left = random(20);
    return Buffer.from(
      document
        .toString('latin1')
        .replace(/: [^\n]+/g, found => (left-- === 0 ? `: ${values[random(values.length)]}` : found)),
      'latin1',
    );
  },
];

it(`reads ${RUNS} damaged configurations without falling or hanging`, () => {
  const random = randomOf(SEED);
  for (let run = 0; run < RUNS; run++) {
    let document = corpus[random(corpus.length)] ?? Buffer.alloc(0);
    for (let times = 1 + random(4); times > 0; times--)
      document = (mutations[random(mutations.length)] ?? mutations[0])?.(document, random) ?? document;
    const name: DocumentName = documentNames[random(8)] ?? 'user-data';
    const about = (): string =>
      `run ${run} of seed ${SEED}: ${name} ${JSON.stringify(document.toString('latin1').slice(0, 2000))}`;
    const start = process.cpuUsage();
    try {
      const { config, problems } = readConfig([{ source: 'esp', location: 'fuzz', documents: { [name]: document } }]);
      const wrong = problems.some(({ severity }) => severity === 'error');
      assert.equal(config === undefined, wrong, 'without a configuration there is an error, and the other way round');
      for (const { message, hint = '', path } of problems)
        assert.doesNotMatch(`${message}${hint}${path}`, UNPRINTABLE, 'a message must not act on a terminal');
    } catch (error) {
      throw new Error(about(), { cause: error });
    }
    const { user } = process.cpuUsage(start);
    assert.ok(user < SLOW_MS * 1000, `took ${user / 1000} ms: ${about()}`);
  }
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f]/;
