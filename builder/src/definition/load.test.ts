import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BuildError } from '../errors.ts';
import {
  listImages,
  loadDefinition,
  parseImage,
  parseModuleClasses,
  parsePackageLists,
  parseTrimRules,
} from './load.ts';
import { YamlReader } from './yaml-reader.ts';

const classes = new Map([
  ['filesystems', ['fs/erofs/erofs']],
  ['virtual', ['drivers/virtio/*']],
]);

const good = `name: vm-x86_64
description: a machine
architecture: x86_64
board: vm-x86_64
debian:
  suites: [trixie, trixie-security]
kernel:
  package: linux-image-cloud-amd64
  modules: [filesystems, virtual]
packages:
  - strace
boot:
  method: systemd-boot
  tries: 3
  cmdline: [quiet]
partitions:
  esp: 512M
  root: 1G
  verity: 64M
  var-minimum: 256M
outputs: [raw, zst]
`;

function problems(text: string): string[] {
  const reader = new YamlReader('images/x.yaml', text);
  parseImage(reader, 'vm-x86_64', classes);
  return reader.problems.map(({ where, message }) => `${where}: ${message}`);
}

test('a good definition is read as it is meant', () => {
  const reader = new YamlReader('images/x.yaml', good);
  const image = parseImage(reader, 'vm-x86_64', classes);
  assert.deepEqual(reader.problems, []);
  assert.equal(image.partitions.rootBytes, 1024 ** 3);
  assert.deepEqual(image.packages, [{ value: 'strace', where: 'images/x.yaml:11:5' }]);
  assert.deepEqual(image.debian, { suites: ['trixie', 'trixie-security'], mayLack: [], components: ['main'] });
  assert.equal(image.boot.tries, 3);
});

/** What is changed in the good definition → what is said, with its place. */
const wrong: readonly (readonly [name: string, from: string | RegExp, to: string, expected: RegExp])[] = [
  ['empty file', /[\s\S]*/, '', /1:1: the file must be a mapping, not nothing/],
  ['a list', /[\s\S]*/, '- a', /1:1: the file must be a mapping, not a list/],
  ['a scalar', /[\s\S]*/, '42', /must be a mapping, not the number 42/],
  ['broken YAML', 'suites: [trixie,', 'suites: [trixie', /x\.yaml:\d+:\d+: /],
  ['tab indentation', '  package: linux', '\tpackage: linux', /x\.yaml:\d+:\d+: /],
  ['a key twice', 'description: a machine', 'description: a\ndescription: b', /3:1: Map keys must be unique/],
  ['unknown key', 'packages:', 'pakages:', /10:1: unknown key "pakages"; did you mean "packages"\?/],
  ['unknown key, far from all', 'packages:', 'zzzzzz:', /unknown key "zzzzzz"; known are: /],
  ['unknown nested key', '  tries: 3', '  trys: 3', /14:3: unknown key "boot\.trys"; did you mean "tries"\?/],
  ['neighbours swapped', 'verity: 64M', 'vertiy: 64M', /unknown key "partitions\.vertiy"; did you mean "verity"\?/],
  ['no name', 'name: vm-x86_64\n', '', /name is missing/],
  ['no architecture', 'architecture: x86_64\n', '', /architecture is missing/],
  ['no board', 'board: vm-x86_64\n', '', /board is missing/],
  ['no partitions', /partitions:\n( .*\n)+/, '', /partitions is missing/],
  ['no kernel package', '  package: linux-image-cloud-amd64\n', '', /kernel\.package is missing/],
  ['no tries', '  tries: 3\n', '', /boot\.tries is missing/],
  ['no outputs', 'outputs: [raw, zst]\n', '', /outputs is missing/],
  ['name is not the file', 'name: vm-x86_64', 'name: vm', /1:7: name is "vm" but the file is called vm-x86_64\.yaml/],
  ['name with blanks', 'name: vm-x86_64', 'name: my vm', /name must be a name of small letters/],
  ['name is a number', 'name: vm-x86_64', 'name: 7', /name must be a name .*, not the number 7/],
  [
    'unknown architecture',
    'architecture: x86_64',
    'architecture: x86-64',
    /3:15: architecture must be one of x86_64.*did you mean "x86_64"\?/,
  ],
  [
    'architecture is a list',
    'architecture: x86_64',
    'architecture: [x86_64]',
    /architecture must be one of .*, not a list/,
  ],
  ['unknown board', 'board: vm-x86_64', 'board: vm-x86', /4:8: board must be one of /],
  ['board empty', 'board: vm-x86_64', 'board:', /board must be one of .*, not nothing/],
  [
    'unknown suite',
    'trixie, trixie-security',
    'trixi',
    /6:12: debian\.suites\[0\] must be one of .*did you mean "trixie"\?/,
  ],
  ['no suite', 'suites: [trixie, trixie-security]', 'suites: []', /debian\.suites must name at least "trixie"/],
  ['updates alone', '[trixie, trixie-security]', '[trixie-security]', /debian\.suites must include "trixie"/],
  [
    'a board of another architecture',
    'board: vm-x86_64',
    'board: vm-arm64',
    /4:8: board vm-arm64 is arm64, but architecture is x86_64/,
  ],
  ['an unknown board', 'board: vm-x86_64', 'board: vm-arm46', /4:8: board must be one of .*did you mean "vm-arm64"\?/],
  [
    'lacking what it has not',
    'suites: [trixie, trixie-security]',
    'suites: [trixie, trixie-security]\n  may-lack: [trixie-updates]',
    /7:14: debian\.may-lack\[0\] must be one of trixie, trixie-security/,
  ],
  [
    'lacking everything',
    'suites: [trixie, trixie-security]',
    'suites: [trixie, trixie-security]\n  may-lack: [trixie]',
    /debian\.may-lack cannot name "trixie"/,
  ],
  [
    'firmware alone',
    'suites: [trixie, trixie-security]',
    'suites: [trixie, trixie-security]\n  components: [non-free-firmware]',
    /debian\.components must include "main"/,
  ],
  ['suites no list', '[trixie, trixie-security]', 'trixie', /debian\.suites must be a list, not the text "trixie"/],
  ['kernel no mapping', /kernel:\n( .*\n)+/, 'kernel: linux\n', /kernel must be a mapping, not the text "linux"/],
  ['kernel no linux-image', 'linux-image-cloud-amd64', 'bash', /8:12: kernel\.package must be a linux-image-… package/],
  [
    'unknown module class',
    '[filesystems, virtual]',
    '[filesystem]',
    /9:13: kernel\.modules\[0\] must be one of filesystems, virtual.*did you mean "filesystems"\?/,
  ],
  [
    'module class twice',
    '[filesystems, virtual]',
    '[virtual, virtual]',
    /"virtual" is listed twice \(first at images\/x\.yaml:9:13\)/,
  ],
  ['package with capitals', '- strace', '- Strace', /11:5: packages\[0\] must be the name of a Debian package/],
  [
    'package is a number',
    '- strace',
    '- 12',
    /packages\[0\] must be the name of a Debian package .*, not the number 12/,
  ],
  ['package is a mapping', '- strace', '- strace: 1', /packages\[0\] must be .*, not a mapping/],
  [
    'package twice',
    '  - strace',
    '  - strace\n  - strace',
    /12:5: "strace" is listed twice \(first at images\/x\.yaml:11:5\)/,
  ],
  ['packages no list', 'packages:\n  - strace', 'packages: strace', /packages must be a list/],
  [
    'unknown boot method',
    'method: systemd-boot',
    'method: grub',
    /13:11: boot\.method must be one of systemd-boot, u-boot, not the text "grub"/,
  ],
  [
    'no tries at all',
    'tries: 3',
    'tries: 0',
    /14:10: boot\.tries must be a whole number from 1 to 9, not the number 0/,
  ],
  ['too many tries', 'tries: 3', 'tries: 10', /boot\.tries must be a whole number/],
  ['half a try', 'tries: 3', 'tries: 1.5', /boot\.tries must be a whole number .*, not the number 1\.5/],
  ['tries as text', 'tries: 3', 'tries: "3"', /boot\.tries must be a whole number .*, not the text "3"/],
  ['argument with a blank', '[quiet]', '["a b"]', /boot\.cmdline\[0\] must be one kernel argument without blanks/],
  [
    'argument of the builder',
    '[quiet]',
    '[root=/dev/sda1]',
    /15:13: root=\/dev\/sda1 cannot be set: the builder sets it/,
  ],
  ['the sealed hash', '[quiet]', '[atoll.roothash=00]', /cannot be set: the builder sets it/],
  ['size without a unit', 'esp: 512M', 'esp: 512', /17:8: partitions\.esp must be a size as "512M"/],
  ['size with decimals', 'esp: 512M', 'esp: 0.5G', /partitions\.esp must be a size/],
  ['size with a long unit', 'esp: 512M', 'esp: 512MiB', /partitions\.esp must be a size/],
  ['ESP too small for FAT32', 'esp: 512M', 'esp: 16M', /partitions\.esp is 16M, less than the least possible 64M/],
  ['root too small', 'root: 1G', 'root: 1M', /partitions\.root is 1M, less than the least possible 64M/],
  [
    'verity does not fit',
    'verity: 64M',
    'verity: 4M',
    /19:11: partitions\.verity is too small: hashes of the root partition need \d+ bytes/,
  ],
  ['no output', '[raw, zst]', '[]', /outputs must name at least one/],
  ['unknown output', '[raw, zst]', '[raw, gzip]', /outputs\[1\] must be one of raw, zst, qcow2, not the text "gzip"/],
  ['overlay that is not there', 'packages:', 'overlay: [nowhere]\npackages:', /10:11: there is no folder .*\/nowhere/],
  ['overlay no list', 'packages:', 'overlay: nowhere\npackages:', /overlay must be a list/],
  ['minimum version', 'packages:', 'minimum-version: 0.2\npackages:', /minimum-version must be a version as 0\.2\.0/],
  [
    'description of two lines',
    'description: a machine',
    'description: "a\\nb"',
    /description must be one line of text/,
  ],
];

for (const [name, from, to, expected] of wrong) {
  test(`refused: ${name}`, () => {
    const text = good.replace(from, to);
    assert.notEqual(text, good);
    assert.match(problems(text).join('\n'), expected);
  });
}

test('all problems are told at once', () => {
  const text = good.replace('tries: 3', 'tries: 0').replace('root: 1G', 'root: 1').replace('- strace', '- STRACE');
  assert.equal(problems(text).length, 3);
});

test('package lists: a package cannot be both installed and left out', () => {
  const reader = new YamlReader('p.yaml', 'install: [bash, nodejs]\nleave-out:\n  bash: busybox\n');
  const lists = parsePackageLists(reader);
  assert.deepEqual(reader.problems, [{ where: 'p.yaml:1:11', message: 'bash is both installed and left out' }]);
  assert.equal(lists.leaveOut.get('bash'), 'busybox');
});

test('package lists: leaving out needs a reason', () => {
  const reader = new YamlReader('p.yaml', 'install: [nodejs]\nleave-out:\n  bash:\n');
  parsePackageLists(reader);
  assert.match(reader.problems[0]?.message ?? '', /leave-out\.bash must be the reason/);
});

test('module classes and trim rules are checked too', () => {
  const modules = new YamlReader('m.yaml', 'classes:\n  Net: [a]\n  fs: [a b]\n');
  parseModuleClasses(modules);
  assert.equal(modules.problems.length, 2);
  const trim = new YamlReader('t.yaml', '- name: x\n  why: y\n  remove: [usr/share]\n');
  parseTrimRules(trim);
  assert.match(trim.problems[0]?.message ?? '', /must be an absolute path/);
});

test('every image in images/ is valid', async () => {
  const names = await listImages();
  assert.ok(names.includes('vm-x86_64'));
  for (const name of names) assert.equal((await loadDefinition(name)).image.name, name);
});

test('a variant is its image with more files and kernel arguments', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-'));
  try {
    const path = join(folder, 'panics.yaml');
    await mkdir(join(folder, 'files'));
    await writeFile(path, 'variant-of: vm-x86_64\noverlay: [files]\ncmdline: [init=/nowhere]\n');
    await assert.rejects(loadDefinition(path), /init=\/nowhere cannot be set/);
    await writeFile(path, 'variant-of: vm-x86_64\noverlay: [files]\ncmdline: [systemd.unit=nowhere.target]\n');
    const [{ image }, { image: plain }] = [await loadDefinition(path), await loadDefinition('vm-x86_64')];
    assert.deepEqual(image, {
      ...plain,
      overlays: [join(folder, 'files')],
      boot: { ...plain.boot, cmdline: [...plain.boot.cmdline, 'systemd.unit=nowhere.target'] },
    });
    await writeFile(join(folder, 'other.yaml'), 'variant-of: vm-x86_64\nname: vm-other\nboot-method: u-boot\n');
    const { image: other } = await loadDefinition(join(folder, 'other.yaml'));
    assert.deepEqual([other.name, other.boot.method], ['vm-other', 'u-boot']);
    await writeFile(join(folder, 'other.yaml'), 'variant-of: vm-x86_64\nboot-method: u-boot\n');
    await assert.rejects(loadDefinition(join(folder, 'other.yaml')), /another boot method makes another image/);
    await writeFile(join(folder, 'again.yaml'), 'variant-of: panics.yaml\nminimum-version: 0.2.0\n');
    assert.deepEqual((await loadDefinition(join(folder, 'again.yaml'))).image, { ...image, minimumVersion: '0.2.0' });
    await writeFile(path, 'variant-of: vm-x86_65\noverlays: [files]\n');
    await assert.rejects(loadDefinition(path), /panics\.yaml:2:1|unknown key "overlays"; did you mean "overlay"\?/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an unknown image names the nearest', async () => {
  await assert.rejects(loadDefinition('vm-x86_46'), (error: BuildError) => {
    assert.equal(error.code, 'DEFINITION_NOT_FOUND');
    assert.match(error.hint ?? '', /Did you mean vm-x86_64\?/);
    return true;
  });
});

test('a wrong file is refused with the first place and all others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-'));
  try {
    const path = join(folder, 'vm-x86_64.yaml');
    await writeFile(
      path,
      good
        .replace('tries: 3', 'tries: 0')
        .replace('[filesystems, virtual]', '[virtual]')
        .replace('[raw, zst]', '[rar]'),
    );
    await assert.rejects(loadDefinition(path), (error: BuildError) => {
      assert.ok(error instanceof BuildError);
      assert.equal(error.where, `${path}:14:10`);
      assert.match(error.tail ?? '', /:21:11: outputs\[0\] must be one of raw, zst/);
      return true;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
