/**
 * The root is composed from package archives without running maintainer scripts. Here it is held against the same packages
 * installed by mmdebstrap with all their scripts: whatever an installation has is in the root too, alike, or its absence has a
 * name and a reason (installed-rules.ts, rootfs/trim.yaml, rootfs/packages.yaml).
 */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ArchitectureName, architectures } from '../src/boards.ts';
import { buildHost } from '../src/build-host.ts';
import { loadDefinition } from '../src/definition/load.ts';
import { listTree } from '../src/files.ts';
import { mirrorsFrom, PrivateApt } from '../src/packages/apt.ts';
import { readPackages } from '../src/packages/resolve.ts';
import { cacheDirectory, repositoryRoot } from '../src/paths.ts';
import { type Accounts, parseAccounts } from '../src/root/finish/users.ts';
import { globPattern } from '../src/root/tree.ts';
import type { RootReport } from '../src/steps/root.ts';
import {
  absent,
  added,
  type Difference,
  different,
  onlyForLeftOut,
  type Rule,
  unusedInVar,
} from './installed-rules.ts';
import { type Entry, type InstalledTree, installedTree, type Listing, listTar } from './installed-tree.ts';
import { cli, makeWorkshop, succeeded } from './workshop.ts';

/** Of this machine's architecture: others need emulation. */
const native = Object.entries(architectures).find(([, { debian }]) => debian === buildHost().debian)?.[0];
const image = process.env.ATOLL_IMAGE ?? `vm-${native}`;
let workshop = '';
let architecture: ArchitectureName;
/** Of the image's architecture. */
let multiarch = '';
let installed: InstalledTree;
let ours: Listing;
let report: RootReport;
let overlay: ReadonlySet<string>;
let merged: ReadonlySet<string>;
let leftOut: ReadonlySet<string>;
/** Path → the builder's rule that left it out. */
let dropped: ReadonlyMap<string, string>;
const used = new Set<Rule>();

/** The first rule that has the path; it counts as used. */
function ruleFor<R extends Rule>(rules: readonly R[], path: string): R | undefined {
  const rule = rules.find(({ paths, butOn }) => butOn !== architecture && globPattern(paths).test(path));
  if (rule) used.add(rule);
  return rule;
}

const isApplet = (entry: Entry | undefined): boolean =>
  entry?.type === 'symlink' && /^(\.\.\/bin\/)?busybox$/.test(entry.target);

before(async () => {
  workshop = await makeWorkshop();
  const cache = cacheDirectory();
  const out = join(workshop, 'out');
  const built = succeeded(await cli(['build', image, '--no-compress', '--out', out]));
  assert.ok(built.stdout.includes(image));
  const { timings } = JSON.parse(await readFile(join(out, image, 'manifest.json'), 'utf8')) as {
    timings: { step: string; key: string }[];
  };
  const entry = (step: string): string =>
    join(cache, 'steps', step, timings.find(timing => timing.step === step)?.key ?? 'absent');
  const packages = (await readPackages(join(entry('packages'), 'packages.json'))).filter(
    ({ name }) => !name.startsWith('linux-image-'),
  );
  merged = new Set(packages.map(({ name }) => name));
  const { image: definition, lists } = await loadDefinition(image);
  leftOut = new Set(lists.leaveOut.keys());
  architecture = definition.architecture;
  const { debian, multiarch: folder } = architectures[architecture];
  multiarch = folder;
  const { suites, components } = definition.debian;
  const sources = { architecture: debian, suites, components, mirrors: mirrorsFrom(process.env) };
  const apt = new PrivateApt(cache, sources, new AbortController().signal);
  installed = await installedTree(packages, apt, cache, debian);
  ours = await listTar(join(entry('root'), 'root.tar'));
  report = JSON.parse(await readFile(join(entry('root'), 'root.json'), 'utf8')) as RootReport;
  dropped = new Map(
    Object.entries(report.dropped).flatMap(([rule, paths]) => paths.map(path => [path, rule] as const)),
  );
  overlay = new Set((await listTree(join(repositoryRoot, 'rootfs/overlay'))).map(({ path }) => `/${path}`));
});
after(() => rm(workshop, { recursive: true, force: true }));

test('the comparison is of the same packages', () => {
  assert.ok(Object.keys(installed.tree).length > 5000);
  const missing = [...merged].filter(name => !installed.packages.includes(name));
  assert.deepEqual(missing, []);
  const more = installed.packages.filter(name => !merged.has(name) && !leftOut.has(name));
  assert.deepEqual(more, Object.keys(onlyForLeftOut), 'packages only left-out packages need, each with its reason');
});

test('whatever an installation has is in the root, or its absence has a name', () => {
  const unexplained = Object.keys(installed.tree).filter(path => {
    if (ours[path] || dropped.has(path)) return false;
    const owner = installed.owners[path];
    if (owner !== undefined && !merged.has(owner)) return false;
    return !ruleFor(absent, path);
  });
  assert.deepEqual(unexplained, []);
});

test('what both have is alike, or the difference has a name', () => {
  const fields = ['type', 'mode', 'uid', 'gid', 'target', 'sha256'] as const;
  const unexplained = Object.entries(ours).flatMap(([path, own]) => {
    const theirs = installed.tree[path];
    if (!theirs || isApplet(own)) return [];
    if (theirs.type === 'hardlink') return [];
    const differing = fields.filter(field => {
      if (field === 'mode' && own.type === 'symlink' && theirs.type === 'symlink') return false;
      return own[field] !== theirs[field];
    });
    if (differing.length === 0) return [];
    const rule: Difference | undefined = ruleFor(different, path);
    const others = differing.filter(field => !rule?.fields.includes(field));
    return others.length === 0
      ? []
      : [`${path}: ${others.map(f => `${f} ${own[f]}, installed ${theirs[f]}`).join('; ')}`];
  });
  assert.deepEqual(unexplained, []);
});

test('busybox stands in only for commands of packages that are left out, or trimmed', () => {
  const wrong = Object.entries(ours).filter(([path, own]) => {
    if (!isApplet(own) || !installed.tree[path]) return false;
    const owner = installed.owners[path];
    return owner !== undefined && merged.has(owner) && !dropped.has(path);
  });
  assert.deepEqual(
    wrong.map(([path]) => path),
    ['/usr/bin/busybox'].filter(path => isApplet(ours[path])),
  );
});

test('nothing in the root comes from nowhere', () => {
  const unexplained = Object.entries(ours).filter(([path, own]) => {
    if (installed.tree[path] || overlay.has(path) || isApplet(own)) return false;
    const isUnitLink =
      /^\/etc\/systemd\/system\/([^/]+\.(wants|requires))?(\/?[^/]+)?$/.test(path) &&
      (own.type === 'directory' || own.target === '/dev/null' || ours[own.target] !== undefined);
    return !isUnitLink && !ruleFor(added, path);
  });
  assert.deepEqual(
    unexplained.map(([path]) => path),
    [],
  );
});

test('every rule explains something', () => {
  const idle = [...absent, ...different, ...added]
    .filter(rule => rule.butOn !== architecture && !used.has(rule))
    .map(({ paths }) => paths);
  assert.deepEqual(idle, []);
  const idleTrims = Object.entries(report.dropped).filter(([, paths]) => paths.length === 0);
  assert.deepEqual(
    idleTrims.map(([name]) => name),
    [],
  );
});

test('users and groups are those the scripts make, but for their dynamic ids', () => {
  const read = (tree: Listing): Accounts =>
    parseAccounts(tree['/etc/passwd']?.text ?? '', tree['/etc/group']?.text ?? '');
  const [own, theirs] = [read(ours), read(installed.tree)];
  const groupOf = ({ groups }: Accounts, gid: number): string =>
    [...groups].find(([, group]) => group.gid === gid)?.[0] ?? `none (${gid})`;
  const people = (accounts: Accounts): unknown[] =>
    [...accounts.users.values()]
      .map(user => ({
        ...user,
        uid: user.uid < 100 || user.uid === 65_534 ? user.uid : 'dynamic',
        gid: groupOf(accounts, user.gid),
        shell: user.name === 'root' ? '' : user.shell,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.deepEqual(people(own), people(theirs));
  const circles = ({ groups }: Accounts): unknown[] =>
    [...groups]
      .map(([name, { gid, members }]) => [name, gid <= 100 || gid === 65_534 ? gid : 'dynamic', [...members].sort()])
      .sort();
  assert.deepEqual(circles(own), circles(theirs));
  assert.equal(own.users.get('root')?.shell, '/bin/sh', 'bash is left out');
  for (const line of (ours['/etc/shadow']?.text ?? '').trim().split('\n')) assert.match(line, /^[^:]+:!\*:/);
});

test('alternatives that are kept lead to the program the scripts chose', () => {
  const follow = (tree: Listing, path: string): string => {
    const entry = tree[path];
    if (entry?.type !== 'symlink') return path;
    return follow(tree, entry.target.startsWith('/') ? entry.target : join(path, '..', entry.target));
  };
  const chosen = Object.entries(installed.tree).filter(([, { target }]) => target.startsWith('/etc/alternatives/'));
  const kept = chosen.map(([path]) => path).filter(path => ours[path] && !isApplet(ours[path]));
  assert.equal(kept.length, 6, kept.join(' '));
  for (const path of kept) assert.equal(follow(ours, path), follow(installed.tree, path));
});

test('without ldconfig’s cache, every library is where the loader looks by itself', () => {
  const folders = Object.entries(ours).flatMap(([path, { text }]) =>
    path.startsWith('/etc/ld.so.conf.d/') ? (text ?? '').split('\n').filter(line => line.startsWith('/')) : [],
  );
  const defaults = [`/lib/${multiarch}`, `/usr/lib/${multiarch}`, '/lib', '/usr/lib', '/usr/local/lib'];
  assert.deepEqual(
    folders.filter(folder => !defaults.includes(folder) && !folder.startsWith('/usr/local/')),
    [],
  );
  const libraries = Object.keys(ours).filter(path => /^\/usr\/lib\/.*\/lib[^/]+\.so(\.[^/]+)?$/.test(path));
  const here = `/usr/lib/${multiarch}/`;
  const loadedByPath = /^(systemd\/libsystemd-(core|shared)-|xtables\/|engines|ossl|[^/]+$)/;
  assert.deepEqual(
    libraries.filter(path => !path.startsWith(here) || !loadedByPath.test(path.slice(here.length))),
    [],
  );
  assert.ok(libraries.length > 30);
});

test('certificate authorities are those update-ca-certificates takes', () => {
  const authorities = (tree: Listing): string[] =>
    (
      (tree['/etc/ssl/certs/ca-certificates.crt']?.text ?? '').match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g) ??
      []
    ).sort();
  assert.ok(authorities(ours).length > 100);
  assert.deepEqual(authorities(ours), authorities(installed.tree));
});

test('nothing is setuid, and nothing is owned by a dynamic id', () => {
  const special = Object.entries(ours).filter(
    ([, { mode, uid, gid }]) => (mode & 0o6000) !== 0 || uid > 99 || gid > 99,
  );
  assert.deepEqual(special, []);
});

/** Lines of all tmpfiles.d: path → [type, mode]. */
const temporaryFiles = (): Map<string, readonly [type: string, mode: string]> =>
  new Map(
    Object.entries(ours).flatMap(([path, { text }]) =>
      path.startsWith('/usr/lib/tmpfiles.d/')
        ? (text ?? '').split('\n').flatMap(line => {
            const [type, target, mode] = line.trim().split(/\s+/);
            return type && target && /^[a-zA-Z]/.test(type) ? [[target, [type, mode ?? '-']] as const] : [];
          })
        : [],
    ),
  );

test('what an installation has in /var is made at boot, or not needed', () => {
  const made = temporaryFiles();
  const unexplained = Object.entries(installed.tree)
    .filter(([path, { type }]) => path.startsWith('/var/') && type === 'directory')
    .map(([path]) => path)
    .filter(path => {
      const owner = installed.owners[path];
      if (owner !== undefined && !merged.has(owner)) return false;
      return !made.has(path) && !ruleFor(unusedInVar, path);
    });
  assert.deepEqual(unexplained, []);
  assert.deepEqual(
    unusedInVar.filter(rule => !used.has(rule)).map(({ paths }) => paths),
    [],
  );
});

test('what scripts set by systemd-tmpfiles is set by it at boot', () => {
  const made = temporaryFiles();
  for (const path of ['/etc/credstore', '/etc/credstore.encrypted']) assert.equal(made.get(path)?.[1], '0700', path);
});
