/** What is kept of OpenAPI's documents, and for how long. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { textOf } from '../../api/openapi/document.ts';
import { resources } from '../../api/resources.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import { KEEP_MS, OpenApi } from './openapi.ts';

const started = () => {
  const clock = new ManualClock(0);
  const catalog = { resources: () => resources, definitionsOf: () => [], custom: () => undefined };
  const store = { get: () => Promise.resolve(undefined) };
  return { clock, openApi: new OpenApi({ catalog, store, clock, info: { title: 'Kubernetes', version: 'v1' } }) };
};

describe('OpenAPI documents', () => {
  it('are made when somebody asks, once', async () => {
    const { openApi, clock } = started();
    assert.equal(openApi.holds, false);
    const both = await Promise.all([openApi.v2(), openApi.v2(), openApi.v2Protobuf(), openApi.v2Protobuf()]);
    assert.equal(both[0], both[1]);
    assert.equal(both[2], both[3]);
    assert.equal(both[0].etag, both[2].etag, 'Vary tells the forms apart, as upstream');
    assert.equal(JSON.parse(await textOf(both[0])).swagger, '2.0');
    assert.equal(await openApi.document('api/v1'), await openApi.document('api/v1'));
    assert.equal(clock.pending, 1);
  });

  it('are let go when nobody does, and made again the same', async () => {
    const { openApi, clock } = started();
    const first = await openApi.v2();
    clock.jump(KEEP_MS - 1000);
    assert.equal(await openApi.v2(), first);
    clock.jump(KEEP_MS - 1000);
    assert.equal(openApi.holds, true, 'the last question counts');
    clock.jump(1000);
    assert.equal(openApi.holds, false);
    assert.equal(clock.pending, 0, 'an idle server does nothing');
    const again = await openApi.v2();
    assert.notEqual(again, first);
    assert.equal(again.etag, first.etag);
  });
});
