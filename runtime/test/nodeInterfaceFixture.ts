/**
 * Nodes for tests of upgrades through the cluster: the real API server, the real tunnel and the node's own API, on machines that are folders.
 * Only systemd is not there: what it would start is remembered, and a test plays what comes of it.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node } from '../src/api/generated/types/core.v1.ts';
import { Client } from '../src/client/client.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import { Nodes } from '../src/client/resources.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/log.ts';
import { nodeInterface } from '../src/machine/interface/answer.ts';
import type { Finished, UnitStarter } from '../src/machine/interface/units.ts';
import type { HistoryEntry, Progress, UpgradeState } from '../src/machine/upgrade/types.ts';
import { keepTunnel } from '../src/net/tunnel.ts';
import { createKubeletServer } from '../src/node/streaming/server.ts';
import { adminUser, type InProcessServer } from './startServer.ts';

export interface FolderMachine {
  readonly name: string;
  /** What has been started: `atoll-upgrade: upgrade http://…`. */
  readonly started: string[];
  /** What the next `run` says, and when. */
  finished: Finished | Promise<Finished>;
  version: string;
  image: string;
  progress(progress: Partial<Progress>): Promise<void>;
  state(state: Partial<UpgradeState>): Promise<void>;
  /** The machine restarts: its tunnel is gone for a moment, the files of the boot are, too. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export const ROOTHASH = 'ab'.repeat(32);
export const entry = (event: HistoryEntry['event'], version: string, message = ''): HistoryEntry => ({
  at: new Date().toISOString(),
  event,
  version,
  roothash: ROOTHASH,
  slot: 'b',
  message,
});

/** Makes the node's object, too, where it is not there. */
export async function startFolderMachine(
  server: InProcessServer,
  name: string,
  options: { readonly onStart?: (machine: FolderMachine, unit: string, words: readonly string[]) => void } = {},
): Promise<FolderMachine> {
  const directory = join(server.directory, `machine-${name}`);
  const places = {
    stateDir: join(directory, 'state'),
    runDir: join(directory, 'run'),
    proc: join(directory, 'proc'),
  };
  const journal = join(directory, 'journalctl');
  await mkdir(places.stateDir, { recursive: true });
  await writeFile(await within(directory, 'journalctl'), JOURNALCTL, { mode: 0o755 });
  const client = new Client(inProcessTransport(server.apiServer.handler, adminUser));
  const node: Node = { metadata: { name, labels: { 'kubernetes.io/hostname': name } } };
  await client.create(Nodes, node).catch(() => undefined);
  const { certificatePem, privateKeyPem } = server.certificateFor(`system:node:${name}`, ['system:nodes']);

  const started: string[] = [];
  const units: UnitStarter = {
    async start(unit, words) {
      started.push(`${unit}: ${words.join(' ')}`);
      options.onStart?.(machine, unit, words);
    },
    run: async words => {
      started.push(`run: ${words.join(' ')}`);
      return machine.finished;
    },
  };
  const own = nodeInterface({
    nodeName: name,
    places,
    units,
    clock: systemClock,
    release: () => ({ version: machine.version, image: machine.image, kubernetes: 'v1.36.4' }),
    channel: () => undefined,
    status: async () => ({ hostName: name, ready: true }),
    configuration: () => ({ state: 'applied', generation: 3 }),
    journalCommand: journal,
  });
  const kubelet = createKubeletServer({
    runtime: { exec: never, attach: never, portForward: never },
    pods: { find: () => undefined, exited: never, list: () => ({ kind: 'PodList', apiVersion: 'v1', items: [] }) },
    logger: silentLogger,
    machine: own.answer,
    metrics: () => 'atoll_test 1\n',
  });

  let stop = new AbortController();
  let tunnel: Promise<void> = Promise.resolve();
  const connect = async (): Promise<void> => {
    stop = new AbortController();
    await new Promise<void>(resolve => {
      tunnel = keepTunnel({
        server: server.url,
        credentials: () => ({ ca: server.ca, cert: certificatePem, key: privateKeyPem }),
        kubelet,
        logger: silentLogger,
        signal: stop.signal,
        onState: up => {
          if (up) resolve();
        },
      });
    });
  };
  const boot = async (): Promise<void> => {
    await rm(places.runDir, { recursive: true, force: true });
    await mkdir(places.runDir, { recursive: true });
    await writeFile(join(places.runDir, 'slot'), 'a\n');
    await writeFile(await within(places.proc, 'cmdline'), `ro atoll.roothash=${ROOTHASH} quiet\n`);
    await writeFile(await within(places.proc, 'sys/kernel/random/boot_id'), `${crypto.randomUUID()}\n`);
  };
  const machine: FolderMachine = {
    name,
    started,
    finished: { code: 0, stdout: '{}', stderr: '' },
    version: '1.0.0',
    image: 'vm-x86_64',
    async progress(progress) {
      const whole = { pid: 4711, source: '', phase: 'writing', doneBytes: 0, totalBytes: 0, ...progress };
      await writeFile(await within(places.proc, `${whole.pid}/comm`), 'node\n');
      await writeFile(
        join(places.runDir, 'upgrade.json'),
        JSON.stringify({ downloadedBytes: 0, writtenBytes: 0, ...whole }),
      );
    },
    async state(state) {
      await writeFile(
        join(places.stateDir, 'state.json'),
        JSON.stringify({ format: 1, refused: [], history: [], ...state }),
      );
    },
    async restart(meanwhile) {
      stop.abort();
      await tunnel;
      await meanwhile?.();
      await boot();
      await connect();
    },
    async close() {
      stop.abort();
      await tunnel;
      kubelet.closeAllConnections();
    },
  };
  await boot();
  await connect();
  return machine;
}

/** Says what it was asked, and with `--follow` goes on until it is killed. */
const JOURNALCTL = `#!/bin/sh
for word in "$@"; do echo "{\\"MESSAGE\\":\\"$word\\",\\"__REALTIME_TIMESTAMP\\":\\"1795323600000000\\"}"; done
case "$*" in *--follow*) exec sleep 1000;; esac
`;

async function within(directory: string, path: string): Promise<string> {
  const whole = join(directory, path);
  await mkdir(join(whole, '..'), { recursive: true });
  return whole;
}

const never = (): Promise<never> => Promise.reject(new Error('no containers here'));
