/**
 * A containerd of its own for one test file: own root, state, socket, bridge and images, nothing shared with the host's.
 * Needs root (or CAP_SYS_ADMIN), as containers do.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type ContainerTools, containerTools } from './containerPackages.ts';
import { imageArchive } from './imageArchive.ts';

const run = promisify(execFile);

/** Both hold the same static busybox with all its applets in /bin; there is a shell, `httpd`, `nc`, `tar`. */
export const testImages = {
  pause: 'docker.io/atoll/pause:test',
  busybox: 'docker.io/library/busybox:test',
} as const;

export interface Containerd {
  /** CRI and containerd's own API. Images are in its namespace `k8s.io`. */
  readonly socket: string;
  /** Everything of this instance; gone after {@link stop}. `log` in it is containerd's output. */
  readonly dir: string;
  /** Where pods may put their cgroups (cgroupfs driver), in every hierarchy; removed by {@link stop}. */
  readonly cgroupParent: string;
  /** Pods get addresses of it; the host has the first one, so probes reach them. */
  readonly podCidr: string;
  /** Runs `ctr -n k8s.io …`. @returns its standard output. */
  ctr(...args: string[]): Promise<string>;
  /** Kills containerd without a word and starts it again with the same state: containers must survive it. */
  restart(): Promise<void>;
  /** Ends all containers, containerd, mounts and the bridge, and removes the directory. */
  stop(): Promise<void>;
}

let instances = 0;

/** @throws when the tools cannot be had, containerd does not start within 30 s, or the images cannot be imported. */
export async function startContainerd(): Promise<Containerd> {
  const tools = await containerTools();
  const dir = await mkdtemp(join(tmpdir(), 'atoll-containerd-'));
  const unique = (process.pid * 4 + instances++) % 16384; // test files run side by side
  const bridge = `atolltest${unique}`;
  const cgroupParent = `/${bridge}`;
  const podCidr = `10.${192 + (unique >> 8)}.${unique & 255}.0/24`;
  const socket = join(dir, 'containerd.sock');
  const env = { ...process.env, PATH: `${tools.binDirectory}:${process.env.PATH ?? ''}` };
  const ctr = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('ctr', ['-a', socket, '-n', 'k8s.io', ...args], { env, timeout: 60_000 });
    return stdout;
  };
  await writeConfiguration(dir, tools, bridge, podCidr);
  let daemon = await startDaemon(dir, env);
  const stop = async (): Promise<void> => {
    await removeContainers(ctr);
    await end(daemon, 'SIGTERM');
    await unmountBelow(dir);
    await run('ip', ['link', 'delete', bridge]).catch(() => undefined); // there is none when no pod ran
    await removeCgroups(bridge);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const archive = join(dir, 'images.tar');
    await writeFile(archive, imageArchive(await images(tools.busybox)));
    await ctr('images', 'import', '--no-unpack', archive);
    await rm(archive);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    socket,
    dir,
    podCidr,
    cgroupParent,
    ctr,
    stop,
    restart: async () => {
      await end(daemon, 'SIGKILL');
      daemon = await startDaemon(dir, env);
    },
  };
}

async function images(busybox: string): Promise<Parameters<typeof imageArchive>[0]> {
  const { stdout } = await run(busybox, ['--list']);
  const files = [
    ...['bin/', 'dev/', 'etc/', 'proc/', 'sys/', 'var/', 'root/'].map(path => ({ path })),
    { path: 'tmp/', mode: 0o1777 },
    { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' },
    { path: 'etc/group', content: 'root:x:0:\nnobody:x:65534:\n' },
    { path: 'bin/busybox', mode: 0o755, content: await readFile(busybox) },
    ...stdout
      .split('\n')
      .filter(applet => applet && applet !== 'busybox')
      .map(applet => ({ path: `bin/${applet}`, linkTo: 'busybox' })),
  ];
  return [
    { name: testImages.pause, files, command: ['/bin/sleep', '2147483647'] },
    { name: testImages.busybox, files, command: ['/bin/sh'] },
  ];
}

async function writeConfiguration(dir: string, tools: ContainerTools, bridge: string, podCidr: string): Promise<void> {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  await mkdir(join(dir, 'cni'));
  await writeFile(
    join(dir, 'config.toml'),
    `version = 2
root = "${dir}/root"
state = "${dir}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
[grpc]
address = "${dir}/containerd.sock"
[ttrpc]
address = "${dir}/containerd.sock.ttrpc"
[${cri}]
sandbox_image = "${testImages.pause}"
restrict_oom_score_adj = true
disable_apparmor = true
netns_mounts_under_state_dir = true
[${cri}.registry]
config_path = "${dir}/certs.d"
[${cri}.cni]
bin_dir = "${tools.cniDirectory}"
conf_dir = "${dir}/cni"
[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`,
  );
  const network = {
    cniVersion: '1.0.0',
    name: bridge,
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        ipam: { type: 'host-local', dataDir: join(dir, 'ipam'), ranges: [[{ subnet: podCidr }]] },
      },
    ],
  };
  await writeFile(join(dir, 'cni', '10-test.conflist'), JSON.stringify(network));
}

async function startDaemon(dir: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const daemon = spawn('containerd', ['--config', join(dir, 'config.toml')], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const last: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(deadline);
      daemon.kill('SIGKILL');
      reject(new Error(`containerd ${why}:\n${last.join('\n')}`));
    };
    const deadline = setTimeout(fail, 30_000, 'did not start within 30 s');
    daemon.once('error', error => fail(`could not be run (${error.message})`));
    daemon.once('exit', code => fail(`ended with code ${code}`));
    createInterface({ input: daemon.stderr }).on('line', line => {
      last.push(line);
      if (last.length > 20) last.shift();
      if (!line.includes('containerd successfully booted')) return;
      clearTimeout(deadline);
      resolve();
    });
  });
  return daemon;
}

async function removeContainers(ctr: Containerd['ctr']): Promise<void> {
  const list = async (kind: string): Promise<string[]> => (await ctr(kind, 'list', '-q')).split('\n').filter(Boolean);
  for (const task of await list('tasks')) await ctr('tasks', 'delete', '--force', task).catch(() => undefined);
  for (const container of await list('containers')) await ctr('containers', 'delete', container);
}

/** Only directories can be removed in a cgroup file system, innermost first. */
async function removeCgroups(name: string): Promise<void> {
  const root = '/sys/fs/cgroup';
  const hierarchies = ['', ...(await readdir(root))].map(hierarchy => join(root, hierarchy, name));
  const remove = async (path: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []); // not in this hierarchy
    for (const entry of entries) if (entry.isDirectory()) await remove(join(path, entry.name));
    await rmdir(path).catch(() => undefined);
  };
  for (const path of hierarchies) await remove(path);
}

async function end(daemon: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.kill(signal);
  await ended;
}

async function unmountBelow(dir: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map(line => line.split(' ')[1] ?? '');
  for (const mount of mounts.filter(path => path.startsWith(`${dir}/`)).reverse()) await run('umount', ['-l', mount]);
}
