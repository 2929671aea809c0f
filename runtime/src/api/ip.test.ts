import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cidrContains, parseCidr, parseIp } from './ip.ts';

describe('parseIp', () => {
  const good: readonly (readonly [text: string, canonical: string, marks?: string])[] = [
    ['10.9.8.7', '10.9.8.7'],
    ['010.9.8.7', '10.9.8.7', 'zeros'],
    ['0.0.0.0', '0.0.0.0'],
    ['::', '::'],
    ['::1', '::1'],
    ['FE80:0:0:0:0:0:0:0abc', 'fe80::abc'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:1.2.3.4', '1.2.3.4', 'mapped'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ];
  for (const [text, canonical, marks = ''] of good)
    it(text, () => {
      const ip = parseIp(text);
      assert.equal(ip?.canonical, canonical);
      assert.equal([ip?.leadingZeros ? 'zeros' : '', ip?.mapped ? 'mapped' : ''].join(''), marks);
    });
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    'a.b.c.d',
    '1:2',
    ':::',
    '1::2::3',
    '12345::',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1.2.3.4 ',
  ])
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseIp(text), undefined));
});

describe('parseCidr', () => {
  const good: readonly (readonly [text: string, canonical: string, beyond: boolean])[] = [
    ['10.0.0.0/8', '10.0.0.0/8', false],
    ['10.1.2.3/8', '10.0.0.0/8', true],
    ['0.0.0.0/0', '0.0.0.0/0', false],
    ['1.2.3.4/32', '1.2.3.4/32', false],
    ['2001:DB8::/64', '2001:db8::/64', false],
    ['2001:db8::1/64', '2001:db8::/64', true],
    ['::/0', '::/0', false],
  ];
  for (const [text, canonical, beyond] of good)
    it(text, () => {
      const range = parseCidr(text);
      assert.equal(range?.canonical, canonical);
      assert.equal(range?.beyond, beyond);
    });
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/a', '::/129', '/8', '::ffff:1.2.3.4/64'])
    it(`refuses ${text}`, () => assert.equal(parseCidr(text), undefined));
  it('tells what it contains', () => {
    const range = parseCidr('10.0.0.0/30');
    const ip = (text: string) => parseIp(text) as NonNullable<ReturnType<typeof parseIp>>;
    assert.ok(range);
    assert.deepEqual(
      ['10.0.0.3', '10.0.0.4', '::1'].map(text => cidrContains(range, ip(text))),
      [true, false, false],
    );
  });
});
