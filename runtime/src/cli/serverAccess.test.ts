/** The options about who may come, read as the command line gives them. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { durationSeconds } from '../lib/duration.ts';
import { silentLogger } from '../lib/log.ts';
import { type Command, parseOptions, type Values } from './command.ts';
import { accessOf, auditOf } from './serverAccess.ts';
import { accessOptions, passedOn } from './serverAccessOptions.ts';
import { alwaysSo, whyNot } from './serverElsewhere.ts';

const command: Command = {
  name: 'server',
  summary: '',
  options: [...accessOptions, passedOn],
  alwaysSo,
  whyNot,
  run: async () => 0,
};
const values = (...argv: string[]): Values => parseOptions(command, argv, {}).values;
const parts = { clock: systemClock, logger: silentLogger };
const files: Readonly<Record<string, string>> = {
  'tokens.csv': 't,jane,u\n',
  'wrong.csv': 't,jane,u\nx\n',
  'policy.yaml': 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n',
  'wrong.yaml': 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: All\n',
  'limits.yaml':
    'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: EventRateLimit\n  configuration:\n    apiVersion: eventratelimit.admission.k8s.io/v1alpha1\n    kind: Configuration\n    limits: [{type: Server, qps: 5, burst: 10}]\n',
};
let directory: string;

describe('the options about who may come', () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-access-'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  });
  after(() => rm(directory, { recursive: true, force: true }));
  const file = (name: string): string => join(directory, name);

  it('are as Kubernetes has them when nothing is said', async () => {
    assert.deepEqual(await accessOf(values()), {
      issuer: 'https://kubernetes.default.svc.cluster.local',
      formerIssuers: [],
      extendTokens: true,
      anonymous: true,
      bootstrapTokens: true,
      authorizationModes: ['Node', 'RBAC'],
      admission: { enable: [], disable: [], tolerations: { notReadySeconds: 300, unreachableSeconds: 300 } },
    });
    assert.equal(await auditOf(values(), directory, parts), undefined);
  });

  it('are taken one by one, and through K3s’ option', async () => {
    const rows: readonly (readonly [argv: string[], field: string, value: unknown])[] = [
      [['--anonymous-auth=false'], 'anonymous', false],
      [['--kube-apiserver-arg=anonymous-auth=false'], 'anonymous', false],
      [['--enable-bootstrap-token-auth=false'], 'bootstrapTokens', false],
      [['--authorization-mode=AlwaysAllow'], 'authorizationModes', ['AlwaysAllow']],
      [['--authorization-mode', 'RBAC,Node'], 'authorizationModes', ['RBAC', 'Node']],
      [['--service-account-issuer=https://a.example'], 'issuer', 'https://a.example'],
      [['--service-account-issuer=a', '--service-account-issuer=b'], 'formerIssuers', ['b']],
      [['--api-audiences=a,b'], 'audiences', ['a', 'b']],
      [['--service-account-jwks-uri=https://a/keys'], 'jwksUri', 'https://a/keys'],
      [['--service-account-max-token-expiration=24h0m0s'], 'maxTokenSeconds', 86_400],
      [['--service-account-extend-token-expiration=false'], 'extendTokens', false],
      [['--allow-privileged', '--service-account-lookup=true'], 'anonymous', true],
    ];
    for (const [argv, field, value] of rows) {
      const access = (await accessOf(values(...argv))) as Readonly<Record<string, unknown>>;
      assert.deepEqual(access[field], value, argv.join(' '));
    }
    const { admission, staticTokens } = await accessOf(
      values(
        '--token-auth-file',
        file('tokens.csv'),
        '--enable-admission-plugins=AlwaysPullImages,EventRateLimit',
        '--disable-admission-plugins=LimitRanger,MutatingAdmissionWebhook',
        '--default-not-ready-toleration-seconds=10',
        '--admission-control-config-file',
        file('limits.yaml'),
      ),
    );
    assert.equal(staticTokens?.size, 1);
    assert.deepEqual(admission, {
      enable: ['AlwaysPullImages', 'EventRateLimit'],
      disable: ['LimitRanger'],
      tolerations: { notReadySeconds: 10, unreachableSeconds: 300 },
      eventLimits: [{ type: 'Server', qps: 5, burst: 10, cacheSize: 4096 }],
    });
  });

  it('say what is wrong, and what was meant', async () => {
    const rows: readonly (readonly [argv: string[], message: RegExp])[] = [
      [['--token-auth-file', 'wrong.csv'], /wrong\.csv:2: a line is token,user,uid/],
      [['--token-auth-file', 'none'], /--token-auth-file: .*none cannot be read: ENOENT/],
      [['--admission-control-config-file', 'none'], /none: the admission configuration cannot be read: ENOENT/],
      [
        ['--admission-control-config-file', 'policy.yaml'],
        /policy\.yaml:1: apiVersion: "audit.*must be apiserver.config/,
      ],
      [
        ['--enable-admission-plugins=AlwaysPulImages'],
        /there is no plugin AlwaysPulImages; did you mean AlwaysPullImages\?/,
      ],
      [
        ['--disable-admission-plugins=Foo'],
        /--disable-admission-plugins: there is no plugin Foo \(there are NamespaceLife/,
      ],
      [['--enable-admission-plugins=PodNodeSelector'], /PodNodeSelector cannot be switched on: Atoll does not have it/],
      [['--enable-admission-plugins=EventRateLimit'], /EventRateLimit needs limits from admission-control-config-file/],
      [
        ['--enable-admission-plugins=Priority', '--disable-admission-plugins=Priority'],
        /--enable-admission-plugins: Priority is disabled as well/,
      ],
      [['--default-not-ready-toleration-seconds=-1'], /"-1" is not a whole number/],
      [['--authorization-mode=Rbac'], /there is no mode Rbac; did you mean RBAC\?/],
      [['--authorization-mode=Webhook'], /there is no mode Webhook \(there are Node, RBAC/],
      [['--authorization-mode=RBAC,RBAC'], /a mode is given twice/],
      [['--service-account-issuer=:x'], /--service-account-issuer: ":x" is not a URL/],
      [['--service-account-issuer=a,a'], /a is given twice/],
      [['--service-account-jwks-uri=x'], /--service-account-jwks-uri: "x" is not a URL/],
      [['--service-account-max-token-expiration=5m'], /"5m" is not a duration of at least an hour/],
      [['--service-account-max-token-expiration=day'], /"day" is not a duration/],
    ];
    for (const [[name = '', value], message] of rows) {
      const given =
        value === undefined || value.startsWith('--') ? [name, ...(value ? [value] : [])] : [name, file(value)];
      await assert.rejects(accessOf(values(...given)), message, given.join(' '));
    }
  });

  it('refuse what kube-apiserver has and this server has not, with the reason', () => {
    const rows: readonly (readonly [option: string, message: RegExp])[] = [
      ['etcd-servers=https://x', /the store is a file of Atoll’s own/],
      ['secure-port=6443', /it is --https-listen-port here/],
      ['oidc-issuer-url=https://x', /Atoll has no OIDC logins/],
      ['tls-cert-file=/x', /--tls-san adds names/],
      ['encryption-provider-config=/x', /atoll secrets-encrypt/],
      ['feature-gates=A=true', /as Kubernetes 1\.36 has them by default/],
      ['audit-webhook-config-file=/x', /Atoll asks no other server/],
      ['event-ttl=24h', /it is always 1h in Atoll, not "24h"/],
      ['service-account-lookup=false', /it is always true in Atoll/],
      ['v=4', /ATOLL_LOG=debug/],
    ];
    for (const [option, message] of rows)
      assert.throws(() => values(`--kube-apiserver-arg=${option}`), message, option);
  });

  it('open the audit log, below the data directory unless said otherwise', async () => {
    const audit = await auditOf(values('--audit-policy-file', file('policy.yaml')), directory, parts);
    await audit?.close();
    assert.equal(await readFile(join(directory, 'logs', 'audit.log'), 'utf8'), '');
  });

  const wrong: readonly (readonly [argv: () => string[], message: RegExp])[] = [
    [() => ['--audit-log-path', '/x'], /--audit-log-path: needs audit-policy-file/],
    [() => ['--audit-policy-file', file('none')], /none: the audit policy cannot be read: ENOENT/],
    [() => ['--audit-policy-file', file('wrong.yaml')], /wrong\.yaml:4: level: "All": must be one of None, Metadata/],
    [
      () => ['--audit-policy-file', file('policy.yaml'), '--audit-log-maxsize', 'big'],
      /--audit-log-maxsize: "big" is not a whole number/,
    ],
  ];
  for (const [argv, message] of wrong) {
    it(String(message), () => assert.rejects(async () => auditOf(values(...argv()), directory, parts), message));
  }
});

describe('a duration', () => {
  const rows: readonly (readonly [text: string, seconds: number | undefined])[] = [
    ['0', 0],
    ['1h', 3600],
    ['1h30m', 5400],
    ['24h0m0s', 86_400],
    ['90s', 90],
    ['', undefined],
    ['1', undefined],
    ['1d', undefined],
    ['-1h', undefined],
    ['1h ', undefined],
    ['1.5h', undefined],
  ];
  for (const [text, seconds] of rows) it(JSON.stringify(text), () => assert.equal(durationSeconds(text), seconds));
});
