/**
 * Figures of upgrades on a running node: what comes over the network, what is written, and for how long nobody answers; beside a plain restart of
 * the same machine.
 */
import { stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { builtMachine } from './artefact.ts';
import { BundleServer } from './bundle-server.ts';
import { demoDeployment } from './demo.ts';
import { AtollNode } from './node.ts';

const minutes = 60_000;

export interface UpgradeFigures {
  readonly accelerator: string;
  readonly bundleBytes: number;
  readonly downloadedBytes: number;
  /** To the slot and the boot partition. */
  readonly writtenBytes: number;
  /** From the command to the restart. */
  readonly installMs: number;
  /** From the command to the blessing. */
  readonly blessedMs: number;
  readonly apiDownMs: number;
  /** From the API's end to the pod's next Ready. */
  readonly podDownMs: number;
  readonly rebootApiDownMs: number;
  /** From the restart into a version whose server crashes to the API of the version before, but for the deadline it was given. */
  readonly fallBackMs: number;
}

export interface UpgradeBenchOptions {
  readonly image: string;
  /** Bundles of the version to upgrade to, and of one that does not come up. */
  readonly good: string;
  readonly bad: string;
  readonly deadlineSeconds: number;
  readonly consoleLog?: string;
  readonly signal?: AbortSignal;
}

/** Asks until it is told to stop. @returns when the first answer after a silence came, and how long it was silent */
async function silence(node: AtollNode, timeoutMs: number): Promise<{ beganAt: number; ms: number }> {
  let last = performance.now();
  let gone = false;
  for (const deadline = last + timeoutMs; performance.now() < deadline; await setTimeout(100)) {
    try {
      await node.api.send({ path: '/api/v1/namespaces/default', timeoutMs: 2000 });
      const now = performance.now();
      // Longer than a busy moment, shorter than any restart.
      if (gone && now - last > 5000) return { beganAt: last, ms: now - last };
      last = now;
      gone = false;
    } catch {
      gone = true;
    }
  }
  throw new Error(`the API did not go and come back within ${timeoutMs / 1000} s`);
}

async function until(what: string, timeoutMs: number, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; ; await setTimeout(500)) {
    if (await holds().catch(() => false)) return;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
  }
}

/** @throws Error that names what did not come */
export async function measureUpgrade(options: UpgradeBenchOptions): Promise<UpgradeFigures> {
  const { image, good, bad, deadlineSeconds, consoleLog, signal } = options;
  await using server = await BundleServer.start([good, bad]);
  const { raw, ...hardware } = await builtMachine(image);
  await using node = await AtollNode.start({
    name: 'bench-upgrade',
    ...hardware,
    disks: [{ file: raw, sizeBytes: 8 * 1024 ** 3 }],
    memoryMiB: 512,
    cpus: 2,
    nic: 'isolated',
    guestForwards: { 8080: server.port },
    kernelArguments: ['atoll.debug-shell'],
    ...(consoleLog === undefined ? {} : { consoleLog }),
  });
  const stop = (): void => void node.machine.stop();
  signal?.addEventListener('abort', stop, { once: true });
  const guest = (command: string, timeoutMs = minutes): Promise<string> =>
    node.machine.shell.output(command, { timeoutMs });
  const blessed = (slot: string): Promise<void> =>
    until(`slot ${slot} is blessed`, 10 * minutes, async () =>
      (await guest('ls /efi/loader/entries')).split('\n').includes(`atoll-${slot}.conf`),
    );
  const podReady = async (): Promise<boolean> => {
    const { body } = await node.api.send({ path: '/api/v1/namespaces/default/pods', timeoutMs: 5000 });
    const pods = body.items as { status?: { conditions?: { type: string; status: string }[] } }[];
    return pods.some(pod => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'));
  };
  const url = (file: string): string => `http://10.0.2.100:8080/${file.split('/').at(-1)}`;
  try {
    await node.ready();
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
    await until('the pod is Ready', 5 * minutes, podReady);
    await blessed('a');

    const rebootSilence = silence(node, 10 * minutes);
    await node.machine.shell.run('systemctl reboot --no-block');
    const reboot = await rebootSilence;
    await node.ready();
    await until('the pod is Ready again', 5 * minutes, podReady);

    server.sentBytes = 0;
    const began = performance.now();
    await guest(`atoll upgrade --yes --no-reboot ${url(good)}`, 15 * minutes);
    const installMs = performance.now() - began;
    const downloadedBytes = server.sentBytes;
    const { writtenBytes } = JSON.parse(await guest('cat /run/atoll/upgrade.json')) as { writtenBytes: number };
    const upgradeSilence = silence(node, 15 * minutes);
    await node.machine.shell.run('systemctl reboot --no-block');
    const upgrade = await upgradeSilence;
    // What the API tells of the pod is of the boot before until the node has looked.
    await node.ready();
    await until('the pod is Ready again', 5 * minutes, podReady);
    const podDownMs = performance.now() - upgrade.beganAt;
    await blessed('b');
    const blessedMs = performance.now() - began;

    await guest(`atoll upgrade --yes --no-reboot --deadline ${deadlineSeconds}s ${url(bad)}`, 15 * minutes);
    const backSilence = silence(node, 20 * minutes);
    await node.machine.shell.run('systemctl reboot --no-block');
    const back = await backSilence;
    return {
      accelerator: node.machine.accelerator.name,
      bundleBytes: (await stat(good)).size,
      downloadedBytes,
      writtenBytes,
      installMs,
      blessedMs,
      apiDownMs: upgrade.ms,
      podDownMs,
      rebootApiDownMs: reboot.ms,
      fallBackMs: back.ms - deadlineSeconds * 1000,
    };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
