import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chainLines, criticalChain, parseUnits, type UnitTimes } from './criticalChain.ts';

const unit = (id: string, startedMs: number, activeMs: number, ...after: string[]): UnitTimes => ({
  id,
  after,
  startedMs,
  activeMs,
});

describe('the critical chain', () => {
  it('goes back by the last that was active before, whoever else is named', () => {
    const units = [
      unit('multi-user.target', 9000, 9000, 'server.service', 'quick.service', 'gone.service'),
      unit('quick.service', 3000, 3100, 'basic.target'),
      unit('server.service', 5000, 9000, 'containerd.service', 'basic.target', 'late.service'),
      unit('containerd.service', 3000, 5000, 'basic.target'),
      unit('late.service', 6000, 7000),
      unit('basic.target', 2900, 2900),
    ];
    assert.deepEqual(chainLines(criticalChain(units, 'multi-user.target')), [
      'multi-user.target @9.0 s',
      ' server.service @9.0 s (4.0 s)',
      '  containerd.service @5.0 s (2.0 s)',
      '   basic.target @2.9 s',
    ]);
  });

  it('is empty where the target was not reached, and ends where units wait for each other', () => {
    assert.deepEqual(criticalChain([unit('multi-user.target', 0, 0)], 'multi-user.target'), []);
    assert.deepEqual(criticalChain([], 'multi-user.target'), []);
    const circle = [unit('a.service', 5, 5, 'b.service'), unit('b.service', 5, 5, 'a.service')];
    assert.deepEqual(
      criticalChain(circle, 'a.service').map(({ id }) => id),
      ['a.service', 'b.service'],
    );
  });

  it('is read from what systemctl shows', () => {
    const text =
      'Id=a.service\nAfter=b.target c.mount\nInactiveExitTimestampMonotonic=1500000\nActiveEnterTimestampMonotonic=2500000\n\n' +
      'Id=b.target\nAfter=\nInactiveExitTimestampMonotonic=0\nActiveEnterTimestampMonotonic=0\n';
    assert.deepEqual(parseUnits(text), [unit('a.service', 1500, 2500, 'b.target', 'c.mount'), unit('b.target', 0, 0)]);
    assert.deepEqual(parseUnits(''), []);
  });
});
