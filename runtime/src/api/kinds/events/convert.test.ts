import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { KubeObject } from '../../object.ts';
import { fromCoreEvent, toCoreEvent } from './convert.ts';

const core: KubeObject = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'e', namespace: 'default' },
  involvedObject: { kind: 'Pod', name: 'p' },
  message: 'hello',
  reason: 'Started',
  reportingComponent: 'kubelet',
  source: { component: 'kubelet' },
  firstTimestamp: '2026-01-01T00:00:00Z',
  lastTimestamp: '2026-01-01T00:00:01Z',
  count: 2,
  type: 'Normal',
};

it('events keep everything on the way to the other group and back', () => {
  const event = structuredClone(core);
  fromCoreEvent(event);
  assert.deepEqual(event, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'default' },
    regarding: { kind: 'Pod', name: 'p' },
    note: 'hello',
    reason: 'Started',
    reportingController: 'kubelet',
    deprecatedSource: { component: 'kubelet' },
    deprecatedFirstTimestamp: '2026-01-01T00:00:00Z',
    deprecatedLastTimestamp: '2026-01-01T00:00:01Z',
    deprecatedCount: 2,
    type: 'Normal',
  });
  toCoreEvent(event);
  assert.deepEqual(event, core);
});
