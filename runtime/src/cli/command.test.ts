import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../lib/nearest.ts';
import { type Command, parseOptions, UsageError } from './command.ts';

const command: Command = {
  name: 'agent',
  summary: 'run the node',
  options: [
    { name: 'server', value: 'URL', summary: 'the control plane', default: 'https://127.0.0.1:6443', env: 'ATOLL_URL' },
    { name: 'node-label', value: 'KEY=VALUE', summary: 'a label', repeated: true },
    { name: 'port', value: 'PORT', summary: 'a port', default: '6443' },
    { name: 'debug', summary: 'more output' },
    { name: 'o', value: 'json', summary: 'output' },
  ],
  run: async () => 0,
};

test('options are read in every form', () => {
  const table: [string[], Record<string, readonly string[] | string | boolean>, string[]][] = [
    [[], { server: 'https://127.0.0.1:6443' }, []],
    [['--server', 'https://a:1'], { server: 'https://a:1' }, []],
    [['--server=https://a:1'], { server: 'https://a:1' }, []],
    [['--node-label', 'a=b', '--node-label=c=d,e=f'], { 'node-label': ['a=b', 'c=d', 'e=f'] }, []],
    [['--debug'], { debug: true }, []],
    [['-o', 'json'], { o: 'json' }, []],
    [['-o=json'], { o: 'json' }, []],
    [['x', '--debug', '--', '--server'], { debug: true }, ['x', '--server']],
    [['--server='], { server: '' }, []],
  ];
  for (const [argv, expected, rest] of table) {
    const parsed = parseOptions(command, argv, {});
    for (const [name, value] of Object.entries(expected)) {
      if (typeof value === 'boolean') assert.equal(parsed.values.has(name), value, argv.join(' '));
      else if (typeof value === 'string') assert.equal(parsed.values.one(name), value, argv.join(' '));
      else assert.deepEqual(parsed.values.many(name), value, argv.join(' '));
    }
    assert.deepEqual(parsed.rest, rest);
  }
});

test('the environment stands in, an option wins', () => {
  assert.equal(parseOptions(command, [], { ATOLL_URL: 'https://env:1' }).values.one('server'), 'https://env:1');
  assert.equal(parseOptions(command, ['--server=x'], { ATOLL_URL: 'y' }).values.one('server'), 'x');
  assert.equal(parseOptions(command, [], { ATOLL_URL: '' }).values.has('server'), false);
});

test('what cannot be understood is named, with the nearest known option', () => {
  const table: [string[], RegExp][] = [
    [['--servr=x'], /unknown option --servr .*did you mean --server\?/],
    [['--zzz'], /unknown option --zzz of atoll agent \(atoll agent --help/],
    [['-server'], /unknown option -server/],
    [['--server'], /--server needs a value: URL/],
    [['--debug=1'], /--debug is a switch/],
    [['--server=a', '--server=b'], /--server is given twice/],
  ];
  for (const [argv, message] of table)
    assert.throws(
      () => parseOptions(command, argv, {}),
      (e: unknown) => e instanceof UsageError && message.test(e.message),
      argv.join(' '),
    );
});

test('whole numbers are checked', () => {
  for (const bad of ['', 'x', '1.5', '-1', '0', '65536', '1e3'])
    assert.throws(
      () => parseOptions(command, [`--port=${bad}`], {}).values.integer('port', 1, 65_535),
      UsageError,
      bad,
    );
  assert.equal(parseOptions(command, ['--port=443'], {}).values.integer('port', 1, 65_535), 443);
});

test('nearest finds slips, not strangers', () => {
  const known = ['server', 'agent', 'kubectl', 'status', 'version'];
  const table: [string, string | undefined][] = [
    ['servr', 'server'],
    ['sever', 'server'],
    ['stauts', 'status'],
    ['kubctl', 'kubectl'],
    ['agnet', 'agent'],
    ['zebra', undefined],
    ['', undefined],
  ];
  for (const [word, expected] of table) assert.equal(nearest(word, known), expected, word);
});

const server: Command = {
  name: 'server',
  summary: '',
  options: [
    { name: 'anonymous-auth', boolean: true, summary: '', default: 'true' },
    { name: 'token-auth-file', value: 'FILE', summary: '' },
    { name: 'enable-admission-plugins', value: 'NAMES', summary: '', repeated: true },
    { name: 'data-dir', value: 'DIR', summary: '' },
    {
      name: 'kube-apiserver-arg',
      value: 'NAME=VALUE',
      summary: '',
      repeated: true,
      passesOn: ['anonymous-auth', 'token-auth-file', 'enable-admission-plugins'],
    },
  ],
  alwaysSo: { 'allow-privileged': ['true'] },
  whyNot: name => (name.startsWith('etcd-') ? 'the store is a file' : undefined),
  run: async () => 0,
};

test('options that are passed on are as if they were given themselves', () => {
  const through = (...texts: string[]): string[] => texts.flatMap(text => ['--kube-apiserver-arg', text]);
  const table: [string[], Record<string, string | readonly string[]>][] = [
    [through('anonymous-auth=false'), { 'anonymous-auth': 'false' }],
    [through('--anonymous-auth=false'), { 'anonymous-auth': 'false' }],
    [through('anonymous-auth'), { 'anonymous-auth': 'true' }],
    [['--kube-apiserver-arg=token-auth-file=/a=b,c'], { 'token-auth-file': '/a=b,c' }],
    [
      [...through('enable-admission-plugins=A,B'), '--enable-admission-plugins=C'],
      { 'enable-admission-plugins': ['A', 'B', 'C'] },
    ],
    [through('allow-privileged=true', 'allow-privileged'), { 'anonymous-auth': 'true' }],
    [['--allow-privileged'], { 'anonymous-auth': 'true' }],
  ];
  for (const [argv, expected] of table) {
    const { values, rest } = parseOptions(server, argv, {});
    assert.deepEqual(rest, [], argv.join(' '));
    assert.equal(values.has('kube-apiserver-arg'), false);
    for (const [name, value] of Object.entries(expected))
      assert.deepEqual(typeof value === 'string' ? values.one(name) : values.many(name), value, argv.join(' '));
  }
});

test('what is passed on and not understood is named, with the nearest known option or the reason', () => {
  const table: [string, RegExp][] = [
    ['anonymus-auth=false', /^unknown option --kube-apiserver-arg anonymus-auth of .*did you mean anonymous-auth\?/],
    ['data-dir=/x', /^unknown option --kube-apiserver-arg data-dir of atoll server \(/],
    ['=x', /^unknown option --kube-apiserver-arg {2}of/],
    ['anonymous-auth=no', /^--kube-apiserver-arg anonymous-auth is true or false, not "no"$/],
    ['token-auth-file', /^--kube-apiserver-arg token-auth-file needs a value: FILE$/],
    ['etcd-servers=x', /^--kube-apiserver-arg etcd-servers: the store is a file$/],
    ['allow-privileged=false', /^--kube-apiserver-arg allow-privileged: it is always true in Atoll, not "false"$/],
    ['constructor=1', /^unknown option --kube-apiserver-arg constructor of/],
  ];
  for (const [text, message] of table)
    assert.throws(
      () => parseOptions(server, ['--kube-apiserver-arg', text], {}),
      (e: unknown) => e instanceof UsageError && message.test(e.message),
      text,
    );
  assert.throws(
    () => parseOptions(server, ['--etcd-servers=x'], {}),
    /^UsageError: --etcd-servers: the store is a file$/,
  );
  assert.throws(
    () => parseOptions(server, ['--token-auth-file=a', '--kube-apiserver-arg=token-auth-file=b'], {}),
    /--kube-apiserver-arg token-auth-file is given twice/,
  );
});
