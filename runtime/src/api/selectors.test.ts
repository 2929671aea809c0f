import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  fieldSelectorMatches,
  formatLabelSelector,
  labelSelectorMatches,
  parseFieldSelector,
  parseLabelSelector,
} from './selectors.ts';
import { StatusError } from './status.ts';

const LABELS = { app: 'web', tier: 'front', 'example.com/n': '5', empty: '' };

describe('label selectors', () => {
  const cases: readonly (readonly [text: string, matches: boolean, formatted?: string])[] = [
    ['', true],
    ['app', true],
    ['!app', false],
    ['!missing', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web', true, 'app=web'],
    ['app!=web', false],
    ['missing!=web', true],
    ['empty=', true],
    ['app=', false],
    ['app in (web, api)', true, 'app in (api,web)'],
    ['app notin (web)', false],
    ['missing notin (web)', true],
    ['app in ()', false],
    ['empty in (,x)', true, 'empty in (,x)'],
    ['tier=front,app=web', true, 'app=web,tier=front'],
    ['app=web,tier=back', false],
    ['example.com/n>4', true],
    ['example.com/n>5', false],
    ['example.com/n<6', true],
    ['app>1', false],
    ['in in (in)', false],
  ];
  for (const [text, matches, formatted] of cases) {
    it(`${JSON.stringify(text)} ${matches ? 'selects' : 'does not select'}`, () => {
      const selector = parseLabelSelector(text);
      assert.equal(labelSelectorMatches(selector, LABELS), matches);
      assert.equal(formatLabelSelector(selector), formatted ?? text);
    });
  }

  const wrong: readonly (readonly [text: string, message: string])[] = [
    ['app=web,', "found '', expected: identifier after ','"],
    [',app', "found ',', expected: !, identifier, or 'end of string'"],
    ['app in web', "unable to parse requirement: found 'web' expected: '('"],
    ['app in (web', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['app web', "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['app=a=b', "found '=', expected: ',' or 'end of string'"],
  ];
  for (const [text, message] of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseLabelSelector(text),
        (e: unknown) => e instanceof StatusError && e.code === 400 && e.message === message,
      );
    });
  }

  it('refuses keys and values that no label can have', () => {
    assert.throws(() => parseLabelSelector('-a=b'), /name part must consist of alphanumeric/);
    assert.throws(() => parseLabelSelector(`a=${'x'.repeat(64)}`), /must be no more than 63 bytes/);
    assert.throws(() => parseLabelSelector('a>b'), /the value must be an integer/);
  });

  it('reads selectors in objects; none selects nothing, an empty one everything', () => {
    const object = {
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'In' as const, values: ['front'] }],
    };
    assert.equal(labelSelectorMatches(object, LABELS), true);
    assert.equal(formatLabelSelector(object), 'app=web,tier in (front)');
    assert.equal(labelSelectorMatches(undefined, LABELS), false);
    assert.equal(labelSelectorMatches({}, undefined), true);
  });

  it('takes no property of JavaScript for a label', () => {
    assert.equal(labelSelectorMatches(parseLabelSelector('constructor'), {}), false);
  });
});

describe('field selectors', () => {
  const cases: readonly (readonly [text: string, fields: Record<string, string>, matches: boolean])[] = [
    ['metadata.name=a', { 'metadata.name': 'a' }, true],
    ['metadata.name==a', { 'metadata.name': 'b' }, false],
    ['status.phase!=Running', { 'status.phase': 'Pending' }, true],
    ['spec.nodeName=', {}, true],
    ['a=1,b=2', { a: '1', b: '2' }, true],
    ['a=x\\,y\\=z', { a: 'x,y=z' }, true],
  ];
  for (const [text, fields, matches] of cases)
    it(text, () => assert.equal(fieldSelectorMatches(parseFieldSelector(text), fields), matches));

  for (const text of ['nonsense', 'a=b=c'])
    it(`refuses ${text}`, () =>
      assert.throws(() => parseFieldSelector(text), /invalid selector: '.*'; can't understand/));
});
