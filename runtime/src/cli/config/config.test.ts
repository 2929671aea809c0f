/** `atoll config` as a person uses it: what is printed, and what it ends with. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { UsageError, Values } from '../command.ts';
import { config } from './config.ts';
import { colours, problemText } from './problems.ts';

const folder = mkdtempSync(join(tmpdir(), 'atoll-config-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

async function run(
  words: readonly string[],
  options: Readonly<Record<string, string>> = {},
): Promise<[number, string]> {
  let output = '';
  const values = new Values(
    new Map(Object.entries({ 'config-dir': join(folder, 'none'), ...options }).map(([k, v]) => [k, [v]])),
  );
  const take = (text: string): void => {
    output += text;
  };
  const code = await config({ values, rest: words, stdout: take });
  return [code, output.replaceAll(folder, '.')];
}

describe('atoll config validate', () => {
  it('shows every problem with its line, and says what to do', async () => {
    const path = file(
      'wrong.yaml',
      '#cloud-config\nhostnme: a\natoll:\n  https-listen-port: 70000\n  tls-san: ["a b"]\n',
    );
    assert.deepEqual(await run(['validate', path]), [
      1,
      `./wrong.yaml:2:1: error: unknown key "hostnme"
 2 │ hostnme: •
   │ ^^^^^^^
   → did you mean "hostname"?

./wrong.yaml:4:22: error: atoll.https-listen-port: must be a port from 1 to 65535, not 70000
 4 │   https-listen-port: 70000
   │                      ^^^^^

./wrong.yaml:5:13: error: atoll.tls-san[0]: must be a DNS name or an IP address, not "a b"
 5 │   tls-san: ["a b"]
   │             ^^^^^

./wrong.yaml: refused: 3 errors
`,
    ]);
  });

  it('never shows what may be a secret', async () => {
    const lines = [
      'tokne: hunter2',
      'atoll: {token: "hunter2 hunter2", rol: server}',
      'users:\n  - {name: bob, passwd: hunter2, nme: x}',
      'atoll:\n  token: hunter2\n\trole: server',
      'atoll: {token: hunter2, role: server, role: agent}',
      'atoll:\n  agent-token: [hunter2]',
      'atoll: {registries: {configs: {r: {auth: {password: hunter2, usrname: a}}}}}',
      'atoll:\n  token: hunter2: x',
      'atoll:\n  token: "hunter2',
      'atoll:\n  token: hunter2\n   role: server',
      'ssh_authorized_keys:\n  - |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    hunter2hunter2hunter2hunter2hunter2',
      'atoll: {datastore-endpoint: "postgres://u:hunter2@db/x"}',
      'atoll:\n  vpn-auth: name=tailscale,joinKey=hunter2',
      'atoll:\n\tvpn-auth: name=tailscale,joinKey=hunter2',
      'atoll: {etcd-s3-access-key: hunter2}',
      'atoll: {server: "https://u:hunter2@192.0.2.1:6443"}',
      'atoll: {server: "https://u:hunter2 /@192.0.2.1:6443"}',
      `atoll: {server: "https://u:${'hunter2'.repeat(20)}@192.0.2.1:6443"}`,
      'atoll: {upgrade: {channel: "ftp://example.org/?key=hunter2"}}',
      'atoll: {registries: {mirrors: {docker.io: {endpoint: ["ftp://u:hunter2@m"]}, "https://u:hunter2@m": {}}}}',
      'phone_home: {url: "ftp://u:hunter2@example.org/?key=hunter2"}',
      'phone_home: {url: https://u:hunter2@example.org, tris: 3}',
      'users: [{name: bob, plain_text_passwd: hunter2}]',
    ];
    const networks = [
      'tunnels: {wg0: {mode: wireguard, key: hunter2, peers: [{keys: {public: x, shared: hunter2}, nme: 1}]}}',
      'tunnels:\n  wg0: {mode: wireguard, keys: {private: "hunter2", publc: x}}',
      'wifis: {wlan0: {access-points: {home: {auth: {password: hunter2, methd: x}}}}}',
    ];
    const documents = [
      ...lines.map(text => file(`secret-${lines.indexOf(text)}.yaml`, `#cloud-config\n${text}\n`)),
      ...networks.map(text => file(`network-config-${networks.indexOf(text)}`, `version: 2\n${text}\n`)),
    ];
    for (const document of documents)
      for (const options of [{}, { output: 'json' }]) {
        const [code, output] = await run(['validate', document], options);
        assert.equal(code, 1, output);
        assert.doesNotMatch(output, /hunter2/);
      }
  });

  it('takes folders, other documents and several files', async () => {
    file('node/user-data', '#cloud-config\nhostname: node\n');
    file('node/network-config', 'version: 2\nethernets: {eth0: {dchp4: true}}\n');
    const good = file('good.yaml', '#cloud-config\nhostname: node\n');
    const network = file('office.yaml', 'network:\n  version: 2\n  ethernet: {}\n');
    const [code, output] = await run(['validate', join(folder, 'node'), good, network]);
    assert.equal(code, 1);
    assert.match(output, /^\.\/node\/network-config:2:20: error: ethernets\.eth0: unknown key "dchp4"$/m);
    assert.match(output, /^\.\/good\.yaml: good$/m);
    assert.match(output, /^\.\/office\.yaml:3:3: error: network: unknown key "ethernet"$/m);
  });

  it('says of a file that is no text, or too long, what it is, and shows nothing of it', async () => {
    const utf16 = Buffer.from('\ufeff#cloud-config\nhostname: a\n', 'utf16le');
    const rows: readonly (readonly [content: Buffer, said: string])[] = [
      [utf16, './press-7:1:1: error: is in UTF-16\n   → save the file as UTF-8 (Windows calls UTF-16 "Unicode")\n'],
      [
        Buffer.alloc(3_000_000, '#cloud-config\n'),
        './press-7:1:1: error: is longer than 1048576 bytes (1 MiB)\n   → keep',
      ],
      [Buffer.alloc(0), './press-7:1:1: error: is empty\n   → write #cloud-config'],
      [Buffer.from([0x80, 0x81, 0x82, 0x83, 0x84]), './press-7:1:1: error: is not UTF-8: byte 0x80\n   → save'],
      [
        Buffer.from('#cloud-config\n# M\xfcller\n', 'latin1'),
        './press-7:2:4: error: is not UTF-8: byte 0xFC ("ü" in Latin-1?)\n 2 │ # M',
      ],
    ];
    for (const [content, said] of rows) {
      const [code, output] = await run(['validate', file('press-7', content)]);
      assert.deepEqual([code, output.slice(0, said.length)], [1, said]);
      assert.match(output, /\n\n\.\/press-7: refused: 1 error\n$/);
    }
  });

  it('says of each file that cannot be read why, and goes on', async () => {
    const good = file('good.yaml', '#cloud-config\nhostname: a\n');
    file('windows/user-data.txt', '#cloud-config\n');
    file('windows/network-config', 'version: 2\n');
    file('deep/user-data/x', '');
    symlinkSync('loop', join(folder, 'loop'));
    const names = ['none', 'good.yaml/x', 'windows', 'deep', 'loop', 'my file.yaml'].map(name => join(folder, name));
    file('my file.yaml', 'hostname: a\n');
    assert.deepEqual(await run(['validate', ...names, good]), [
      2,
      `./none: there is no such file
./good.yaml/x: there is no such file
./windows/user-data.txt: a node reads user-data, without .txt: rename it
./deep/user-data: is a folder, where a file is meant
./loop: is a link that leads to itself
./my file.yaml:1:1: error: the first line must be #cloud-config
 1 │ hostname: a
   │ ^^^^^^^^
   → cloud-init takes other files for something else

./my file.yaml: refused: 1 error
./good.yaml: good
`,
    ]);
    const [code, json] = await run(['validate', join(folder, 'none'), good], { output: 'json' });
    assert.deepEqual([code, JSON.parse(json).map(({ valid }: { valid: boolean }) => valid)], [2, [false, true]]);
  });

  it('ends although a file has no end', async () => {
    const [code, output] = await run(['validate', '/dev/zero']);
    assert.equal(code, 1);
    assert.match(output, /^\/dev\/zero:1:1: error: is longer than 1048576 bytes \(1 MiB\)/);
  });

  it('ends well with warnings', async () => {
    const [code, output] = await run(['validate', file('warn.yaml', '#cloud-config\npreserve_hostname: yes\n')]);
    assert.equal(code, 0);
    assert.match(
      output,
      /:2:20: warning: preserve_hostname: yes counts as true.*\n[\s\S]*warn\.yaml: good, 1 warning\n$/,
    );
  });

  it('says it as JSON', async () => {
    const path = file('j.yaml', '#cloud-config\ntimezone: [UTC]\n');
    const [code, output] = await run(['validate', path], { output: 'json' });
    const [result] = JSON.parse(output);
    assert.deepEqual(
      [code, result.valid, result.problems[0].place.line, result.problems[0].path],
      [1, false, 2, 'timezone'],
    );
  });

  it('keeps terminals safe: long lines are cut, tabs and escapes are seen', async () => {
    const [, tabs] = await run(['validate', file('t.yaml', '#cloud-config\natoll:\n\trole: server\n')]);
    assert.match(tabs, / 3 │ ⇥role: server\n {3}│ \^/);
    const [, long] = await run(['validate', file('l.yaml', `#cloud-config\nruncmd: [${'a, '.repeat(200)}{b: c}]\n`)]);
    for (const line of long.split('\n')) assert.ok(line.length < 140, line);
    assert.match(long, / │ …a, a,.*\{b: c\}\]\n/);
    const [, escapes] = await run(['validate', file('e.yaml', Buffer.from('#cloud-config\nhostname: a\x1b[2J\n'))]);
    assert.ok(!escapes.includes('\x1b'), escapes);
  });

  it('colours for terminals', () => {
    const text = problemText({ severity: 'error', path: 'a', message: 'is wrong' }, new Map(), colours);
    assert.equal(text, '\u001b[1;31merror\u001b[0m: a: is wrong\n');
  });
});

const GOOD =
  '#cloud-config\nhostname: node\natoll:\n  token: hunter2\n  role: agent\n  server: https://192.0.2.1:6443\n  node-label: [a=b]\n';

describe('atoll config show', () => {
  it('shows what counts, without secrets', async () => {
    const path = file('show.yaml', `${GOOD}write_files:\n  - path: /etc/motd\n    content: |\n      a\n\n      b\n`);
    assert.deepEqual(await run(['show', path]), [
      0,
      `# From, the strongest first:
#   command ./show.yaml: user-data

# user-data
hostname: node
atoll:
  token: (secret)
  role: agent
  server: https://192.0.2.1:6443
  node-label:
    - a=b
write_files:
  - path: /etc/motd
    content: |
      a

      b
`,
    ]);
    const [, open] = await run(['show', path], { secrets: 'true' });
    assert.match(open, /^ {2}token: hunter2$/m);
    const [, json] = await run(['show', path], { output: 'json', sources: 'true' });
    const { 'user-data': shown, origins } = JSON.parse(json);
    assert.deepEqual([shown.atoll.token, origins['user-data']['atoll.token'].line], ['(secret)', 4]);
  });

  it('hides files nobody else may read, Secrets among manifests, and what URLs carry', async () => {
    const path = file(
      'hide.yaml',
      `#cloud-config
write_files:
  - {path: /etc/secret, content: hunter2, permissions: "0600"}
  - {path: /etc/open, content: seen, permissions: "0644"}
atoll:
  manifests:
    login: "apiVersion: v1\\nkind: Secret\\nmetadata: {name: a}\\nstringData: {a: hunter2}\\n"
    other: "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: seen}\\n"
phone_home: {url: "https://u:hunter2@example.org/?key=hunter2"}
`,
    );
    for (const output of ['yaml', 'json']) {
      const [code, text] = await run(['show', path], { output });
      assert.equal(code, 0);
      assert.doesNotMatch(text, /hunter2/);
      assert.match(text, /seen[\s\S]*seen/);
      assert.match(text, /https:\/\/•••@example\.org\/\?•••/);
    }
    const [, difference] = await run(['diff', path]);
    assert.doesNotMatch(difference, /hunter2/);
    const [, open] = await run(['show', path], { secrets: 'true' });
    assert.match(open, /https:\/\/u:hunter2@example\.org\/\?key=hunter2/);
  });

  const modes: readonly (readonly [permissions: string, shown: boolean])[] = [
    ['permissions: "0644"', true],
    ['permissions: 0755', true],
    ['permissions: "0604"', true],
    ['permissions: "0o444"', true],
    ['owner: root:root', true],
    ['permissions: "0600"', false],
    ['permissions: "0640"', false],
    ['permissions: "0611"', false],
    ['permissions: "0622"', false],
    ['permissions: "4711"', false],
    ['permissions: 0400', false],
    // Wrong, and meant to keep others out.
    ['permissions: rw-------', false],
    ['mode: "0600"', false],
    ['permission: "0600"', false],
  ];
  for (const [permissions, isShown] of modes)
    it(`${isShown ? 'shows' : 'hides'} what is in a file with ${permissions}`, async () => {
      const path = file(
        'mode.yaml',
        `#cloud-config\nwrite_files: [{path: /etc/a, ${permissions}, content: hunter2}]\n`,
      );
      for (const output of ['yaml', 'json']) {
        const [, text] = await run(['show', path], { output });
        assert.equal(text.includes('hunter2'), isShown, text);
      }
      const [, text] = await run(['validate', path]);
      assert.ok(isShown || !text.includes('hunter2'), text);
    });

  it('shows of a node where each key stands', async () => {
    const base = join(folder, 'base');
    file('base/generations/3/sources/esp/user-data', `${GOOD}timezone: UTC\n`);
    file('base/generations/3/sources/esp/location', '/dev/vda1 (ESP)\n');
    file(
      'base/generations/3/sources/url/user-data',
      '#cloud-config\ntimezone: Europe/Berlin\natoll: {node-label: [c=d]}\n',
    );
    file('base/generations/3/sources/url/location', 'https://example.org/node\n');
    symlinkSync('generations/3', join(base, 'current'));
    const [code, output] = await run(['show'], { 'config-dir': base, sources: 'true' });
    assert.equal(code, 0);
    assert.match(
      output,
      /^# {3}url {5}https:\/\/example\.org\/node: user-data\n# {3}esp {5}\/dev\/vda1 \(ESP\): user-data$/m,
    );
    assert.match(output, /^timezone: Europe\/Berlin +# user-data of https:\/\/example\.org\/node:2:1$/m);
    assert.match(output, /^hostname: node +# user-data of \/dev\/vda1 \(ESP\):2:1$/m);
    assert.match(output, /^ {2}node-label: +# user-data of https.*\n {4}- c=d /m);
  });

  it('says what counts where there is none', async () => {
    const [code, output] = await run(['show']);
    assert.equal(code, 0);
    assert.match(output, /defaults/);
  });
});

describe('atoll config diff', () => {
  it('says what would change, and what needs a reboot', async () => {
    const base = join(folder, 'diff');
    file('diff/generations/1/sources/esp/user-data', GOOD);
    symlinkSync('generations/1', join(base, 'current'));
    const next = GOOD.replace('node-label: [a=b]', 'node-label: [a=b, c=d]')
      .replace('hunter2', 'hunter3')
      .replace('hostname: node\n', '');
    assert.match(
      (await run(['diff', file('first.yaml', GOOD)]))[1],
      /^# Nothing is configured here: compared with the defaults\.\n\+ hostname: "node"\n/,
    );
    const path = file('next.yaml', `${next}machine: {zram: true}\n`);
    assert.deepEqual(await run(['diff', path], { 'config-dir': base }), [
      0,
      `- hostname: "node"
~ atoll.token: (secret) → (secret)
~ atoll.node-label: ["a=b"] → ["a=b","c=d"]
+ machine.zram: true
Needs a reboot: machine.zram
`,
    ]);
    assert.deepEqual(await run(['diff', file('same.yaml', GOOD)], { 'config-dir': base }), [
      0,
      'It says what is in force already.\n',
    ]);
    const [code, output] = await run(['diff', file('no.yaml', 'hostname: node\n')], { 'config-dir': base });
    assert.equal(code, 1);
    assert.match(output, /no\.yaml is refused: it would change nothing\.\n$/);
  });
});

describe('atoll config, asked wrongly', () => {
  const rows: readonly (readonly [words: readonly string[], message: RegExp])[] = [
    [[], /say what to do: one of validate/],
    [['valdate'], /did you mean validate\?/],
    [['constructor'], /unknown: config constructor/],
    [['validate'], /say what to validate/],
    [['validate', '/nonexistent'], /there is no such file/],
    [['validate', tmpdir()], /there is none of user-data/],
    [['show', 'a', 'b'], /takes one file or folder/],
    [['diff'], /say which: atoll config diff FILE\|DIR/],
    [['diff', 'a', 'b'], /takes one file or folder; "b" was given, too/],
    [['apply', '/nonexistent'], /no Atoll node: config apply changes the node it runs on/],
    [['schema', 'vendor-data'], /one of user-data, meta-data, network-config/],
    [['reference', 'x'], /no arguments/],
  ];
  for (const [words, message] of rows) {
    it(words.join(' ') || '(nothing)', () =>
      assert.rejects(run(words), error => error instanceof UsageError && message.test(error.message)),
    );
  }
  for (const [words, option, message] of [
    [['validate', 'a'], 'sources', /atoll config validate has no --sources: it is of show/],
    [['show', 'a'], 'dry-run', /atoll config show has no --dry-run: it is of apply/],
    [['schema'], 'o', /atoll config schema has no -o: it is of validate, show/],
  ] as const)
    it(`${words[0]} with ${option}`, () => assert.rejects(run(words, { [option]: 'json' }), message));
  it('says which outputs there are', () =>
    assert.rejects(run(['validate', '-'], { output: 'xml' }), /--output is json, not "xml"/));
});
