import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventCorrelator } from './eventCorrelator.ts';

const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name, uid: name });
const event = (message: string, name = 'a') => ({
  involvedObject: pod(name),
  type: 'Warning',
  reason: 'BackOff',
  message,
});

test('the same event again shares its memory; another message or object does not', () => {
  const correlator = new EventCorrelator();
  const first = correlator.decide(event('x'), 0);
  assert.equal(correlator.decide(event('x'), 1)?.memory, first?.memory);
  assert.notEqual(correlator.decide(event('y'), 2)?.memory, first?.memory);
  assert.notEqual(correlator.decide(event('x', 'b'), 3)?.memory, first?.memory);
});

test('the tenth differing message within ten minutes is combined with those after it', () => {
  const correlator = new EventCorrelator();
  for (let i = 0; i < 9; i++) assert.equal(correlator.decide(event(`m${i}`), i)?.message, `m${i}`);
  const tenth = correlator.decide(event('m9'), 9);
  assert.equal(tenth?.message, '(combined from similar events): m9');
  assert.equal(correlator.decide(event('m10'), 10)?.memory, tenth?.memory);
  assert.equal(correlator.decide(event('m11'), 10 + 600_001)?.message, 'm11', 'after the window it starts anew');
});

test('a burst of 25 about one object, then one every five minutes', () => {
  const correlator = new EventCorrelator();
  const through = (atMs: number): boolean => correlator.decide(event('x'), atMs) !== undefined;
  for (let i = 0; i < 25; i++) assert.ok(through(0), `event ${i}`);
  assert.equal(through(1), false);
  assert.equal(through(299_999), false);
  assert.equal(through(300_000), true);
  assert.equal(through(300_001), false);
  assert.ok(correlator.decide(event('x', 'b'), 1), 'another object has its own burst');
});
