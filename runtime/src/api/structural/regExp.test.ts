/** Go's regular expressions as JavaScript's. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { goRegExp } from './regExp.ts';

const rows: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
  ['^a$', ['a'], ['b', 'a\n', '']],
  ['^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$', ['* * * * */5', '1 2 3 4 5'], ['* * * *', 'a']],
  ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', ['a', 'a-b', '1'], ['-a', 'A']],
  ['^[\\w.-]+$', ['a.b-c_d'], ['a b', 'ä']],
  ['^[a\\-z]$', ['a', '-', 'z'], ['b']],
  ['^[-a]$', ['-', 'a'], ['b']],
  ['^[a-]$', ['-', 'a'], ['b']],
  ['^[]a]$', [']', 'a'], ['b']],
  ['^[^]a]$', ['b'], [']', 'a']],
  ['^[[:alpha:]]+$', ['abc'], ['a1', '']],
  ['^[[:alnum:]_]+$', ['a1_'], ['-']],
  ['^[[:space:]]$', [' ', '\t'], ['a']],
  ['(?i)^abc$', ['ABC', 'abc'], ['abd']],
  ['(?s)^a.b$', ['a\nb'], ['ab']],
  ['^a.b$', ['axb'], ['a\nb']],
  ['(?m)^b$', ['a\nb'], ['ab']],
  ['\\Aa\\z', ['a'], ['ab']],
  ['^\\pL+$', ['äb'], ['1']],
  ['^\\p{Greek}+$', ['αβ'], ['ab']],
  ['^\\P{Lu}+$', ['ab'], ['A']],
  ['^\\x41\\x{42}$', ['AB'], ['ab']],
  ['^\\101$', ['A'], ['B']],
  ['^\\Qa.b\\E$', ['a.b'], ['axb']],
  ['^(?P<year>\\d{4})-(?<month>\\d\\d)$', ['2026-01'], ['26-01']],
  ['^a{2}$', ['aa'], ['a', 'aaa']],
  ['^a{2,}$', ['aa', 'aaaa'], ['a']],
  ['^a{,2}$', ['a{,2}'], ['aa']],
  ['^{a}$', ['{a}'], ['a']],
  ['^a\\.b\\/c\\-d$', ['a.b/c-d'], ['axb/c-d']],
  ['^https?://.*$', ['https://a'], ['ftp://a']],
  ['^a+?b*?$', ['aab'], ['c']],
  ['^\\bword\\b$', ['word'], ['words']],
  ['^[\\d\\s]+$', ['1 2'], ['a']],
  ['^[^\\d]+$', ['ab'], ['1']],
  ['^\\D\\S\\W$', ['ab-'], ['1b-']],
  ['^[+-]?\\d+$', ['+1', '-1', '1'], ['x']],
  ['^🐳$', ['🐳'], ['x']],
  ['', ['', 'a'], []],
  ['^([0-9]+(\\.[0-9]+)?(Ki|Mi|Gi))$', ['1.5Gi'], ['1.5']],
];

const wrong: readonly (readonly [pattern: string, said: RegExp])[] = [
  ['(', /missing closing \)/],
  [')', /unexpected \)/],
  ['[a', /missing closing \]/],
  ['*a', /missing argument to repetition operator/],
  ['a**', /invalid nested repetition operator/],
  ['(?=a)', /invalid or unsupported Perl syntax/],
  ['(?<!a)b', /invalid or unsupported Perl syntax/],
  ['(a)\\1', /./],
  ['a{1001}', /invalid repeat count/],
  ['a{3,2}', /invalid repeat count/],
  ['\\', /trailing backslash/],
  ['\\y', /invalid escape sequence/],
  ['[[:foo:]]', /invalid character class range/],
  ['[z-a]', /./],
];

describe('patterns in the syntax of RE2', () => {
  for (const [pattern, yes, no] of rows) {
    it(JSON.stringify(pattern), () => {
      for (const text of yes) assert.equal(goRegExp(pattern).test(text), true, `${pattern} ${JSON.stringify(text)}`);
      for (const text of no) assert.equal(goRegExp(pattern).test(text), false, `${pattern} ${JSON.stringify(text)}`);
    });
  }
  for (const [pattern, said] of wrong)
    it(`refuses ${JSON.stringify(pattern)}`, () => assert.throws(() => goRegExp(pattern), said));

  it('does not take for ever, whatever the text', () => {
    for (const pattern of ['^(a+)+$', '^(a|a)*b$', '^([a-z0-9]+-?)*[A-Z]$']) {
      // An engine that goes back would not return.
      assert.equal(goRegExp(pattern).test(`${'a'.repeat(5000)}!`), false, pattern);
    }
  });
});
