/**
 * A QEMU machine as an object: start it, read and wait on its console, run commands in it, reach its ports, snapshot it, cut its
 * power, throw it away.
 *
 * ```ts
 * await using machine = await Machine.start({ disks: [{ file: 'vm-x86_64.raw' }], forwards: [6443] });
 * await machine.console.waitFor(/login:/, { timeoutMs: 60_000 });
 * ```
 *
 * Invariants: at most one QEMU process belongs to a machine. What it writes is in its own directory, which goes when it is
 * stopped; the files it was started from are never written. While QEMU does not run, every wait fails at once.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ArchitectureName } from '../../builder/src/boards.ts';
import { toolsTree } from '../../builder/src/paths.ts';
import { type Accelerator, accelerator } from './accelerator.ts';
import { channelsOf, type Firmware, type Hardware, type HardwareDisk, qemuArguments } from './arguments.ts';
import { Console } from './console.ts';
import { ConsoleLog } from './console-log.ts';
import { within, withinProgress } from './deadline.ts';
import { createOverlay, type DiskOptions, exportRaw, flatten, qemuImg } from './disk.ts';
import { type Emulator, findEmulator } from './emulator.ts';
import { forHost, KubeconfigPort } from './kubeconfig.ts';
import type { Lan } from './lan.ts';
import { forwardedPorts } from './ports.ts';
import { EmulatorProcess } from './process.ts';
import { Qmp, QmpError, type QmpEvent } from './qmp.ts';
import { Shell } from './shell.ts';
import { createWorkspace } from './workspace.ts';

export interface MachineOptions {
  readonly name?: string;
  /** Default `x86_64`. */
  readonly architecture?: ArchitectureName;
  /** The first is what it boots from, unless `bootIndex` says otherwise. Ignored with `snapshotOf`, which brings its own. */
  readonly disks?: readonly DiskOptions[];
  /** Default 512: the smallest board that Atoll is for. */
  readonly memoryMiB?: number;
  /** Default 2. */
  readonly cpus?: number;
  /** Default `uefi`: with a variable store of its own. */
  readonly firmware?: Firmware;
  /** Default `user`; see {@link Hardware.nic}. */
  readonly nic?: 'user' | 'isolated' | 'none';
  /** Default `virtio-net-pci`; see {@link Hardware.nicModel}. */
  readonly nicModel?: string;
  /** Guest ports to forward; ask {@link Machine.forwardedPort} where they are. With `snapshotOf` instead of the saved ones. */
  readonly forwards?: readonly number[];
  /** Host ports to use for some of them, by the guest's, instead of one that QEMU chooses. */
  readonly hostPorts?: Readonly<Record<number, number>>;
  /** A network of machines of this process, and the address of this one's second card in it. */
  readonly lan?: { readonly of: Lan; readonly mac: string };
  /** Ports of the host that the guest reaches as 10.0.2.100; see {@link Hardware.guestForwards}. */
  readonly guestForwards?: Readonly<Record<number, number>>;
  /** More words for the kernel command line, given to systemd-stub through SMBIOS type 11. */
  readonly kernelArguments?: readonly string[];
  /** More SMBIOS type 11 strings. */
  readonly smbios?: readonly string[];
  readonly fwCfg?: Readonly<Record<string, string>>;
  readonly extraArguments?: readonly string[];
  /** What the machine's clock says when it is switched on, as QEMU's `-rtc base`: `2034-05-06T07:08:09`. Default: the right time. */
  readonly clock?: string;
  /** Continue a saved machine (running, as it was) instead of booting. Its hardware is used; the copy is independent. */
  readonly snapshotOf?: SavedMachine;
  /** Leave it stopped, until {@link Machine.resume}. */
  readonly paused?: boolean;
  /** File the raw console is appended to. */
  readonly consoleLog?: string;
  /** That file cannot be written; told once, and the machine goes on. */
  readonly onLogLost?: (why: Error) => void;
  /** Sees the raw console, as for a terminal. */
  readonly onConsole?: (raw: Buffer) => void;
  readonly emulator?: Emulator;
  readonly accelerator?: Accelerator;
}

/** What may be another at the next power-on; everything else stays. */
export type HardwareChanges = Pick<MachineOptions, 'kernelArguments' | 'extraArguments' | 'clock'>;

/** A machine frozen on the host's disk by {@link Machine.save}: any number of copies can be continued from it. */
export interface SavedMachine {
  readonly directory: string;
  /** With paths relative to `directory`; but read-only disks, which stay where they were. */
  readonly hardware: Hardware;
  readonly kubeconfig: string | undefined;
}

/** Memory and devices of a saved machine, in its directory. */
const memoryFile = 'memory';
/** Pages of memory stand at places of their own in the file, so that it is sparse, and read in one go (QEMU 9). */
const mappedMemory = { capabilities: [{ capability: 'mapped-ram', state: true }] };

export class Machine implements AsyncDisposable {
  readonly console: Console;
  readonly shell = new Shell(() => this.console.excerpt());
  readonly emulator: Emulator;
  readonly accelerator: Accelerator;
  readonly #workspace: string;
  readonly #kubeconfigPort = new KubeconfigPort();
  readonly #lan: Lan | undefined;
  readonly #log: ConsoleLog | undefined;
  #hardware: Hardware;
  #process: EmulatorProcess | undefined;
  #qmp: Qmp | undefined;
  #ports = new Map<number, number>();

  private constructor(
    emulator: Emulator,
    accel: Accelerator,
    workspace: string,
    hardware: Hardware,
    options: MachineOptions,
  ) {
    this.emulator = emulator;
    this.accelerator = accel;
    this.#workspace = workspace;
    this.#hardware = hardware;
    this.#lan = options.lan?.of;
    this.#kubeconfigPort.reset(options.snapshotOf?.kubeconfig);
    this.#log = options.consoleLog === undefined ? undefined : new ConsoleLog(options.consoleLog, options.onLogLost);
    this.console = new Console(raw => {
      options.onConsole?.(raw);
      this.#log?.write(raw);
    });
  }

  /** Makes the machine and switches it on. @throws if QEMU refuses its arguments, with its words */
  static async start(options: MachineOptions): Promise<Machine> {
    const emulator = options.emulator ?? (await findEmulator(toolsTree(), options.architecture));
    const accel = options.accelerator ?? (await accelerator(emulator));
    const workspace = await createWorkspace();
    try {
      const hardware =
        options.snapshotOf === undefined
          ? await newHardware(emulator, workspace, options)
          : await copiedHardware(emulator, options.snapshotOf, workspace, options);
      const machine = new Machine(emulator, accel, workspace, hardware, options);
      const paused = options.paused === true;
      if (options.snapshotOf === undefined) await machine.#launch({ paused });
      else await machine.#continue(join(options.snapshotOf.directory, memoryFile), paused);
      return machine;
    } catch (error) {
      await rm(workspace, { recursive: true, force: true });
      throw error;
    }
  }

  get running(): boolean {
    return this.#process?.running === true;
  }

  /** QEMU's process; undefined before the first power-on. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves, in words, when the QEMU that runs now is no more. */
  get ended(): Promise<string> {
    return this.#process?.ended ?? Promise.resolve('never started');
  }

  /** The loopback port of the host that reaches this port of the guest. It may change with each power-on. */
  forwardedPort(guestPort: number): number {
    const port = this.#ports.get(guestPort);
    if (port === undefined) {
      throw new Error(`port ${guestPort} is not forwarded: start the machine with forwards: [${guestPort}]`);
    }
    return port;
  }

  /** A QMP command, see QEMU's docs/interop/qemu-qmp-ref. */
  async qmp(command: string, args?: Record<string, unknown>): Promise<unknown> {
    return this.#monitor().execute(command, args);
  }

  /** Waits for QEMU to report that event (`RESET`, `SHUTDOWN`…) from now on. */
  async qmpEvent(name: string, timeoutMs: number): Promise<unknown> {
    return this.#monitor().event(name, timeoutMs);
  }

  /**
   * The admin kubeconfig of the node in the machine, with the forwarded port in it.
   * @throws TimeoutError if the guest has not written one since it was booted
   */
  async kubeconfig({ timeoutMs }: { timeoutMs: number }): Promise<string> {
    const ended = this.ended.then(reason => Promise.reject(new Error(`${reason}\n${this.console.lastLines()}`)));
    ended.catch(() => {});
    const written = Promise.race([this.#kubeconfigPort.document(), ended]);
    const document = await within(written, timeoutMs, "the guest's kubeconfig", () => this.console.lastLines());
    return forHost(document, this.forwardedPort(6443));
  }

  /** Keeps the machine's memory, devices and disks under a name, inside its disks. It goes on running. */
  async snapshot(name: string): Promise<void> {
    await this.#snapshotCommand('savevm', name);
  }

  /** Goes back to a snapshot, from running or from off. The console's text stays, its mark moves to the end. */
  async restore(name: string): Promise<void> {
    this.console.markEnd();
    if (this.running) {
      await this.#snapshotCommand('loadvm', name);
    } else {
      await this.#launch({ loadSnapshot: name });
    }
  }

  /**
   * Copies the machine as it is into `directory` (made; of no use to other files). Nothing outside of it is needed any more.
   * The machine is stopped then, or before when that fails: {@link resume} it, or throw it away.
   */
  async copy(directory: string): Promise<SavedMachine> {
    await mkdir(directory, { recursive: true });
    await this.qmp('stop');
    // QEMU has then let go of the disks, with everything in them, until it is resumed.
    await this.#migration('migrate', join(resolve(directory), memoryFile));
    const hardware = await this.#savedHardware(directory);
    return { directory, hardware, kubeconfig: this.#kubeconfigPort.newest };
  }

  /** The same, and disposes the machine. */
  async save(directory: string): Promise<SavedMachine> {
    const saved = await this.copy(directory);
    await this.stop();
    return saved;
  }

  /** Stops the processors, until {@link resume}. */
  async pause(): Promise<void> {
    await this.qmp('stop');
  }

  /** Goes on after {@link MachineOptions.paused} or {@link pause}. */
  async resume(): Promise<void> {
    await this.qmp('cont');
  }

  /** Tells the guest what time it is (unit atoll-clock-port): a machine continued from a snapshot does not know how long it slept. */
  tellTime(now: number = Date.now()): void {
    this.#process?.channel('clock').write(`${Math.floor(now / 1000)} ${(now % 1000) * 1000}\n`);
  }

  /** The reset button: the processor starts over, the disks keep what they have, QEMU goes on. */
  async reset(): Promise<void> {
    this.forgetBoot();
    await this.qmp('system_reset');
  }

  /** The guest has rebooted by itself (event `RESET`): what it said before, a kubeconfig too, does not count any more. */
  forgetBoot(): void {
    this.#kubeconfigPort.reset();
    this.console.markEnd();
  }

  /** Pulls the plug. What that leaves on the disks: see disk.ts. Switch on again with {@link powerOn}. */
  async powerCut(): Promise<void> {
    await this.#process?.kill();
  }

  /** Presses the power button and waits until the guest has shut down. */
  async powerDown({ timeoutMs = 60_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const ended = this.#process?.ended ?? Promise.resolve('');
    await this.qmp('system_powerdown');
    await within(ended, timeoutMs, 'the guest to shut down', () => this.console.lastLines());
  }

  /**
   * Switches on after a power cut or a shutdown: the same disks and firmware variables, a cold boot.
   * @param changes what somebody has done to the machine meanwhile; it stays so
   */
  async powerOn(changes: HardwareChanges = {}): Promise<void> {
    if (this.running) {
      throw new Error('powerOn: the machine is running; cut its power or shut it down first');
    }
    this.#hardware = {
      ...this.#hardware,
      ...(changes.kernelArguments === undefined
        ? {}
        : {
            smbios: [...this.#hardware.smbios.filter(isNoCommandLine), ...commandLineStrings(changes.kernelArguments)],
          }),
      ...(changes.extraArguments === undefined ? {} : { extra: changes.extraArguments }),
      ...(changes.clock === undefined ? {} : { clock: changes.clock }),
    };
    this.forgetBoot();
    await this.#launch({});
  }

  /** Copies a disk, as the guest would see it, to a sparse raw file. The machine must be off. */
  async exportDisk(index: number, raw: string): Promise<void> {
    const disk = this.#hardware.disks[index];
    if (disk === undefined || this.running) {
      throw new Error(`exportDisk: ${disk === undefined ? `no disk ${index}` : 'the machine is running'}`);
    }
    await exportRaw(this.emulator, disk.file, raw);
  }

  /** Switches off (hard) and removes everything the machine wrote. */
  async stop(): Promise<void> {
    await this.powerCut();
    this.#log?.[Symbol.dispose]();
    await rm(this.#workspace, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Takes up what {@link save} left. */
  async #continue(memory: string, paused: boolean): Promise<void> {
    await this.#launch({ incoming: true });
    try {
      await this.#migration('migrate-incoming', memory);
      if (!paused) await this.resume();
    } catch (error) {
      await this.powerCut();
      throw new Error('the saved machine cannot be continued', { cause: error });
    }
  }

  /** Writes or reads memory and devices. @throws with QEMU's words when it cannot */
  async #migration(command: 'migrate' | 'migrate-incoming', file: string): Promise<void> {
    const monitor = this.#monitor();
    await monitor.execute('migrate-set-capabilities', mappedMemory).catch((error: unknown) => {
      // An older QEMU writes a stream, which is larger and takes longer.
      if (!(error instanceof QmpError)) throw error;
    });
    await monitor.execute('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] });
    let stop = (): void => {};
    const settled = new Promise<void>((done, fail) => {
      stop = monitor.onEvent(({ event, data }) => {
        const { status } = (data ?? {}) as { status?: string };
        if (event !== 'MIGRATION') return;
        if (status === 'completed') done();
        if (status === 'failed') fail(new Error(`QEMU: ${command} ${file} failed`));
      });
    });
    settled.catch(() => {});
    const ended = this.ended.then(reason => Promise.reject(new Error(reason)));
    ended.catch(() => {});
    try {
      await monitor.execute(command, { uri: `file:${file}` });
      const settledOrEnded = Promise.race([settled, ended]);
      await withinProgress(settledOrEnded, 120_000, `QEMU to get on with ${command}`, () => bytesMoved(this.pid));
    } finally {
      stop();
    }
  }

  /** The disks and firmware variables, whole, in `directory`. */
  async #savedHardware(directory: string): Promise<Hardware> {
    const variables = 'variables.qcow2';
    await flatten(this.emulator, this.#hardware.variables, join(directory, variables));
    const disks: HardwareDisk[] = [];
    for (const [index, { writeLog: _, ...disk }] of this.#hardware.disks.entries()) {
      const file = disk.readOnly ? disk.file : `disk${index}.qcow2`;
      if (!disk.readOnly) await flatten(this.emulator, disk.file, join(directory, file));
      disks.push({ ...disk, file });
    }
    return { ...this.#hardware, variables, disks };
  }

  async #launch(how: Pick<Hardware, 'loadSnapshot' | 'incoming' | 'paused'>): Promise<void> {
    for (const { writeLog } of this.#hardware.disks) {
      // QEMU wants the file to exist, and would leave an older log's end behind the new one.
      await (writeLog === undefined ? undefined : writeFile(writeLog, ''));
    }
    const qemu = EmulatorProcess.spawn(this.emulator, {
      arguments: qemuArguments(this.emulator, this.accelerator, { ...this.#hardware, ...how }),
      channels: channelsOf(this.#hardware),
      log: join(this.#workspace, 'qemu.log'),
    });
    this.#process = qemu;
    this.#ports = new Map();
    this.#qmp = new Qmp(qemu.channel('qmp'));
    this.#qmp.onEvent(event => {
      const why = diskFailure(event);
      if (why !== undefined) void qemu.kill(`${why}; what it writes is in ${this.#workspace}`);
    });
    this.console.attach(qemu.channel('console'));
    this.shell.attach(qemu.channel('shell'));
    this.#kubeconfigPort.attach(qemu.channel('kubeconfig'));
    qemu.channel('clock').on('error', () => {});
    if (this.#hardware.lan !== undefined) this.#lan?.connect(qemu.channel('lan'));
    qemu.ended.then(reason => {
      this.console.end(reason);
      this.shell.end(reason);
    });
    try {
      // Loading a snapshot comes before the greeting is answered, so this is not a matter of milliseconds.
      await Promise.race([this.#qmp.handshake(60_000), qemu.ended.then(reason => Promise.reject(new Error(reason)))]);
      this.#ports = forwardedPorts(await this.#qmp.monitor('info usernet'));
    } catch (error) {
      await qemu.kill();
      throw new Error(`the machine did not start: ${await qemu.ended}`, { cause: error });
    }
  }

  #monitor(): Qmp {
    if (this.#qmp === undefined || !this.running) {
      throw new Error('the machine is off');
    }
    return this.#qmp;
  }

  async #snapshotCommand(command: 'savevm' | 'loadvm', name: string): Promise<void> {
    const complaint = await this.#monitor().monitor(`${command} ${name}`);
    if (complaint.trim() !== '') {
      throw new Error(`${command} ${name}: ${complaint.trim()}`);
    }
  }
}

/** QEMU stops a machine whose disk has no more room on the host (werror=enospc), and leaves it like that without a word. */
function diskFailure({ event, data }: QmpEvent): string | undefined {
  const { action, operation, reason, ...of } = (data ?? {}) as Readonly<Record<string, unknown>>;
  if (event !== 'BLOCK_IO_ERROR' || action !== 'stop') return undefined;
  return `QEMU could not ${operation} ${of['node-name']} of the machine: ${reason}`;
}

/** What a process has read and written (proc_pid_io(5)); 0 when nobody may know. */
async function bytesMoved(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
  return [...text.matchAll(/^[rw]char: (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

const commandLineKey = 'io.systemd.stub.kernel-cmdline-extra=';
const commandLineStrings = (words: readonly string[]): string[] =>
  words.length === 0 ? [] : [`${commandLineKey}${words.join(' ')}`];
const isNoCommandLine = (text: string): boolean => !text.startsWith(commandLineKey);

async function newHardware(emulator: Emulator, workspace: string, options: MachineOptions): Promise<Hardware> {
  const disks: HardwareDisk[] = [];
  for (const [index, disk] of (options.disks ?? []).entries()) {
    const image = { ...disk, file: resolve(disk.file) };
    const overlay = join(workspace, `disk${index}.qcow2`);
    if (disk.readOnly !== true) {
      await createOverlay(emulator, overlay, image);
    }
    disks.push({
      file: disk.readOnly === true ? image.file : overlay,
      format: disk.readOnly === true ? (disk.format ?? 'raw') : 'qcow2',
      readOnly: disk.readOnly === true,
      ...(disk.serial === undefined ? {} : { serial: disk.serial }),
      ...(disk.writeLog === undefined ? {} : { writeLog: resolve(disk.writeLog) }),
      ...(disk.bus === undefined ? {} : { bus: disk.bus }),
      ...(disk.bootIndex === undefined ? {} : { bootIndex: disk.bootIndex }),
    });
  }
  const variables = join(workspace, 'variables.qcow2');
  await qemuImg(emulator, ['convert', '-q', '-f', 'raw', '-O', 'qcow2', emulator.firmwareVars, variables]);
  return {
    name: options.name ?? 'atoll',
    memoryMiB: options.memoryMiB ?? 512,
    cpus: options.cpus ?? 2,
    firmware: options.firmware ?? 'uefi',
    variables,
    disks,
    nic: options.nic ?? 'user',
    ...(options.nicModel === undefined ? {} : { nicModel: options.nicModel }),
    forwards: options.forwards ?? [],
    hostPorts: options.hostPorts ?? {},
    guestForwards: options.guestForwards ?? {},
    ...(options.lan === undefined ? {} : { lan: { mac: options.lan.mac } }),
    smbios: [...commandLineStrings(options.kernelArguments ?? []), ...(options.smbios ?? [])],
    fwCfg: options.fwCfg ?? {},
    extra: options.extraArguments ?? [],
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  };
}

/** The saved hardware with files of its own, whose untouched parts are the saved ones'. */
async function copiedHardware(
  emulator: Emulator,
  { directory, hardware }: SavedMachine,
  workspace: string,
  { forwards = hardware.forwards, hostPorts = {} }: Pick<MachineOptions, 'forwards' | 'hostPorts'>,
): Promise<Hardware> {
  const own = async (file: string, name: string): Promise<string> => {
    const overlay = join(workspace, name);
    await createOverlay(emulator, overlay, { file: resolve(directory, file), format: 'qcow2' });
    return overlay;
  };
  const disks: HardwareDisk[] = [];
  for (const [index, disk] of hardware.disks.entries())
    disks.push({ ...disk, file: disk.readOnly ? disk.file : await own(disk.file, `disk${index}.qcow2`) });
  return { ...hardware, forwards, hostPorts, disks, variables: await own(hardware.variables, 'variables.qcow2') };
}
