import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { User } from '../../lib/exchange.ts';
import { parseRequestInfo, type RequestInfo } from '../requestInfo.ts';
import { evaluator, type Policy, ruleMatches } from './policy.ts';
import { AuditPolicyError, parsePolicy } from './policyFile.ts';

const HEAD = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
const read = (rules: string): Policy => parsePolicy(`${HEAD}rules:\n${rules}`, 'p.yaml');

/** `GET /api/v1/pods` */
function info(line: string): RequestInfo {
  const [method = 'GET', target = '/'] = line.split(' ');
  const { pathname, searchParams } = new URL(target, 'http://x');
  return parseRequestInfo({ method, path: pathname, query: searchParams });
}
const jane: User = { name: 'jane', groups: ['dev', 'system:authenticated'] };
const PODS = '/api/v1/namespaces/default/pods';

describe('an audit rule', () => {
  const rows: readonly (readonly [rule: string, request: string, matches: boolean])[] = [
    ['level: Metadata', 'GET /api/v1/pods', true],
    ['level: Metadata', 'GET /healthz', true],
    ['users: [jane]', 'GET /healthz', true],
    ['users: [bob]', 'GET /healthz', false],
    ['userGroups: [ops, dev]', 'GET /healthz', true],
    ['userGroups: [ops]', 'GET /healthz', false],
    ['verbs: [get]', 'GET /healthz', true],
    ['verbs: [list]', `GET ${PODS}`, true],
    ['verbs: [get]', `GET ${PODS}`, false],
    ['verbs: [watch]', `GET ${PODS}?watch=1`, true],
    ['verbs: [create, update]', `POST ${PODS}`, true],
    ['verbs: [deletecollection]', `DELETE ${PODS}`, true],
    ['namespaces: [default]', `GET ${PODS}`, true],
    ['namespaces: [other]', `GET ${PODS}`, false],
    ['namespaces: [default]', 'GET /healthz', false],
    ['namespaces: [""]', 'GET /api/v1/nodes', true],
    ['namespaces: [""]', `GET ${PODS}`, false],
    ['resources: [{group: "", resources: [pods]}]', `GET ${PODS}/a`, true],
    ['resources: [{resources: [pods]}]', `GET ${PODS}/a`, true],
    ['resources: [{group: "", resources: [pods]}]', `GET ${PODS}/a/log`, false],
    ['resources: [{group: "", resources: [pods/log]}]', `GET ${PODS}/a/log`, true],
    ['resources: [{group: "", resources: ["pods/*"]}]', `GET ${PODS}/a/log`, true],
    ['resources: [{group: "", resources: ["pods/*"]}]', `GET ${PODS}/a`, false],
    ['resources: [{group: "", resources: ["*/log"]}]', `GET ${PODS}/a/log`, true],
    ['resources: [{group: "", resources: ["*"]}]', `GET ${PODS}/a/log`, true],
    ['resources: [{group: ""}]', `GET ${PODS}/a/log`, true],
    ['resources: [{group: apps}]', `GET ${PODS}`, false],
    ['resources: [{group: apps}]', 'GET /apis/apps/v1/deployments', true],
    ['resources: [{group: apps, resources: [pods]}, {group: "", resources: [pods]}]', `GET ${PODS}`, true],
    ['resources: [{group: "", resources: [pods], resourceNames: [a]}]', `GET ${PODS}/a`, true],
    ['resources: [{group: "", resources: [pods], resourceNames: [a]}]', `GET ${PODS}/b`, false],
    ['resources: [{group: "", resources: [pods]}]', 'GET /healthz', false],
    ['nonResourceURLs: ["/healthz*"]', 'GET /healthz/ping', true],
    ['nonResourceURLs: ["/healthz"]', 'GET /healthz/ping', false],
    ['nonResourceURLs: ["*"]', 'GET /version', true],
    ['nonResourceURLs: ["*"]', `GET ${PODS}`, false],
  ];
  for (const [rule, request, matches] of rows) {
    it(`{${rule}} ${matches ? 'matches' : 'does not match'} ${request}`, () => {
      const text = rule.startsWith('level') ? `- ${rule}\n` : `- level: Metadata\n  ${rule}\n`;
      const [parsed] = read(text).rules;
      assert.ok(parsed);
      assert.equal(ruleMatches(parsed, info(request), jane), matches);
    });
  }

  it('that comes first decides; what none matches is not written', () => {
    const policy = parsePolicy(
      `${HEAD}omitStages: [RequestReceived]\nomitManagedFields: true\nrules:
- level: None
  verbs: [watch]
- level: RequestResponse
  resources: [{group: "", resources: [secrets]}]
  omitStages: [ResponseStarted]
  omitManagedFields: false
- level: Metadata
  users: [jane]
`,
      'p.yaml',
    );
    const decide = evaluator(policy);
    assert.equal(decide(info('GET /api/v1/secrets?watch=true'), jane).level, 'None');
    const secrets = decide(info('GET /api/v1/secrets'), jane);
    assert.equal(secrets.level, 'RequestResponse');
    assert.deepEqual([...secrets.omitStages], ['RequestReceived', 'ResponseStarted']);
    assert.equal(secrets.omitManagedFields, false);
    const pods = decide(info('GET /api/v1/pods'), jane);
    assert.equal(pods.level, 'Metadata');
    assert.equal(pods.omitManagedFields, true);
    assert.equal(decide(info('GET /api/v1/pods'), { name: 'bob', groups: [] }).level, 'None');
  });
});

describe('a wrong audit policy', () => {
  const rows: readonly (readonly [text: string, error: RegExp])[] = [
    ['', /^p\.yaml:1: must be an object/],
    ['- a\n', /^p\.yaml:1: must be an object/],
    ['kind: Policy\nrules:\n- level: None\n', /p\.yaml:1: apiVersion: it is missing: must be audit\.k8s\.io\/v1/],
    [
      'apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules:\n- level: None\n',
      /p\.yaml:1: apiVersion: "audit\.k8s\.io\/v1beta1": must be/,
    ],
    [`${HEAD}`, /p\.yaml:1: rules: a policy needs at least one rule/],
    [`${HEAD}rules: []\n`, /p\.yaml:3: rules: a policy needs/],
    [
      `${HEAD}rules:\n- verbs: [get]\n`,
      /^p\.yaml:4: level: it is missing: must be one of None, Metadata, Request, RequestResponse$/,
    ],
    [`${HEAD}rules:\n- level: metadata\n`, /p\.yaml:4: level: "metadata": must be one of/],
    [`${HEAD}rules:\n- level: None\n  user: [jane]\n`, /p\.yaml:5: unknown field user; there are level, users/],
    [`${HEAD}rules:\n- level: None\n  users: jane\n`, /p\.yaml:5: users: must be a list/],
    [`${HEAD}rules:\n- level: None\n  users: [1]\n`, /p\.yaml:5: users: 1 is no text/],
    [
      `${HEAD}rules:\n- level: None\n  omitStages: [Received]\n`,
      /p\.yaml:5: omitStages: "Received": must be one of RequestReceived/,
    ],
    [`${HEAD}rules:\n- level: None\n  omitManagedFields: yes\n`, /p\.yaml:5: omitManagedFields: must be true or false/],
    [`${HEAD}rules:\n- level: None\n  nonResourceURLs: [healthz]\n`, /p\.yaml:5: healthz: must begin with a '\/'/],
    [
      `${HEAD}rules:\n- level: None\n  nonResourceURLs: ["/a/*/b"]\n`,
      /p\.yaml:5: \/a\/\*\/b: a '\*' may only stand at the end/,
    ],
    [
      `${HEAD}rules:\n- level: None\n  namespaces: [a]\n  nonResourceURLs: [/a]\n`,
      /p\.yaml:6: rules cannot apply to both regular resources and non-resource URLs/,
    ],
    [
      `${HEAD}rules:\n- level: None\n  resources: [{group: apps/v1}]\n`,
      /p\.yaml:5: group: apps\/v1: is a group without its version: apps/,
    ],
    [
      `${HEAD}rules:\n- level: None\n  resources:\n  - group: ""\n    resourceNames: [a]\n`,
      /p\.yaml:7: using resourceNames requires at least one resource/,
    ],
    [`${HEAD}rules:\n- level: [\n`, /p\.yaml:\d: /],
    [`${HEAD}rules:\n- level: None\n  level: None\n`, /p\.yaml:5: Map keys must be unique/],
    [`${HEAD}rules:\n- level: x\n- level: y\n`, /p\.yaml:4: .*\np\.yaml:5: /],
  ];
  for (const [text, error] of rows) {
    it(String(error), () => {
      assert.throws(
        () => parsePolicy(text, 'p.yaml'),
        (thrown: unknown) => {
          assert.ok(thrown instanceof AuditPolicyError, String(thrown));
          assert.match(thrown.message, error);
          return true;
        },
      );
    });
  }
});
