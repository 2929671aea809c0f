/** Formats of strings, by examples that are and examples that are not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCheckedFormat, matchesFormat } from './formats.ts';

const rows: Readonly<Record<string, { readonly yes: readonly string[]; readonly no: readonly string[] }>> = {
  'date-time': {
    yes: ['2026-01-02T03:04:05Z', '2026-01-02t03:04:05z', '2026-01-02T03:04:05.123456Z', '2026-01-02T23:59:59+01:00'],
    no: [
      '',
      '2026-01-02',
      '2026-02-30T00:00:00Z',
      '2026-01-02T24:00:00Z',
      '2026-01-02T03:60:05Z',
      '2026-01-02T03:04:05',
      'now',
    ],
  },
  date: { yes: ['2026-01-02', '2024-02-29'], no: ['2026-02-29', '2026-1-2', '2026-13-01', '02.01.2026', ''] },
  duration: {
    yes: ['1h', '1h30m', '1.5s', '-3ms', '0', '22 ns', '2 days', '3 weeks', '1 hour', '10µs', '5 min'],
    no: ['', 'h', 'soon', '1 parsec', '5'],
  },
  byte: { yes: ['aGVsbG8=', 'aGVsbG8h', 'YQ=='], no: ['', 'a', 'aGVsbG8', 'ä==='] },
  uuid: {
    yes: ['123e4567-e89b-12d3-a456-426614174000', '123E4567E89B12D3A456426614174000'],
    no: ['', '123e4567-e89b-12d3-a456-42661417400', 'zzze4567-e89b-12d3-a456-426614174000'],
  },
  uuid3: { yes: ['bcd02e22-68f0-3046-a512-327cca9def8f'], no: ['bcd02e22-68f0-4046-a512-327cca9def8f'] },
  uuid4: { yes: ['025b0d74-00a2-4048-bf57-227c5111bb34'], no: ['025b0d74-00a2-4048-7f57-227c5111bb34'] },
  uuid5: { yes: ['886313e1-3b8a-5372-9b90-0c9aee199e5d'], no: ['886313e1-3b8a-4372-9b90-0c9aee199e5d'] },
  ipv4: { yes: ['10.0.0.1', '192.168.001.001', '::ffff:1.2.3.4'], no: ['', '10.0.0', '10.0.0.256', '::1', 'host'] },
  ipv6: { yes: ['::1', 'fe80::1', '2001:db8::8a2e:370:7334'], no: ['', '10.0.0.1', 'fe80::1%eth0', ':::'] },
  cidr: {
    yes: ['10.0.0.0/8', '2001:db8::/32', '0.0.0.0/0'],
    no: ['10.0.0.0', '10.0.0.0/33', '::/129', '10.0.0.0/a', '/8'],
  },
  mac: {
    yes: ['01:23:45:67:89:ab', '01-23-45-67-89-AB', '0123.4567.89ab', '01:23:45:67:89:ab:cd:ef'],
    no: ['', '01:23:45:67:89', '01:23-45:67:89:ab', 'zz:23:45:67:89:ab'],
  },
  hostname: {
    yes: ['example.com', 'a', 'host-1.example.org', '1und1.de', 'a.b.c.example'],
    no: ['', '-a.example', 'a_b.example', 'a..b', `${'a'.repeat(64)}.example.com`],
  },
  email: {
    yes: ['a@example.com', 'First Last <first.last@example.com>', '"a b"@example.com'],
    no: ['', 'a', 'a@', '@b', 'a@b@c'],
  },
  uri: {
    yes: [
      'https://example.com',
      'https://user:pw@example.com:8443/a?b=c',
      '/a/path',
      'mailto:a@example.com',
      'spiffe://x/y',
      'http://[::1]:80/',
    ],
    no: ['', 'example.com', './relative', 'http://a b/', '/a%zz', 'http://example.com:port/'],
  },
  password: { yes: ['', 'anything'], no: [] },
  isbn10: { yes: ['0321751043', '0-321-75104-3', '007462542X'], no: ['0321751044', '03217510433'] },
  isbn13: { yes: ['978-0321751041', '9780321751041'], no: ['978 3401013191', '9780321751042'] },
  isbn: { yes: ['0321751043', '978-0321751041'], no: ['1'] },
  creditcard: {
    yes: ['4220855426222389', '4220 8554 2622 2389', '374953669708156'],
    no: ['', '4220855426213389', 'card'],
  },
  ssn: { yes: ['111-11-1111', '111 11 1111'], no: ['111111111', '111-1-1111', ''] },
  hexcolor: { yes: ['#fff', 'CCccCC', '#f00'], no: ['', '#ff', 'fff0', '#ff12FG'] },
  rgbcolor: {
    yes: ['rgb(0,31,255)', 'rgb(0,  31, 255)'],
    no: ['rgb(1,349,275)', 'rgb(01,31,255)', 'rgba(0,31,255)', ''],
  },
  bsonobjectid: { yes: ['507f1f77bcf86cd799439011'], no: ['507f1f77bcf86cd79943901', 'x'.repeat(24)] },
  'k8s-short-name': { yes: ['a', 'my-name', '1a'], no: ['', 'A', '-a', 'a.b', 'a'.repeat(64)] },
  'k8s-long-name': { yes: ['a.b', 'my-name.example'], no: ['', 'A.b', 'a..b', 'a.'] },
};

describe('formats', () => {
  for (const [format, { yes, no }] of Object.entries(rows)) {
    for (const text of yes)
      it(`${format}: ${JSON.stringify(text)}`, () => assert.equal(matchesFormat(format, text), true));
    for (const text of no)
      it(`no ${format}: ${JSON.stringify(text)}`, () => assert.equal(matchesFormat(format, text), false));
  }

  it('are checked for their own types only', () => {
    assert.equal(isCheckedFormat('string', 'date-time'), true);
    assert.equal(isCheckedFormat('string', 'datetime'), true);
    assert.equal(isCheckedFormat('', 'uuid'), true);
    assert.equal(isCheckedFormat('string', 'int32'), false);
    assert.equal(isCheckedFormat('integer', 'int32'), true);
    assert.equal(isCheckedFormat('integer', 'int16'), false);
    assert.equal(isCheckedFormat('number', 'double'), true);
    assert.equal(isCheckedFormat('boolean', 'date'), false);
    assert.equal(matchesFormat('quux', 'a'), undefined);
  });
});
