/**
 * A Raspberry Pi of QEMU's, started from a copy of the image as a card. It has none of the virtual devices that `Machine` talks over, so it is reached as a
 * person reaches one: a file on the card's FAT partition, its serial line, SSH and kubectl.
 *
 * What QEMU leaves out: the ROM and the GPU's firmware. So U-Boot and the device tree are handed to it, taken from the card, where the firmware would take them.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ArchitectureName } from '../../builder/src/boards.ts';
import { readManifest } from '../../builder/src/manifest.ts';
import { type ArtefactPaths, artefactPaths, repositoryRoot, toolsTree } from '../../builder/src/paths.ts';
import { Console } from '../src/console.ts';
import { ConsoleLog } from '../src/console-log.ts';
import { type Emulator, findEmulator } from '../src/emulator.ts';
import { inTree } from '../src/fatDisk.ts';
import { findPartition } from '../src/gpt.ts';
import { forHost } from '../src/kubeconfig.ts';
import { findKubectl } from '../src/node.ts';
import { forwardedPorts } from '../src/ports.ts';
import { EmulatorProcess } from '../src/process.ts';
import { Qmp } from '../src/qmp.ts';
import { createWorkspace } from '../src/workspace.ts';
import { commandLineAddon } from './commandLineAddon.ts';

const run = promisify(execFile);

/** QEMU takes powers of two only; and erases block by block, so that making partitions takes a minute for each GiB. */
const CARD_BYTES = 4 * 1024 ** 3;
const minutes = 60_000;

export interface Model {
  /** QEMU's name of the machine. */
  readonly machine: string;
  readonly architecture: ArchitectureName;
  readonly image: string;
  /** More words for the kernel, from an addon on the card; none where `start` hands them over. */
  readonly kernelArguments: readonly string[];
  /** Arguments that start it. @param card what is on the card's set of firmware, and the image's own kernel */
  readonly start: (card: { readonly set: string; readonly artefacts: ArtefactPaths }) => Promise<readonly string[]>;
}

export class RaspberryPi implements AsyncDisposable {
  readonly console: Console;
  readonly #model: Model;
  readonly #emulator: Emulator;
  readonly #workspace: string;
  readonly #log: ConsoleLog;
  #process: EmulatorProcess | undefined;
  #qmp: Qmp | undefined;
  #ports = new Map<number, number>();

  private constructor(model: Model, emulator: Emulator, workspace: string, consoleLog: string) {
    this.#model = model;
    this.#emulator = emulator;
    this.#workspace = workspace;
    this.#log = new ConsoleLog(consoleLog);
    this.console = new Console(raw => this.#log.write(raw));
  }

  /**
   * @param name of its console's log, out/test/<name>.log
   * @param userData more lines of `user-data`; an SSH key of the test's is in it
   */
  static async start(model: Model, name: string, userData: string): Promise<RaspberryPi> {
    const logs = join(repositoryRoot, 'out/test');
    mkdirSync(logs, { recursive: true });
    const consoleLog = join(logs, `${name}.log`);
    rmSync(consoleLog, { force: true });
    const emulator = await findEmulator(toolsTree(), model.architecture);
    const pi = new RaspberryPi(model, emulator, await createWorkspace(), consoleLog);
    try {
      await pi.#makeCard(userData);
      await pi.powerOn();
      return pi;
    } catch (error) {
      await pi[Symbol.asyncDispose]();
      throw error;
    }
  }

  get #card(): string {
    return join(this.#workspace, 'card.raw');
  }

  async #makeCard(userData: string): Promise<void> {
    const key = join(this.#workspace, 'key');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', key]);
    const publicKey = (await readFile(`${key}.pub`, 'utf8')).trim();
    const document = join(this.#workspace, 'user-data');
    await writeFile(document, `#cloud-config\nssh_authorized_keys: ["${publicKey}"]\n${userData}`);
    await run('cp', ['--sparse=always', artefactPaths(this.#model.image).raw, this.#card]);
    await truncate(this.#card, CARD_BYTES);
    const fat = await this.#fat();
    await inTree('/usr/bin/mcopy', ['-o', '-i', fat, document, '::']);
    if (this.#model.kernelArguments.length > 0) {
      const manifest = await readManifest(artefactPaths(this.#model.image).manifest);
      const addon = await commandLineAddon(manifest, this.#model.kernelArguments, this.#workspace);
      await inTree('/usr/bin/mmd', ['-i', fat, '::EFI/atoll/a.efi.extra.d']);
      await inTree('/usr/bin/mcopy', ['-i', fat, addon, '::EFI/atoll/a.efi.extra.d']);
    }
    await mkdir(join(this.#workspace, 'set'));
    await inTree('/usr/bin/mcopy', ['-s', '-i', fat, '::atoll-0', join(this.#workspace, 'set')]);
  }

  /** The card's FAT partition, as mtools name it. */
  async #fat(): Promise<string> {
    return `${this.#card}@@${(await findPartition(this.#card, 'esp')).offset}`;
  }

  /** A file of the FAT partition as it is now. Only while the machine is off. */
  async onCard(path: string): Promise<Buffer> {
    const copy = join(this.#workspace, 'copy');
    await inTree('/usr/bin/mcopy', ['-n', '-o', '-i', await this.#fat(), `::${path}`, copy]);
    return readFile(copy);
  }

  /** The first sectors of the card. Only while the machine is off. */
  async sectors(count: number): Promise<Buffer> {
    const { stdout } = await run('head', ['-c', String(count * 512), this.#card], { encoding: 'buffer' });
    return stdout;
  }

  async powerOn(): Promise<void> {
    const set = join(this.#workspace, 'set/atoll-0');
    const { machine, start, image } = this.#model;
    const qemu = EmulatorProcess.spawn(this.#emulator, {
      arguments: [
        ...['-M', machine, '-accel', 'tcg,thread=multi', '-nodefaults', '-no-user-config', '-display', 'none'],
        ...(await start({ set, artefacts: artefactPaths(image) })),
        ...['-drive', `file=${this.#card},format=raw,if=sd`],
        ...['-netdev', 'user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:0-:22,hostfwd=tcp:127.0.0.1:0-:6443'],
        ...['-device', 'usb-net,netdev=net0'],
        ...['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control', '-chardev', 'socket,id=console,fd=4'],
      ],
      channels: ['qmp', 'console'],
      log: join(this.#workspace, 'qemu.log'),
    });
    this.#process = qemu;
    this.#qmp = new Qmp(qemu.channel('qmp'));
    this.console.markEnd();
    this.console.attach(qemu.channel('console'));
    qemu.ended.then(reason => this.console.end(reason));
    await Promise.race([this.#qmp.handshake(minutes), qemu.ended.then(reason => Promise.reject(new Error(reason)))]);
    this.#ports = forwardedPorts(await this.#qmp.monitor('info usernet'));
  }

  /** Resolves when the machine has been reset by its own software. */
  async reset(timeoutMs: number): Promise<void> {
    await this.#qmp?.event('RESET', timeoutMs);
    this.console.markEnd();
  }

  async powerCut(): Promise<void> {
    await this.#process?.kill();
  }

  #port(guest: number): string {
    return String(this.#ports.get(guest) ?? 0);
  }

  /** As root on the machine. @throws with its words where the command fails */
  async ssh(command: string, timeoutMs: number = 2 * minutes): Promise<string> {
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes', 'LogLevel=ERROR'];
    const words = [
      ...['-F', 'none', '-i', join(this.#workspace, 'key'), '-p', this.#port(22)],
      ...[...options, 'ConnectTimeout=30'].flatMap(option => ['-o', option]),
      ...['root@127.0.0.1', command],
    ];
    return (await run('ssh', words, { timeout: timeoutMs, killSignal: 'SIGKILL' })).stdout.trim();
  }

  /** Waits until the machine says on its console that the node is Ready. */
  async ready(timeoutMs: number): Promise<void> {
    await this.console.waitFor(/State\s+Ready/, { timeoutMs });
  }

  /** The real kubectl on this host, with the machine's own kubeconfig. */
  async kubectl(words: readonly string[], stdin = ''): Promise<string> {
    const kubeconfig = join(this.#workspace, 'kubeconfig');
    const theirs = await this.ssh('cat /etc/atoll/atoll.yaml');
    await writeFile(kubeconfig, forHost(theirs, Number(this.#port(6443))), { mode: 0o600 });
    const [program = '', ...prefix] = await findKubectl();
    const kubectl = run(program, [...prefix, ...words], {
      env: { ...process.env, KUBECONFIG: kubeconfig, HOME: this.#workspace },
      timeout: 11 * minutes,
    });
    kubectl.child.stdin?.end(stdin);
    return (await kubectl).stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerCut();
    this.#log[Symbol.dispose]();
    await rm(this.#workspace, { recursive: true, force: true });
  }
}
