/** One mistake hides no other one, and brings no other one with it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { check } from './check.ts';
import { readDocument } from './document.ts';
import { networkText, problemText } from './network/testing/document.ts';
import { wrongNetworks } from './network/testing/wrong.ts';
import { readConfig } from './read.ts';
import { documentShapes } from './schema.ts';
import { type GoodDocument, goodDocuments } from './testing/goodDocuments.ts';
import { FIRST_LINE } from './testing/lines.ts';
import { cloudInit } from './testing/wrongCloudInit.ts';
import { network } from './testing/wrongDocuments.ts';
import { atoll, machine } from './testing/wrongSections.ts';
import { pathText } from './tree.ts';
import type { DocumentName, Problem } from './types.ts';

type Path = readonly (string | number)[];

const bytesOf = (document: DocumentName, value: unknown): Buffer => {
  const text = JSON.stringify(value);
  return Buffer.from(document === 'user-data' ? FIRST_LINE + text : text);
};
const problemsOf = (document: DocumentName, value: unknown): readonly Problem[] =>
  readConfig([{ source: 'esp', location: 'test', documents: { [document]: bytesOf(document, value) } }]).problems;

/** What single values are told by themselves. */
function mistakesOf(document: DocumentName, value: unknown): readonly Problem[] {
  const { tree } = readDocument(bytesOf(document, value), { source: 'esp', location: 'test', document });
  return tree ? check(documentShapes[document], tree).problems.filter(({ severity }) => severity === 'error') : [];
}

/** Ways to break the value at the end of a path; the path of what is wrong then. */
const breaks: readonly (readonly [how: string, change: (at: At) => Path | undefined])[] = [
  [
    'a value of another kind',
    ({ holder, step, path }) => {
      const value = holder[step];
      holder[step] =
        typeof value === 'object' && value !== null && !Array.isArray(value) ? 'nonsense' : { 'z z': [[]] };
      return path;
    },
  ],
  [
    'a text with white space',
    ({ holder, step, path }) => {
      if (typeof holder[step] !== 'string') return undefined;
      holder[step] = `${holder[step]} zz`;
      return path;
    },
  ],
  [
    'a key misspelled',
    ({ holder, step, path }) => {
      if (typeof step === 'number') return undefined;
      const entries = Object.entries(holder);
      for (const [key] of entries) delete holder[key];
      for (const [key, value] of entries) holder[key === step ? `${step}y` : key] = value;
      return [...path.slice(0, -1), `${step}y`];
    },
  ],
];
interface At {
  readonly holder: Record<string | number, unknown>;
  readonly step: string | number;
  readonly path: Path;
}

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const steps: (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return steps.flatMap(step => [
    [...path, step],
    ...pathsOf((value as Record<string | number, unknown>)[step], [...path, step]),
  ]);
}

function atPath(value: unknown, path: Path): At {
  const holder = path.slice(0, -1).reduce((here, step) => (here as Record<string | number, unknown>)[step], value);
  return { holder: holder as At['holder'], step: path.at(-1) ?? '', path };
}

const isAt = ({ path }: Problem, place: string): boolean =>
  path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`);

/** What is told besides the mistake itself. */
function consequences({ document, text }: GoodDocument): string[] {
  const good = parse(text) as unknown;
  const before = new Set(problemsOf(document, good).map(problemText));
  return pathsOf(good).flatMap(path =>
    breaks.flatMap(([how, change]) => {
      const broken = structuredClone(good);
      const wrong = change(atPath(broken, path));
      if (!wrong) return [];
      const problems = problemsOf(document, broken);
      const place = pathText(wrong);
      // What is right by itself may mean something else now, and be told of elsewhere.
      if (!mistakesOf(document, broken).some(problem => isAt(problem, place))) return [];
      const more = problems.filter(problem => !isAt(problem, place) && !before.has(problemText(problem)));
      return more.map(problem => `${how}: ${place} ⇒ ${problemText(problem)}`);
    }),
  );
}

describe('a mistake brings no others with it', () => {
  /** Two interfaces have one address, and nothing says any more that they are in different VRFs. */
  const known = [
    'a value of another kind: network.vrfs ⇒ error network.ethernets.eth1.addresses[0]: is already an address of ethernets.eth0: "192.0.2.10/24"',
  ];
  for (const good of goodDocuments)
    it(good.what.slice(0, 80), () =>
      assert.deepEqual(
        consequences(good).filter(line => !known.includes(line)),
        [],
      ),
    );
});

/** A mistake of one value, put into a document with others: at the top, and in the section that most rules look at. */
const mistakes: readonly (readonly [
  document: DocumentName,
  section: string | undefined,
  key: string,
  problem: string,
])[] = [
  ['user-data', undefined, 'locale', 'locale'],
  ['user-data', 'atoll', 'node-internal-dns', 'atoll.node-internal-dns'],
  ['user-data', 'atoll', 'xyzzy', 'atoll.xyzzy'],
  ['user-data', 'machine', 'console', 'machine.console'],
  ['user-data', undefined, 'xyzzy', 'xyzzy'],
  ['network-config', undefined, 'renderer', 'renderer'],
  ['network-config', undefined, 'xyzzy', 'xyzzy'],
  ['network-config', 'dummy-devices', 'zz0', 'dummy-devices.zz0.mtu'],
];

const wrongTables: readonly (readonly [DocumentName, readonly string[]])[] = [
  ['user-data', [...cloudInit, ...machine, ...atoll].map(([text]) => text)],
  ['network-config', network.map(([text]) => text)],
  ['network-config', wrongNetworks.map(([, text]) => networkText(text))],
];

/** The document with one more mistake in it; undefined: it has something there already, or it is no mapping. */
function withMistake(document: DocumentName, good: unknown, section: string | undefined, key: string): unknown {
  const changed = structuredClone(good) as Record<string, unknown>;
  const isWrapped = document === 'network-config' && isMapping(changed) && isMapping(changed.network);
  const body = isWrapped ? changed.network : changed;
  if (!isMapping(body)) return undefined;
  if (section !== undefined) body[section] ??= {};
  const holder = section === undefined ? body : body[section];
  if (!isMapping(holder) || key in holder) return undefined;
  holder[key] = section === 'dummy-devices' ? { mtu: [[]] } : [[]];
  return changed;
}
const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

describe('a mistake hides no other one', () => {
  let told = 0;
  for (const [document, section, key, place] of mistakes) {
    it(`${place} in a wrong ${document}`, () => {
      for (const [of, texts] of wrongTables) {
        if (of !== document) continue;
        for (const text of texts) {
          const wrong = parsed(text);
          const both = wrong === undefined ? undefined : withMistake(document, wrong, section, key);
          if (both === undefined) continue;
          const before = problemsOf(document, wrong).filter(({ severity }) => severity === 'error');
          if (before.length === 0) continue;
          const now = problemsOf(document, both);
          const missing = before.map(problemText).filter(line => !now.map(problemText).includes(line));
          assert.deepEqual(missing, [], JSON.stringify(both));
          const more = now.filter(problem => problem.severity === 'error' && !before.some(same(problem)));
          assert.ok(
            more.length > 0 && more.every(problem => isAt(problem, place) || isAt(problem, `network.${place}`)),
            `${JSON.stringify(both)}: ${more.map(problemText).join('\n')}`,
          );
          told++;
        }
      }
    });
  }
  it('in many configurations', () => assert.ok(told > 1200, String(told)));
});

const same = (one: Problem) => (other: Problem) => problemText(one) === problemText(other);

function parsed(text: string): unknown {
  try {
    return parse(text, { uniqueKeys: true });
  } catch {
    return undefined;
  }
}

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA you@laptop';

/** In one list or mapping: what is wrong by itself, and what is wrong beside the others. */
const items: readonly (readonly [document: DocumentName, text: string, problems: readonly string[]])[] = [
  [
    'user-data',
    'write_files:\n  - {path: etc/a}\n  - {path: /usr/b}\n  - {path: /etc/c, encoding: b64, content: "?"}',
    [
      'write_files[0].path: must be an absolute path, not "etc/a"',
      'write_files[1].path: "/usr/b" is on the read-only root',
      'write_files[2].content: is not base64',
    ],
  ],
  [
    'user-data',
    'write_files:\n  - {path: /proc/a, permissions: 644}\n  - {path: /etc/a, owner: nobody-here, mode: "0600"}',
    [
      'write_files[0].path: "/proc/a" is the kernel\'s',
      'write_files[0].permissions: is the decimal number 644 without quotes, in octal 1204',
      'write_files[1].owner: there is no user "nobody-here" in the images of Atoll, and users makes none: the file is not written',
      'write_files[1].mode: unknown key "mode"',
    ],
  ],
  [
    'user-data',
    `users: [{name: a, uid: 7}, {name: b}, {name: b, lock_passwd: false}, {nam: c}, 5]\nssh_authorized_keys: ["${KEY}"]\ndisable_root: true`,
    [
      'users[0].uid: must be a whole number from 1000 to 60000, not 7',
      'users[2].name: the user "b" is here twice',
      'users[2].lock_passwd: is false, and there is no password',
      'users[3].nam: unknown key "nam"',
      'users[4]: must be a user name: lower-case letters, digits, "-" and "_", at most 32, not "5"',
      'disable_root: shuts out root, whom ssh_authorized_keys lets in',
    ],
  ],
  [
    'user-data',
    'users: [{name: a, lock_passwd: false, plain_text_passwd: x}]\nssh_pwauth: true',
    [
      'users[0].plain_text_passwd: is not available: a password in a file is read by many: give its hash, hashed_passwd (openssl passwd -6)',
    ],
  ],
  [
    'user-data',
    'fs_setup: [{device: vdb, filesystem: ext4, label: a}, {device: /dev/vdc, filesystem: ext4, label: a}]\nmounts: [[LABEL=a, /data]]',
    [
      'fs_setup[0].device: must be a disk such as /dev/disk/by-id/…, not "vdb"',
      'fs_setup[1].label: the label "a" is here twice',
      'mounts[0][1]: must be a folder below /var, or /mnt, /srv, /opt or /media, not "/data"',
    ],
  ],
  [
    'user-data',
    'atoll: {role: agent, servr: "https://192.0.2.1:6443", token: [5], tls-san: a, node-label: "a=b,a=c", node-port: 1}',
    [
      'atoll.servr: unknown key "servr"',
      'atoll.token: must be a join token without white space, not a list',
      'atoll.tls-san: is an option of servers, and this is an agent (role: agent)',
      'atoll.node-label: gives a two values: "b" and "c"',
      'atoll.node-port: unknown key "node-port"',
    ],
  ],
  [
    'user-data',
    'atoll: {role: agnet, tls-san: a, server: "https://192.0.2.1:6443", kubelet-arg: [max-podz=5, 7]}',
    [
      'atoll.role: must be one of server, agent, not "agnet"',
      `atoll.kubelet-arg[0]: the kubelet's option "max-podz" is not available yet: the node does not know it`,
      'atoll.kubelet-arg[1]: must be text, not the number 7',
    ],
  ],
  // A key given twice does not make the rest unreadable.
  [
    'user-data',
    'hostname: a\nhostname: b\nntp: {servers: 192.0.2.1, enabled: false}\natoll: {role: agent}',
    [
      ': the key "hostname" is here twice: first in line 2',
      'ntp.servers: must be a list, not "192.0.2.1"',
      'atoll.role: an agent needs the server it joins',
      'atoll.role: an agent needs a token to join with',
    ],
  ],
  [
    'user-data',
    'machine: {sysctls: {net/core/somaxconn: 1, net.core.somaxconn: 2, net.ipv4.conf.a/b.tag: 1, net/ipv4/conf/a.b/tag: 1, vm.swappiness: [1]}, kernel-modules: [a-b, a_b, "a b"]}',
    [
      'machine.sysctls["net.core.somaxconn"]: is the same parameter as "net/core/somaxconn"',
      'machine.sysctls["net/ipv4/conf/a.b/tag"]: is the same parameter as "net.ipv4.conf.a/b.tag"',
      'machine.sysctls["vm.swappiness"]: must be one line, not a list',
      'machine.kernel-modules[1]: the module "a_b" is here twice',
      'machine.kernel-modules[2]: must be the name of a module, not "a b"',
    ],
  ],
  [
    'network-config',
    'ethernets:\n  eth0: {dhcp4: maybe, addresses: [192.0.2.1], routes: [{to: default, via: 198.51.100.1}]}\n  eth1: {addresses: [192.0.3.2/24], routes: [{to: default, via: 192.0.4.1}]}',
    [
      'ethernets.eth0.dhcp4: must be true or false, not "maybe"',
      'ethernets.eth0.addresses[0]: must end with the length of its network, as 192.0.2.1/24, not "192.0.2.1"',
      'ethernets.eth1.routes[0].to: is a second default route for IPv4 with the same metric: the first is at ethernets.eth0.routes[0]',
      'ethernets.eth1.routes[0].via: is in no network of eth1 (192.0.3.0/24): "192.0.4.1"',
    ],
  ],
  [
    'network-config',
    'ethernets: {eth0: {mtu: big}}\nbonds: {bond0: {interfaces: [eth0, eth1], parameters: {mode: lacp, primary: eth0}}}\nvlans: {v1: {link: bond0, id: x}, v2: {id: 2, link: bond1}}',
    [
      'ethernets.eth0.mtu: must be a whole number from 68 to 65535, not "big"',
      'bonds.bond0.interfaces[1]: is no device of this document: "eth1"',
      'bonds.bond0.parameters.mode: must be one of balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb, not "lacp"',
      'vlans.v1.id: must be a VLAN number from 0 to 4094, not "x"',
      'vlans.v2.link: is no device of this document: "bond1"',
    ],
  ],
  [
    'network-config',
    'wifis: {wlan0: {access-points: {a: {password: short}, b: {pasword: x}, c: {password: 12345678, hiden: true}}, dhcp4: 1}}',
    [
      'wifis.wlan0: a wireless network needs wpa_supplicant, which only the images for Raspberry Pi have',
      'wifis.wlan0.access-points.a.password: is too short: 5 characters, at least 8 are needed',
      'wifis.wlan0.access-points.b.pasword: unknown key "pasword"',
      'wifis.wlan0.access-points.c.hiden: unknown key "hiden"',
      'wifis.wlan0.dhcp4: must be true or false, not the number 1',
    ],
  ],
];

describe('all of it is told at once', () => {
  for (const [document, text, problems] of items)
    it(text.slice(0, 80), () => {
      const bytes = Buffer.from(document === 'user-data' ? FIRST_LINE + text : text);
      const told = readConfig([{ source: 'esp', location: 'test', documents: { [document]: bytes } }]).problems;
      assert.deepEqual(
        told.map(({ path, message }) => `${path}: ${message}`),
        problems,
      );
    });
});
