import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Command, parseOptions, UsageError } from './command.ts';
import { configOption, withConfigFile } from './configFile.ts';

const shared = [configOption, { name: 'token', value: 'TOKEN', summary: '', env: 'TOKEN' }] as const;
const agent: Command = {
  name: 'agent',
  summary: '',
  options: [
    ...shared,
    { name: 'node-label', value: 'KEY=VALUE', summary: '', repeated: true },
    { name: 'node-name', value: 'NAME', summary: '', default: 'host' },
    { name: 'debug', summary: '' },
    { name: 'with-node-id', boolean: true, summary: '', default: 'false' },
    { name: 'v', value: 'LEVEL', summary: '' },
  ],
  run: async () => 0,
};
const server: Command = {
  name: 'server',
  summary: '',
  options: [
    ...shared,
    { name: 'tls-san', value: 'NAME', summary: '', repeated: true },
    { name: 'mode', value: 'MODE', summary: '' },
    { name: 'audit-log-path', value: 'FILE', summary: '' },
    { name: 'anonymous-auth', boolean: true, summary: '' },
    {
      name: 'kube-apiserver-arg',
      value: 'NAME=VALUE',
      summary: '',
      repeated: true,
      passesOn: ['audit-log-path', 'anonymous-auth'],
    },
  ],
  run: async () => 0,
};

describe('the configuration file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-config-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const read = async (
    command: Command,
    files: Readonly<Record<string, string>>,
    argv: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ReturnType<typeof parseOptions>['values']> => {
    await mkdir(join(folder, 'config.yaml.d'), { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const all = { ATOLL_CONFIG_FILE: join(folder, 'config.yaml'), ...env };
    return parseOptions(command, await withConfigFile(command, [agent, server], argv, all), all).values;
  };

  it('says options without dashes; the command line wins, the environment does not', async () => {
    const files = {
      'config.yaml': 'token: abc\nnode-label:\n  - a=b\n  - c=d\ndebug: true\nv: 4\nwith-node-id: true\n',
    };
    const values = await read(agent, files, [], { TOKEN: 'env' });
    assert.equal(values.one('token'), 'abc');
    assert.deepEqual(values.many('node-label'), ['a=b', 'c=d']);
    assert.equal(values.has('debug'), true);
    assert.equal(values.one('v'), '4');
    assert.equal(values.one('with-node-id'), 'true');
    assert.equal(values.one('node-name'), 'host');
    const typed = await read(agent, files, ['--node-label', 'e=f', '--token=x']);
    assert.deepEqual(typed.many('node-label'), ['e=f']);
    assert.equal(typed.one('token'), 'x');
  });

  it('a switch that is false is not given', async () => {
    const values = await read(agent, { 'config.yaml': 'debug: false\n' });
    assert.equal(values.has('debug'), false);
  });

  it('what Atoll writes itself is read the same', async () => {
    const plain = 'token: "a b"\nnode-label: ["a=b", "c=d"]\nv: 4\ndebug: true\n';
    const values = await read(agent, { 'config.yaml': plain });
    const { length } = await import('yaml').then(({ parse }) => Object.keys(parse(plain)));
    assert.equal(length, 4);
    assert.equal(values.one('token'), 'a b');
    assert.deepEqual(values.many('node-label'), ['a=b', 'c=d']);
    assert.equal(values.one('v'), '4');
    assert.equal(values.has('debug'), true);
  });

  it('values are as they are written', async () => {
    const values = await read(server, { 'config.yaml': 'mode: 0640\n' });
    assert.equal(values.one('mode'), '0640');
  });

  it('later files replace, + adds', async () => {
    const values = await read(agent, {
      'config.yaml': 'token: a\nnode-label: [a=1, b=2]\n',
      'config.yaml.d/20-b.yaml': 'node-label+: [d=4]\n',
      'config.yaml.d/10-a.yaml': 'token: b\nnode-label+: c=3\n',
      'config.yaml.d/ignored.txt': 'nonsense: true\n',
      'config.yaml.d/.hidden.yaml': 'nonsense: true\n',
    });
    assert.equal(values.one('token'), 'b');
    assert.deepEqual(values.many('node-label'), ['a=1', 'b=2', 'c=3', 'd=4']);
    const replaced = await read(agent, { 'config.yaml.d/30-c.yaml': 'node-label: z=1\n' });
    assert.deepEqual(replaced.many('node-label'), ['z=1']);
  });

  it('what only the other daemon knows is passed over', async () => {
    const files = { 'config.yaml': 'tls-san: [a.example.com]\nnode-name: left\n' };
    assert.equal((await read(agent, files)).one('node-name'), 'left');
    assert.deepEqual((await read(server, files)).many('tls-san'), ['a.example.com']);
  });

  it('what is passed on stands under its own name, and the command line still wins', async () => {
    const files = { 'config.yaml': 'kube-apiserver-arg: ["audit-log-path=/a", "anonymous-auth=false"]\n' };
    const values = await read(server, files, ['--audit-log-path', '/b']);
    assert.equal(values.one('audit-log-path'), '/b');
    assert.equal(values.one('anonymous-auth'), 'false');
  });

  it('no file is no options, unless it was asked for', async () => {
    const words = await withConfigFile(agent, [agent], ['--debug'], {});
    assert.deepEqual(words, ['--debug']);
    await assert.rejects(withConfigFile(agent, [agent], ['--config', join(folder, 'none')], {}), UsageError);
  });

  const wrong: readonly (readonly [text: string, message: RegExp])[] = [
    ['node-nam: x\n', /config\.yaml:1: unknown option node-nam; did you mean node-name\?/],
    ['token: a\nzzz: x\n', /config\.yaml:2: unknown option zzz/],
    ['token: [a, b]\n', /config\.yaml:1: --token is given twice/],
    ['token:\n  deep: 1\n', /config\.yaml:1: token must have a value/],
    ['token:\n', /config\.yaml:1: token must have a value/],
    ['debug: 7\n', /config\.yaml:1: --debug is a switch/],
    ['with-node-id: maybe\n', /config\.yaml:1: --with-node-id is true or false, not "maybe"/],
    ['- a\n', /config\.yaml:1: must be options/],
    ['token: "a\n', /config\.yaml:\d+: /],
    ['token: a\ntoken: b\n', /config\.yaml:2: /],
    ['a: &x [*x]\n', /config\.yaml:1: /],
    ['\ttoken: a\n', /config\.yaml:1: /],
  ];
  for (const [text, message] of wrong)
    it(`names file and line: ${JSON.stringify(text)}`, async () => {
      await assert.rejects(read(agent, { 'config.yaml': text }), (error: Error) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
});
