/** Events within their limits, and beyond (upstream: `plugin/pkg/admission/eventratelimit/admission_test.go`). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findResource } from '../../api/resources.ts';
import { StatusError } from '../../api/status.ts';
import type { AdmissionAttributes } from './admission.ts';
import { type EventLimit, eventRateLimit } from './eventRateLimit.ts';

const events = findResource('', 'v1', 'events');
assert.ok(events);

interface Event {
  readonly namespace?: string;
  readonly user?: string;
  readonly component?: string;
  readonly pod?: string;
  readonly dryRun?: boolean;
}

const attributes = ({ namespace = 'a', user = 'jane', component = 'kubelet', pod = 'p', dryRun = false }: Event) =>
  ({
    operation: 'CREATE',
    resource: events,
    subresource: '',
    namespace,
    name: 'e',
    user: { name: user, groups: [] },
    dryRun,
    warnings: [],
    object: { metadata: {}, source: { component }, involvedObject: { kind: 'Pod', namespace, name: pod } },
  }) as unknown as AdmissionAttributes;

const limit = (type: EventLimit['type'], burst: number, qps = 1, cacheSize = 4096): EventLimit => ({
  type,
  qps,
  burst,
  cacheSize,
});

/** `ok`, or what the refusal says. */
function outcome(plugin: ReturnType<typeof eventRateLimit>, event: Event): string {
  try {
    plugin.validate?.(attributes(event));
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof StatusError);
    assert.equal(`${error.code} ${error.reason}`, '429 TooManyRequests');
    return error.message;
  }
}

describe('EventRateLimit', () => {
  const rows: readonly (readonly [what: string, limits: EventLimit[], events: Event[], outcomes: string[]])[] = [
    [
      'the whole server',
      [limit('Server', 2)],
      [{}, {}, { user: 'bob' }],
      ['ok', 'ok', 'limit reached on type Server for key '],
    ],
    [
      'a namespace',
      [limit('Namespace', 1)],
      [{ namespace: 'a' }, { namespace: 'b' }, { namespace: 'a' }],
      ['ok', 'ok', 'limit reached on type Namespace for key a'],
    ],
    [
      'a user',
      [limit('User', 1)],
      [{ user: 'a' }, { user: 'b' }, { user: 'b' }],
      ['ok', 'ok', 'limit reached on type User for key b'],
    ],
    [
      'what an event is about, and who says it',
      [limit('SourceAndObject', 1)],
      [{ pod: 'a' }, { pod: 'b' }, { pod: 'a', component: 'x' }, { pod: 'a' }],
      ['ok', 'ok', 'ok', 'limit reached on type SourceAndObject for key kubeletPodaa'],
    ],
    [
      'several limits',
      [limit('Server', 1), limit('User', 1)],
      [{}, {}],
      ['ok', '[limit reached on type Server for key , limit reached on type User for key jane]'],
    ],
    ['a dry run is nothing', [limit('Server', 1)], [{ dryRun: true }, { dryRun: true }, {}], ['ok', 'ok', 'ok']],
    [
      'who was forgotten begins anew',
      [limit('User', 1, 1, 2)],
      [{ user: 'a' }, { user: 'b' }, { user: 'c' }, { user: 'a' }, { user: 'a' }],
      ['ok', 'ok', 'ok', 'ok', 'limit reached on type User for key a'],
    ],
    ['no limits', [], [{}, {}], ['ok', 'ok']],
  ];
  for (const [what, limits, given, expected] of rows) {
    it(what, () => {
      const plugin = eventRateLimit(limits, () => 0);
      assert.deepEqual(
        given.map(event => outcome(plugin, event)),
        expected,
      );
    });
  }

  it('fills up again with time, no further than the burst', () => {
    let nowMs = 0;
    const plugin = eventRateLimit([limit('Server', 2, 10)], () => nowMs);
    const taken = (): number => {
      let count = 0;
      while (outcome(plugin, {}) === 'ok') count++;
      return count;
    };
    assert.equal(taken(), 2);
    nowMs += 100;
    assert.equal(taken(), 1);
    nowMs += 60_000;
    assert.equal(taken(), 2);
  });
});
