import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../client/client.ts';
import type { DiscoveredResource } from '../../client/discovery.ts';
import { EventRecorder } from '../../client/events.ts';
import { Informers } from '../../client/informers.ts';
import type { Transport } from '../../client/transport.ts';
import { silentLogger } from '../../lib/log.ts';
import { ManualClock, settle } from '../../lib/testing/manualClock.ts';
import { Kinds } from './kinds.ts';

const ALL = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
const resource = (name: string, kind: string, verbs = ALL): object => ({
  resource: name,
  responseKind: { group: '', version: '', kind },
  scope: 'Namespaced',
  verbs,
});
const group = (name: string, ...resources: object[]): object => ({
  metadata: { name },
  versions: [{ version: 'v1', resources }],
});
const core = group(
  '',
  resource('pods', 'Pod'),
  resource('bindings', 'Binding', ['create']),
  resource('events', 'Event'),
);
const definitions = group('apiextensions.k8s.io', resource('customresourcedefinitions', 'CustomResourceDefinition'));
const widgets = group('example.test', resource('widgets', 'Widget'));

/** A server that serves what `groups` says, and counts how often it is asked. */
function setUp() {
  const state = { groups: [definitions], asked: 0, away: false };
  const transport: Transport = {
    async request({ path }) {
      if (path === '/apis') state.asked++;
      if (state.away) throw new Error('away');
      const items = path === '/api' ? [core] : state.groups;
      const body = Buffer.from(JSON.stringify({ kind: 'APIGroupDiscoveryList', items }));
      return { status: 200, headers: { 'content-type': 'application/json' }, body };
    },
    close() {},
  };
  const client = new Client(transport);
  const clock = new ManualClock();
  const logger = silentLogger;
  const told: string[] = [];
  const stop = new AbortController();
  const name = ({ resource: text }: DiscoveredResource): string => text;
  const events = new EventRecorder({ client, logger, clock, component: 'test' });
  const kinds = new Kinds(
    { client, informers: new Informers({ client, logger }), events, logger, clock },
    stop.signal,
    {
      added: resources => told.push(`+${resources.map(name).join(',')}`),
      removed: gone => told.push(`-${name(gone)}`),
    },
  );
  return { state, clock, told, stop, kinds };
}

test('only what can be listed, watched and deleted is a kind; each is told once', async () => {
  const { kinds, told } = setUp();
  await Promise.all([kinds.refresh(), kinds.refresh()]);
  await kinds.refresh();
  assert.deepEqual(told, ['+pods,customresourcedefinitions']);
  assert.equal(kinds.find('', 'Pod')?.resource, 'pods');
  assert.equal(kinds.find('', 'Binding'), undefined);
});

test('a change of a definition is followed by one look, when things have settled', async () => {
  const { kinds, state, clock, told } = setUp();
  await kinds.refresh();
  const definition = kinds.find('apiextensions.k8s.io', 'CustomResourceDefinition');
  const pods = kinds.find('', 'Pod');
  assert.ok(definition && pods);
  state.groups = [definitions, widgets];
  kinds.changed(pods);
  await clock.advance(60_000);
  await settle();
  assert.equal(state.asked, 1, 'pods announce nothing');
  kinds.changed(definition);
  await clock.advance(900);
  kinds.changed(definition);
  await clock.advance(900);
  await settle();
  assert.equal(state.asked, 1);
  await clock.advance(100);
  await settle();
  assert.equal(state.asked, 2);
  state.groups = [definitions];
  kinds.changed(definition);
  await clock.advance(1000);
  await settle();
  assert.deepEqual(told.slice(1), ['+widgets', '-widgets']);
  assert.equal(kinds.find('example.test', 'Widget'), undefined);
});

test('who needs an unknown kind asks, but not again and again; a server that is away is asked until it answers', async () => {
  const { kinds, state, clock, told } = setUp();
  await kinds.refresh();
  state.groups = [definitions, widgets];
  await kinds.seek();
  assert.equal(state.asked, 1, 'it was asked just now');
  await clock.advance(30_000);
  state.away = true;
  const found = kinds.seek();
  await settle();
  state.away = false;
  await clock.advance(250);
  await found;
  assert.deepEqual(told.slice(1), ['+widgets']);
});
