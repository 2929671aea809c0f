import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { architectures } from '../../boards.ts';
import { RootTree } from '../tree.ts';
import { elfProblems, shebangProblems, unitProblems } from './checks.ts';
import { firmware } from './firmware.ts';
import {
  busyboxApplets,
  certificates,
  emptyVar,
  identity,
  iptablesLinks,
  nameService,
  regulatoryLinks,
  skeleton,
} from './small.ts';
import type { FinishContext, FinishingStep } from './step.ts';
import { trim } from './trim.ts';
import { enableUnit, units } from './units.ts';
import { applySysusers, formatAccounts, parseAccounts, usersAndGroups } from './users.ts';

const origin = 'test';
const architecture = architectures.x86_64;
assert.ok(architecture);

/** A tree of files (`path: text`), links (`path: '→ target'`) and folders (`path/: ''`). */
function treeOf(content: Readonly<Record<string, string>>): RootTree {
  const tree = new RootTree();
  for (const [path, text] of Object.entries(content)) {
    if (path.endsWith('/')) tree.directory(path, { origin });
    else if (text.startsWith('→ ')) tree.symlink(path, text.slice(2), { origin });
    else tree.file(path, text, { origin, mode: text.startsWith('#!') ? 0o755 : 0o644 });
  }
  return tree;
}

const contextOf = (more: Partial<FinishContext> = {}): FinishContext => ({
  architecture,
  trim: [],
  ids: new Map(),
  applets: [],
  firmware: [],
  dropped: new Map(),
  ...more,
});

async function finished(
  step: FinishingStep,
  content: Readonly<Record<string, string>>,
  more?: Partial<FinishContext>,
): Promise<RootTree> {
  const tree = treeOf(content);
  await step.apply(tree, contextOf(more));
  return tree;
}

const targetOf = (tree: RootTree, path: string): string | undefined => {
  const node = tree.get(path);
  return node?.type === 'symlink' ? node.target : undefined;
};

const passwd = 'root:*:0:0:root:/root:/bin/bash\nnobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n';
const group = 'root:*:0:\nshadow:*:42:\nnogroup:*:65534:\n';

test('users: masters and sysusers.d become passwd, group, shadow and gshadow; ids are fixed, passwords locked', async () => {
  const tree = await finished(
    usersAndGroups,
    {
      'usr/share/base-passwd/passwd.master': passwd,
      'usr/share/base-passwd/group.master': group,
      // A member of a group, and a user in a group, that a later file makes.
      'usr/lib/sysusers.d/a.conf': 'u! net - "Net work"\nm net kvm\nu thing -:later /var/thing\n',
      'usr/lib/sysusers.d/b.conf': '# comment\n\ng kvm -\ng later 77\n',
    },
    {
      ids: new Map([
        ['net', 998],
        ['kvm', 105],
        ['thing', 990],
      ]),
    },
  );
  const lines = async (path: string): Promise<string[]> => (await tree.text(path)).trim().split('\n');
  assert.deepEqual(await lines('etc/passwd'), [
    'root:x:0:0:root:/root:/bin/sh',
    'thing:x:990:77:/var/thing:/:/usr/sbin/nologin',
    'net:x:998:998:Net work:/:/usr/sbin/nologin',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  ]);
  assert.deepEqual(await lines('etc/group'), [
    'root:x:0:',
    'shadow:x:42:',
    'later:x:77:',
    'kvm:x:105:net',
    'net:x:998:',
    'nogroup:x:65534:',
  ]);
  for (const line of await lines('etc/shadow')) assert.match(line, /^\w+:!\*:1::::::$/);
  assert.deepEqual([tree.get('etc/shadow')?.mode, tree.get('etc/shadow')?.gid], [0o640, 42]);
  assert.ok(!tree.has('usr/share/base-passwd'));
});

for (const { what, line, problem } of [
  { what: 'an id that is not pinned', line: 'u stranger -', problem: /wants a dynamic id for stranger/ },
  { what: 'a user id that is taken', line: 'u other 65534', problem: /65534 of other .* is nogroup's|is taken/ },
  { what: 'a group id that is taken', line: 'g other 42', problem: /group id 42 of other \(x\.conf\) is shadow's/ },
  { what: 'a group that does not exist', line: 'u other 5:none', problem: /unknown group none/ },
  { what: 'a line of another type', line: 'z other 5', problem: /a line of unknown type/ },
]) {
  test(`users: ${what} is refused`, () => {
    assert.throws(() => applySysusers(parseAccounts(passwd, group), line, new Map(), 'x.conf'), problem);
  });
}

test('users: equal accounts give equal text whatever the order they came in', () => {
  const a = parseAccounts(passwd, group);
  const b = parseAccounts(passwd.split('\n').reverse().join('\n'), group.split('\n').reverse().join('\n'));
  assert.deepEqual(formatAccounts(a), formatAccounts(b));
});

const unitFolder = 'usr/lib/systemd/system';

test('units: enabling makes the links systemctl makes', async () => {
  const tree = treeOf({
    [`${unitFolder}/a.service`]:
      '[Unit]\nAlso=no.service\n[Install]\nWantedBy=multi-user.target x.target\nRequiredBy=y.target\nAlias=b.service\nAlso=a.socket\n',
    [`${unitFolder}/a.socket`]:
      '[Install]\nWantedBy=wrong.target\nWantedBy=\nWantedBy=sockets.target\nAlso=a.service\n',
    [`${unitFolder}/t@.service`]: '[Install]\nWantedBy=getty.target\n',
  });
  await enableUnit(tree, 'a.service');
  await enableUnit(tree, 't@tty1.service');
  const links = tree.list().flatMap(node => (node.type === 'symlink' ? [`${node.path} ${node.target}`] : []));
  assert.deepEqual(links, [
    `etc/systemd/system/b.service /${unitFolder}/a.service`,
    `etc/systemd/system/getty.target.wants/t@tty1.service /${unitFolder}/t@.service`,
    `etc/systemd/system/multi-user.target.wants/a.service /${unitFolder}/a.service`,
    `etc/systemd/system/sockets.target.wants/a.socket /${unitFolder}/a.socket`,
    `etc/systemd/system/x.target.wants/a.service /${unitFolder}/a.service`,
    `etc/systemd/system/y.target.requires/a.service /${unitFolder}/a.service`,
  ]);
  await assert.rejects(enableUnit(tree, 'gone.service'), /cannot enable gone\.service: there is no/);
});

test('units: presets enable, masks lead to /dev/null, the mask list is not in the root', async () => {
  const presets = 'usr/lib/systemd/system-preset';
  const tree = await finished(units, {
    [`${presets}/00-atoll.preset`]: '# why\nenable a.service\ndisable *\n',
    [`${presets}/00-atoll.mask`]: 'mask b.service\n',
    [`${unitFolder}/a.service`]: '[Install]\nWantedBy=multi-user.target\n',
  });
  assert.equal(targetOf(tree, 'etc/systemd/system/multi-user.target.wants/a.service'), `/${unitFolder}/a.service`);
  assert.equal(targetOf(tree, 'etc/systemd/system/b.service'), '/dev/null');
  assert.ok(!tree.has(`${presets}/00-atoll.mask`));
});

test('trim: what a rule keeps stays, with the folders above it; every path gone has its rule', async () => {
  const dropped = new Map<string, string[]>();
  const rule = {
    name: 'docs',
    why: 'nobody reads them',
    remove: ['/usr/share/{doc,man}', '/opt/*'],
    keep: ['/opt/kept/**'],
  };
  const tree = await finished(
    trim,
    { 'usr/share/doc/a': '', 'usr/share/man/man1/b': '', 'usr/share/docs': '', 'opt/kept/c': '', 'opt/gone/d': '' },
    { trim: [rule], dropped },
  );
  const files = tree.list().flatMap(node => (node.type === 'file' ? [node.path] : []));
  assert.deepEqual(files, ['opt/kept/c', 'usr/share/docs']);
  assert.deepEqual(dropped.get('docs')?.sort(), [
    '/opt/gone',
    '/opt/gone/d',
    '/usr/share/doc',
    '/usr/share/doc/a',
    '/usr/share/man',
    '/usr/share/man/man1',
    '/usr/share/man/man1/b',
  ]);
});

test('certificates: one bundle, in the order of the names, each ending its line; too few are refused', async () => {
  const folder = 'usr/share/ca-certificates/mozilla';
  const authorities = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`${folder}/${String(index).padStart(2, '0')}.crt`, `cert ${index}`]),
  );
  const tree = await finished(certificates, authorities);
  assert.equal(
    await tree.text('etc/ssl/certs/ca-certificates.crt'),
    Array.from({ length: 60 }, (_, index) => `cert ${index}\n`).join(''),
  );
  assert.ok(!tree.has('usr/share/ca-certificates'));
  await assert.rejects(finished(certificates, { [`${folder}/one.crt`]: 'cert' }), /only 1 certificate authorities/);
});

test('empty-var: /var is a mount point, and says what it held', async () => {
  const dropped = new Map<string, string[]>();
  const tree = await finished(emptyVar, { 'var/lib/x/y': '', 'var/log/': '' }, { dropped });
  assert.deepEqual(
    tree.under('var').map(({ path }) => path),
    ['var'],
  );
  assert.deepEqual(dropped.get('empty-var'), ['/var/lib', '/var/lib/x', '/var/lib/x/y', '/var/log']);
});

test('skeleton: mount points, merged-/usr links, and a home of root that can be written', async () => {
  const tree = await finished(skeleton, { 'usr/bin/': '', 'usr/lib/': '', 'root/.profile': 'x' });
  for (const path of ['proc', 'sys', 'dev', 'run', 'tmp', 'mnt', 'efi'])
    assert.equal(tree.get(path)?.type, 'directory', path);
  assert.deepEqual(
    [targetOf(tree, 'bin'), targetOf(tree, 'lib'), targetOf(tree, 'sbin')],
    ['usr/bin', 'usr/lib', undefined],
  );
  assert.equal(targetOf(tree, 'root'), 'var/roothome');
});

test('identity: os-release is left to the version, machine-id is empty, nothing says Debian', async () => {
  const tree = await finished(identity, {
    'etc/os-release': '→ ../usr/lib/os-release',
    'usr/lib/os-release': 'ID=debian',
    'etc/issue': 'Debian',
    'etc/debian_version': '13',
  });
  assert.equal(targetOf(tree, 'etc/os-release'), '../usr/lib/os-release');
  assert.ok(!tree.has('usr/lib/os-release'));
  assert.equal(await tree.text('etc/machine-id'), '');
  assert.ok(!tree.has('etc/issue') && !tree.has('etc/debian_version'));
});

test('name-service, iptables: what scripts decide on a machine is decided', async () => {
  const names = await finished(nameService, { 'etc/resolv.conf': 'nameserver 10.0.0.1' });
  assert.match(await names.text('etc/nsswitch.conf'), /^hosts: files dns$/m);
  assert.equal(targetOf(names, 'etc/resolv.conf'), '/run/atoll/resolv.conf');
  const tables = await finished(iptablesLinks, { 'usr/sbin/xtables-nft-multi': 'program' });
  assert.equal(tables.resolve('usr/sbin/ip6tables-restore')?.path, 'usr/sbin/xtables-nft-multi');
});

test('wireless-regdb: the kernel finds what Debian signed, and nothing is made where there is none', async () => {
  const tree = await finished(regulatoryLinks, {
    'usr/lib/firmware/regulatory.db-debian': 'a',
    'usr/lib/firmware/regulatory.db-upstream': 'b',
    'usr/lib/firmware/regulatory.db.p7s-debian': 'c',
    'usr/lib/firmware/regulatory.db.p7s-upstream': 'd',
  });
  assert.deepEqual(
    tree.children('usr/lib/firmware').map(({ path }) => `${path} → ${tree.resolve(path)?.path}`),
    [
      'usr/lib/firmware/regulatory.db → usr/lib/firmware/regulatory.db-debian',
      'usr/lib/firmware/regulatory.db-debian → usr/lib/firmware/regulatory.db-debian',
      'usr/lib/firmware/regulatory.db.p7s → usr/lib/firmware/regulatory.db.p7s-debian',
      'usr/lib/firmware/regulatory.db.p7s-debian → usr/lib/firmware/regulatory.db.p7s-debian',
    ],
  );
  assert.ok(!(await finished(regulatoryLinks, {})).has('usr/lib/firmware/regulatory.db'));
});

test('busybox: stands in for what no package has, and for nothing that would take the system over', async () => {
  const applets = ['bin/sh', 'bin/mount', 'usr/bin/awk', 'sbin/init', 'usr/sbin/chroot'];
  const tree = await finished(
    busyboxApplets,
    { 'usr/bin/busybox': 'program', 'usr/bin/mount': 'program' },
    { applets },
  );
  assert.equal(targetOf(tree, 'usr/bin/sh'), 'busybox');
  assert.equal(tree.resolve('usr/sbin/chroot')?.path, 'usr/bin/busybox');
  assert.equal(tree.get('usr/bin/mount')?.type, 'file');
  assert.ok(!tree.has('usr/sbin/init'));
  await assert.rejects(finished(busyboxApplets, {}, { applets: ['bin/ls'] }), /no shell/);
});

test('checks: an interpreter, a unit or a program that is not there is found', async () => {
  const tree = treeOf({
    'usr/bin/sh': 'program',
    'usr/bin/good': '#!/usr/bin/sh',
    'usr/bin/bad': '#!/usr/bin/perl -w',
    'usr/bin/worse': '#!/usr/bin/env python3',
    [`${unitFolder}/a.service`]: '[Service]\nExecStart=-/usr/bin/gone now\n',
    [`${unitFolder}/multi-user.target.wants/a.service`]: '→ ../a.service',
    [`${unitFolder}/multi-user.target.wants/b.service`]: '→ ../b.service',
  });
  assert.deepEqual(await shebangProblems(tree), [
    '/usr/bin/bad is a script for /usr/bin/perl, which is not in the root',
    '/usr/bin/worse is a script for /usr/bin/python3, which is not in the root',
  ]);
  assert.deepEqual(await unitProblems(tree), [
    `/${unitFolder}/a.service starts /usr/bin/gone, which is not in the root`,
    `/${unitFolder}/multi-user.target.wants/b.service leads to ../b.service, which is not in the root`,
  ]);
});

test('firmware: what the modules ask for, by name, by glob and through links, and nothing else', async () => {
  const tree = await finished(
    firmware,
    {
      'usr/lib/firmware/rtl_nic/rtl8125a-3.fw': 'a',
      'usr/lib/firmware/rtl_nic/rtl8125b-1.fw': 'b',
      'usr/lib/firmware/brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.txt': '→ brcmfmac43455-sdio.txt',
      'usr/lib/firmware/brcm/brcmfmac43455-sdio.txt': 'c',
      'usr/lib/firmware/iwlwifi-9000.ucode': 'd',
      'usr/lib/firmware/intel/deep/x.bin': 'e',
      'usr/lib/other': 'f',
    },
    { firmware: ['rtl_nic/rtl8125a-3.fw', 'brcm/brcmfmac*-sdio.*,4-model-b.txt', 'no/such.fw'] },
  );
  const left = tree.list().filter(node => node.type !== 'directory' || node.path.startsWith('usr/lib/firmware'));
  assert.deepEqual(
    left.map(({ path }) => path),
    [
      'usr/lib/firmware',
      'usr/lib/firmware/brcm',
      'usr/lib/firmware/brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.txt',
      'usr/lib/firmware/brcm/brcmfmac43455-sdio.txt',
      'usr/lib/firmware/rtl_nic',
      'usr/lib/firmware/rtl_nic/rtl8125a-3.fw',
      'usr/lib/other',
    ],
  );
});

for (const other of Object.values(architectures)) {
  test(`a program of this machine ${other.node === process.arch ? 'is' : 'is not'} for ${other.debian}`, async () => {
    const tree = new RootTree();
    tree.file('usr/bin/node', await readFile(process.execPath), { origin, mode: 0o755 });
    const foreign = (await elfProblems(tree, other)).filter(problem => problem.includes('is for machine'));
    assert.equal(foreign.length, other.node === process.arch ? 0 : 1, foreign.join('\n'));
  });
}
