/**
 * The real systemd-networkd of the image's Debian, in a network of its own: files go in, and the kernel is asked what came out.
 *
 * It runs in the builder's tools tree with mounts nobody else sees, with the image's own files of networkd, without udev (a read-only
 * /sys says so). What the host's kernel cannot make (bonds, VLANs), it cannot make here: such files are only read.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { RenderedFile } from '../src/machine/config/types.ts';
import { toolsTree } from './netplan.ts';

const run = promisify(execFile);
const overlay = new URL('../../rootfs/overlay/usr/lib/systemd/', import.meta.url).pathname;
const READY_MS = 60_000;

/** What is done in the new namespaces before networkd takes the shell's place, so that its process id is that of the child. */
const script = `set -e
mount -t tmpfs tmpfs "$TREE/run"
mount -t sysfs -o ro sysfs "$TREE/sys"
mount -t proc proc "$TREE/proc"
mount --bind /dev "$TREE/dev"
mount -t tmpfs tmpfs "$TREE/etc/systemd"
mkdir "$TREE/etc/systemd/network"
cp -a "$FILES/." "$TREE/etc/systemd/network/"
chgrp -R "$(awk -F: '$1 == "systemd-network" { print $3 }' "$TREE/etc/group")" "$TREE/etc/systemd/network"
mount --bind "$OVERLAY/network" "$TREE/usr/lib/systemd/network"
[ ! -e "$TREE/etc/machine-id" ] || mount --bind "$MACHINE_ID" "$TREE/etc/machine-id"
mkdir -p "$TREE/run/systemd/netif/links" "$TREE/run/systemd/netif/leases" "$TREE/run/systemd/networkd.conf.d"
cp "$OVERLAY"/networkd.conf.d/* "$TREE/run/systemd/networkd.conf.d/"
chown -R "$(awk -F: '$1 == "systemd-network" { print $3 ":" $4 }' "$TREE/etc/passwd")" "$TREE/run/systemd/netif"
ip link set lo up
eval "$SETUP"
export SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console
exec chroot "$TREE" /usr/lib/systemd/systemd-networkd
`;

export class Networkd {
  private readonly child: ChildProcess;
  private readonly directory: string;
  private output = '';

  private constructor(child: ChildProcess, directory: string) {
    this.child = child;
    this.directory = directory;
    const take = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
  }

  /** @param setup shell commands that make interfaces, in its own network */
  static async start(files: readonly RenderedFile[], setup = ''): Promise<Networkd> {
    const directory = await mkdtemp(join(tmpdir(), 'atoll-networkd-'));
    const etc = join(directory, 'network');
    await mkdir(etc);
    await writeFile(join(directory, 'machine-id'), '0123456789abcdef0123456789abcdef\n');
    for (const { path, content, mode } of files) {
      if (dirname(path) !== '/etc/systemd/network') continue;
      const file = join(etc, path.slice('/etc/systemd/network/'.length));
      await writeFile(file, content);
      await chmod(file, mode);
    }
    const env = {
      ...process.env,
      TREE: await realpath(toolsTree()),
      FILES: etc,
      OVERLAY: overlay,
      MACHINE_ID: join(directory, 'machine-id'),
      SETUP: setup,
    };
    const child = spawn('unshare', ['--net', '--mount', '--propagation', 'private', 'sh', '-c', script], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const networkd = new Networkd(child, directory);
    await networkd.until('to be up', () => /^(Started\.|Enumeration completed)/m.test(networkd.log));
    return networkd;
  }

  /** What it said, with everything it tells a developer. */
  get log(): string {
    return this.output;
  }

  /** Its process id, which also names its network. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Lines of its log that find fault with the files of the test. */
  complaints(): string[] {
    return this.output
      .split('\n')
      .filter(line => /\/50-[^:]*(:\d+)?:/.test(line) && !/Successfully loaded\.|: loaded "/.test(line));
  }

  /** Runs a program in its network. @returns what it printed */
  async inside(...command: readonly string[]): Promise<string> {
    const { stdout } = await run('nsenter', ['--target', String(this.pid), '--net', ...command]);
    return stdout;
  }

  /** A file below `/run` as it sees it. */
  async runFile(path: string): Promise<string> {
    const tree = await realpath(toolsTree());
    const { stdout } = await run('nsenter', ['--target', String(this.pid), '--mount', 'cat', join(tree, path)]);
    return stdout;
  }

  /** Waits for something to be so. @throws with the end of the log when it is not in time */
  async until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = READY_MS): Promise<void> {
    const end = Date.now() + deadlineMs;
    while (!(await holds())) {
      if (this.child.exitCode !== null || Date.now() > end)
        throw new Error(`waited in vain for ${what}:\n${this.output.split('\n').slice(-60).join('\n')}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  async close(): Promise<void> {
    const ended = new Promise(resolve => this.child.once('close', resolve));
    if (this.child.exitCode === null && this.child.kill('SIGKILL')) await ended;
    await rm(this.directory, { recursive: true, force: true });
  }
}
