/** The real wpa_supplicant reads every file of the table to its end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { before, describe, it } from 'node:test';
import { documentOf, read } from '../src/machine/config/network/testing/document.ts';
import { goodNetworks } from '../src/machine/config/network/testing/good.ts';
import { unpackedPackages } from './containerPackages.ts';
import { toolsTree } from './netplan.ts';

const packages = [
  'wpasupplicant',
  'libnl-3-200',
  'libnl-genl-3-200',
  'libnl-route-3-200',
  'libpcsclite1',
  'libdbus-1-3',
];
const own = [...packages, 'libreadline8t64', 'libtinfo6'].map(name => `${name}/trixie`);
const TIMEOUT_MS = 30_000;

describe('the real wpa_supplicant', () => {
  let tree: string;
  before(async () => {
    const cache = resolve(process.env.ATOLL_CACHE || join(homedir(), '.cache', 'atoll'));
    tree = await unpackedPackages(join(cache, 'wpa', `1-${process.arch}`), own);
  });

  for (const [what, devices] of goodNetworks) {
    const file = read(documentOf(devices)).rendered?.files.find(({ path }) => path.startsWith('/etc/wpa_supplicant/'));
    if (file)
      it(what, async () =>
        assert.doesNotMatch(await reading(tree, file.content.toString()), /^Line:? \d+: (?!start)|^Failed to/m),
      );
  }

  it('says what it does not know', async () => {
    assert.match(await reading(tree, 'network={\n  ssid="a"\n  no_such_key=1\n}\n'), /^Line 3: unknown network field/m);
  });
});

/** What it says of a file, on an interface without a driver, in a network and a /run of its own. */
async function reading(tree: string, configuration: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-wpa-'));
  try {
    const path = join(directory, 'wpa.conf');
    await writeFile(path, configuration, { mode: 0o600 });
    const machine = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
    const loader = process.arch === 'arm64' ? 'usr/lib/ld-linux-aarch64.so.1' : 'usr/lib64/ld-linux-x86-64.so.2';
    const libraries = [tree, toolsTree()].map(root => join(root, 'usr/lib', machine)).join(':');
    const script = 'mount -t tmpfs tmpfs /run && exec "$@"';
    const supplicant = [join(tree, 'usr/sbin/wpa_supplicant'), '-dd', '-c', path, '-i', 'lo', '-D', 'none'];
    const child = spawn(
      'unshare',
      [
        '--net',
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        script,
        'sh',
        join(toolsTree(), loader),
        '--library-path',
        libraries,
        ...supplicant,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS },
    );
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      // It lists the networks when it has read the file; what it does then is not asked here.
      if (/^Priority group|^Failed to read/m.test(output)) child.kill('SIGKILL');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    await new Promise(done => child.once('close', done));
    assert.match(output, /^Priority group|^Failed to read/m);
    return output;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
