import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyRule } from '../../api/generated/types/rbac.v1.ts';
import type { Attributes } from './authorizer.ts';
import { ruleOf } from './bootstrap/rule.ts';
import { compacted, ruleAllows, ruleText, uncovered } from './rules.ts';

const user = { name: 'jane', groups: [] };
const none = { group: '', version: 'v1', resource: '', subresource: '', namespace: '', name: '', fieldSelector: '' };

/** `get apps/deployments/scale web`: verb, group/resource[/subresource], name; `get /livez`: verb and path. */
function asked(text: string): Attributes {
  const [verb = '', what = '', name = ''] = text.split(' ');
  if (what.startsWith('/')) return { ...none, user, verb, isResource: false, path: what };
  const [group = '', resource = '', subresource = ''] = what.split('/');
  return {
    ...none,
    user,
    verb,
    isResource: true,
    path: '',
    group: group === 'core' ? '' : group,
    resource,
    subresource,
    name,
  };
}

describe('a rule', () => {
  const rows: readonly (readonly [rule: string, request: string, allowed: boolean])[] = [
    ['get core pods', 'get core/pods a', true],
    ['get core pods', 'get core/pods', true],
    ['get core pods', 'list core/pods', false],
    ['get core pods', 'get apps/pods', false],
    ['get core pods', 'get core/pods/log a', false],
    ['get core pods', 'get core/services a', false],
    ['get core pods', 'get /pods', false],
    ['* core pods', 'deletecollection core/pods', true],
    ['* core pods', 'made-up core/pods', true],
    ['get * pods', 'get metrics.k8s.io/pods', true],
    ['get core *', 'get core/pods a', true],
    ['get core *', 'get core/pods/log a', true],
    ['get core *', 'get apps/deployments a', false],
    ['* * *', 'escalate rbac.authorization.k8s.io/clusterroles x', true],
    ['* * *', 'get /metrics', false],
    ['* *', 'get /metrics', true],
    ['* *', 'get core/pods', false],
    ['get core pods/log', 'get core/pods/log a', true],
    ['get core pods/log', 'get core/pods a', false],
    ['get core pods/*', 'get core/pods/log a', false],
    ['get * */scale', 'get apps/deployments/scale web', true],
    ['get * */scale', 'get apps/deployments web', false],
    ['get * */scale', 'get apps/deployments/status web', false],
    ['get * */scale', 'get /scale', false],
    ['get core pods a,b', 'get core/pods a', true],
    ['get core pods a,b', 'get core/pods c', false],
    ['get core pods a,b', 'get core/pods', false],
    ['create core pods a', 'create core/pods', false],
    ['list core pods a', 'list core/pods a', true],
    ['get core pods *', 'get core/pods a', false],
    ['get /livez', 'get /livez', true],
    ['get /livez', 'get /livez/ping', false],
    ['get /livez/*', 'get /livez/ping', true],
    ['get /livez/*', 'get /livez', false],
    ['get /livez*', 'get /livez', true],
    ['get /livez*', 'get /livez/ping', true],
    ['get /a/*/b', 'get /a/x/b', false],
    ['get /a/*/b', 'get /a/*/b', true],
    ['get /api,/apis', 'get /apis', true],
    ['get /api,/apis', 'head /apis', false],
    ['get core,events.k8s.io events', 'get events.k8s.io/events', true],
    [
      'impersonate authentication.k8s.io userextras/scopes',
      'impersonate authentication.k8s.io/userextras/scopes x',
      true,
    ],
  ];
  for (const [rule, request, allowed] of rows) {
    it(`${rule} ${allowed ? 'allows' : 'does not allow'} ${request}`, () => {
      assert.equal(ruleAllows(ruleOf(rule), asked(request)), allowed);
    });
  }
  it('without lists allows nothing', () => {
    assert.equal(ruleAllows({ verbs: ['*'] }, asked('get core/pods')), false);
    assert.equal(ruleAllows({ verbs: ['*'] }, asked('get /x')), false);
    assert.equal(ruleAllows({ verbs: [], apiGroups: ['*'], resources: ['*'] }, asked('get core/pods')), false);
  });
});

describe('what one holds covers what one grants', () => {
  const rows: readonly (readonly [owned: readonly string[], granted: readonly string[], missing: readonly string[]])[] =
    [
      [['* * *'], ['get core pods'], []],
      [['* * *'], ['get /livez'], ['{NonResourceURLs:["/livez"], Verbs:["get"]}']],
      [['* * *', '* *'], ['* * *', '* *'], []],
      [['get core pods'], ['get core pods'], []],
      [['get core pods'], ['get,list core pods'], ['{APIGroups:[""], Resources:["pods"], Verbs:["list"]}']],
      [['get,list core pods'], ['get core pods', 'list core pods'], []],
      [['get core pods', 'list core pods'], ['get,list core pods'], []],
      [['get core pods'], ['* core pods'], ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}']],
      [['get core pods'], ['get core pods/log'], ['{APIGroups:[""], Resources:["pods/log"], Verbs:["get"]}']],
      [['get core *'], ['get core pods/log'], []],
      [['get core */log'], ['get core pods/log'], []],
      [['get core */log'], ['get core pods'], ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']],
      [['get core pods a'], ['get core pods a'], []],
      [['get core pods'], ['get core pods a'], []],
      [['get core pods a'], ['get core pods'], ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']],
      [
        ['get core pods a'],
        ['get core pods a,b'],
        ['{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}'],
      ],
      [
        [],
        ['get,list core,apps pods'],
        [
          '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}',
          '{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "list"]}',
        ],
      ],
      [['get /livez/*'], ['get /livez/ping'], []],
      [['get /livez/*'], ['get /livez/*'], []],
      [['get /livez'], ['get /livez/*'], ['{NonResourceURLs:["/livez/*"], Verbs:["get"]}']],
      [['get *'], ['get /a,/b'], []],
      [['get * *'], ['get example.com widgets'], []],
      [[], [], []],
    ];
  for (const [owned, granted, missing] of rows) {
    it(`[${owned.join('; ')}] grants [${granted.join('; ')}]${missing.length ? ', which it may not' : ''}`, () => {
      const found = compacted(uncovered(owned.map(ruleOf), granted.map(ruleOf)));
      assert.deepEqual(found.map(ruleText).sort(), [...missing].sort());
    });
  }
});

describe('rules as text', () => {
  const rows: readonly (readonly [rule: PolicyRule, text: string])[] = [
    [{ verbs: [] }, '{}'],
    [{ verbs: ['get'] }, '{Verbs:["get"]}'],
    [
      ruleOf('get,list core pods,services a'),
      '{APIGroups:[""], Resources:["pods" "services"], ResourceNames:["a"], Verbs:["get" "list"]}',
    ],
    [ruleOf('get /a'), '{NonResourceURLs:["/a"], Verbs:["get"]}'],
  ];
  for (const [rule, text] of rows) it(text, () => assert.equal(ruleText(rule), text));
  it('refuses lines that are no rules', () => {
    for (const line of ['', 'get', 'get a b c d']) assert.throws(() => ruleOf(line), /this is no rule/);
  });
});
