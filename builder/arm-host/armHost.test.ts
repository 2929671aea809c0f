/**
 * An ARM64 machine builds the images, too, and the same ones: the whole way of a person there, from builder/setup.sh to the artefact, held
 * against the one built here. `make test-arm-host`; `ATOLL_IMAGE` chooses. As QEMU's user mode runs it, it takes the better part of an hour the first time.
 */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildHosts } from '../src/build-host.ts';
import { BuildError } from '../src/errors.ts';
import { type BuildManifest, readManifest } from '../src/manifest.ts';
import { mirrorsFrom, PrivateApt } from '../src/packages/apt.ts';
import { artefactPaths, cacheDirectory } from '../src/paths.ts';
import { toolPackages } from '../src/tools-tree.ts';
import { cli, makeWorkshop, succeeded } from '../test/workshop.ts';
import { ArmMachine } from './armMachine.ts';

const image = process.env.ATOLL_IMAGE ?? 'vm-armv7';
const cliWords = ['node', '--import', 'tsx', 'builder/src/cli.ts'] as const;

/** Steps that have V8's code cache in them: it is made only on a machine of the image's own architecture. */
const withCodeCache = ['code-cache', 'erofs', 'uki', 'esp', 'disk', 'block-map'];

describe('Debian has the tools', () => {
  const aptOf = async (architecture: string): Promise<PrivateApt> => {
    // Many mirrors' armhf indexes of updates and security do not hold.
    const suites = ['trixie'];
    const sources = { architecture, suites, components: ['main'], mirrors: mirrorsFrom(process.env) };
    const apt = new PrivateApt(cacheDirectory(), sources, new AbortController().signal);
    await apt.refresh(24 * 3600_000);
    return apt;
  };

  for (const host of Object.values(buildHosts))
    test(`for ${host.debian}: all of them can be installed together`, async () => {
      const apt = await aptOf(host.debian);
      const { stdout } = await apt.apt([
        'apt-get',
        '-s',
        '-qq',
        '-o',
        'Debug::NoLocking=1',
        'install',
        ...toolPackages(host),
      ]);
      for (const name of toolPackages(host))
        assert.match(stdout, new RegExp(`^Inst ${name.replaceAll('+', '\\+')} `, 'm'));
    });

  test('for armhf: all but the compilers for the others, as it is said there', async () => {
    const apt = await aptOf('armhf');
    const [host] = Object.values(buildHosts);
    assert.ok(host);
    const compilers = Object.values(buildHosts).flatMap(({ crossCompilers }) => crossCompilers);
    const names = [...new Set([...toolPackages(host), ...compilers])];
    const { stdout } = await apt.apt(['apt-cache', 'pkgnames']);
    const known = new Set(stdout.split('\n'));
    const missing = ['aarch64', 'x86-64'].flatMap(name => [`gcc-${name}-linux-gnu`, `g++-${name}-linux-gnu`]);
    assert.deepEqual(names.filter(name => !known.has(name)).sort(), missing.sort());
  });
});

const isRoot = process.geteuid?.() === 0;
describe('an ARM64 machine', {
  skip: !isRoot && 'an installation is made in a root of its own: run it as root',
}, () => {
  let machine: ArmMachine;
  let workshop = '';
  before(async () => {
    workshop = await makeWorkshop();
    machine = await ArmMachine.open();
  });
  after(() => rm(workshop, { recursive: true, force: true }));

  const say = (line: string): void => {
    process.stderr.write(`  ${line}\n`);
  };

  test('is set up by setup.sh, once', async () => {
    assert.equal((await machine.run(['dpkg', '--print-architecture'])).stdout, 'arm64\n');
    await machine.run(['builder/setup.sh'], say);
    const again = await machine.run(['builder/setup.sh']);
    assert.equal(again.stdout + again.stderr, '');
  });

  test('makes its tools tree', async () => {
    const { stdout } = await machine.run([...cliWords, 'tools'], say);
    assert.match(stdout, /^\/root\/\.cache\/atoll\/tools\/[0-9a-f]{16}( \(unchanged\))?\n$/);
  });

  test(`builds ${image}, of the same bytes as this machine does`, async () => {
    await machine.run([...cliWords, 'build', image, '--no-compress'], say);
    succeeded(await cli(['build', image, '--no-compress', '--out', workshop]));
    const [there, here] = await Promise.all([
      readManifest(artefactPaths(image, machine.out).manifest),
      readManifest(artefactPaths(image, workshop).manifest),
    ]);
    assert.deepEqual(there.packages, here.packages, 'the same packages');
    const isAlike = [there, here].every(({ timings }) => timings.every(({ step }) => step !== 'code-cache'));
    // Step by step, so that it is said which differs.
    const [theirs, ours] = await Promise.all([outputs(machine.cache, there), outputs(cacheDirectory(), here)]);
    const compared = Object.keys(ours).filter(step => isAlike || !withCodeCache.includes(step));
    assert.ok(compared.length > 8, compared.join(' '));
    assert.deepEqual(
      Object.fromEntries(compared.map(step => [step, theirs[step]])),
      Object.fromEntries(compared.map(step => [step, ours[step]])),
    );
    if (!isAlike) return;
    assert.equal(there.roothash, here.roothash);
    assert.deepEqual(there.sha256, here.sha256);
  });
});

/** Step → hashes of what it made. */
async function outputs(cache: string, { timings }: BuildManifest): Promise<Record<string, unknown>> {
  const entries = timings.map(async ({ step, key }) => {
    const text = await readFile(join(cache, 'steps', step, key, 'step.json'), 'utf8').catch((cause: unknown) => {
      throw new BuildError('STEP_BROKEN', `the build of ${step} is gone from ${cache}`, { cause });
    });
    return [step, (JSON.parse(text) as { outputs: unknown }).outputs] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
