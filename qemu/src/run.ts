/**
 * `make run`: builds the image, boots it, waits until the node is Ready, runs a pod, shows it all as a table. On a terminal the
 * machine stays up until Ctrl-C; otherwise it is stopped and the status is 0.
 *
 *   node --import tsx qemu/src/run.ts [image] [--memory MiB] [--cpus N] [--console]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { loadDefinition } from '../../builder/src/definition/load.ts';
import { BuildError, describeError } from '../../builder/src/errors.ts';
import { type ArtefactPaths, artefactPaths, repositoryRoot } from '../../builder/src/paths.ts';
import { builtMachine, machineFor } from './artefact.ts';
import { demoPod } from './demo.ts';
import { AtollNode } from './node.ts';
import { megabytes, seconds, table } from './table.ts';

interface RunOptions {
  readonly image: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly showConsole: boolean;
}

const diskBytes = 8 * 1024 ** 3;
const podTimeoutSeconds = 120;
const kubeconfigFile = join(repositoryRoot, 'out', 'kubeconfig');
const consoleLog = join(repositoryRoot, 'out', 'console.log');

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function options(argv: readonly string[]): RunOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      memory: { type: 'string', default: '1024' },
      cpus: { type: 'string', default: '2' },
      console: { type: 'boolean', default: false },
    },
  });
  const count = (name: 'memory' | 'cpus'): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) {
      throw new Error(`--${name} is '${values[name]}': it takes a whole number from 1`);
    }
    return value;
  };
  return {
    image: positionals[0] ?? 'vm-x86_64',
    memoryMiB: count('memory'),
    cpus: count('cpus'),
    showConsole: values.console,
  };
}

/** Runs the builder as its own command, with its own progress on our terminal. */
async function build(image: string): Promise<ArtefactPaths> {
  const builder = join(repositoryRoot, 'builder/src/cli.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', builder, 'build', image], {
    stdio: 'inherit',
    cwd: repositoryRoot,
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) {
    throw new Error(`the image ${image} was not built; the reason stands above`);
  }
  return artefactPaths(image);
}

/** Starts the demo pod and waits for its first words. */
async function runPod(node: AtollNode): Promise<{ phase: string; firstLine: string }> {
  await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoPod });
  const timeoutSeconds = podTimeoutSeconds * node.machine.emulator.platform.patience;
  const wait = ['wait', '--for=condition=Ready', 'pod/hello', `--timeout=${timeoutSeconds}s`];
  await node.kubectlOutput(wait, { timeoutMs: (timeoutSeconds + 10) * 1000 });
  const phase = await node.kubectlOutput(['get', 'pod', 'hello', '-o', 'jsonpath={.status.phase}']);
  const log = await node.kubectlOutput(['logs', 'hello']);
  return { phase, firstLine: log.split('\n')[0] ?? '' };
}

async function run({ image, memoryMiB, cpus, showConsole }: RunOptions): Promise<void> {
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)));
  }
  const { image: definition } = await loadDefinition(image);
  // What cannot be booted here is not built first.
  machineFor({ ...definition, image, boot: definition.boot.method });
  const buildStart = performance.now();
  const artefacts = await build(image);
  const built = performance.now() - buildStart;
  stopped.signal.throwIfAborted();
  await mkdir(join(repositoryRoot, 'out'), { recursive: true });
  await rm(consoleLog, { force: true });

  const { raw, ...hardware } = await builtMachine(image);
  const powerOn = performance.now();
  await using node = await AtollNode.start({
    name: image,
    ...hardware,
    disks: [{ file: raw, sizeBytes: diskBytes }],
    memoryMiB,
    cpus,
    consoleLog,
    ...(showConsole ? { onConsole: (raw: Buffer) => process.stdout.write(raw) } : {}),
  });
  const { accelerator, emulator } = node.machine;
  const with_ = `${accelerator.name.toUpperCase()}, ${cpus} CPU, ${memoryMiB} MiB`;
  say(`\nBooting in QEMU (${emulator.origin}; ${with_}; ${accelerator.reason})`);
  say(`Console: ${relative(process.cwd(), consoleLog)}`);
  const interrupted = once(stopped.signal, 'abort').then(() => Promise.reject(stopped.signal.reason));
  interrupted.catch(() => {});
  const name = await Promise.race([node.ready(), interrupted]);
  const ready = performance.now() - powerOn;
  say(`Node ${name} is Ready; starting a pod`);
  const podStart = performance.now();
  const pod = await Promise.race([runPod(node), interrupted]);
  const podTook = performance.now() - podStart;
  const kubeconfig = await node.machine.kubeconfig({ timeoutMs: 1000 });
  await writeFile(kubeconfigFile, kubeconfig, { mode: 0o600 });

  const compressed = await stat(artefacts.compressed).catch(() => undefined);
  const { blocks } = await stat(artefacts.raw);
  const size =
    compressed === undefined ? `${megabytes(blocks * 512)} on disk` : `${megabytes(compressed.size)} compressed`;
  say('');
  say(
    table([
      ['Image', `${image}: ${size}, built in ${seconds(built)}`],
      ['Booted', `QEMU, ${with_}`],
      ['Node', `${name}, Ready after ${seconds(ready)}`],
      ['Pod', `hello, ${pod.phase} after ${seconds(podTook)}`],
      ['It says', pod.firstLine],
    ]),
  );
  say(`export KUBECONFIG=${kubeconfigFile}    # then: kubectl get pods -A\n`);
  if (process.stdout.isTTY !== true) {
    say('Not on a terminal, so the machine is stopped now; on one it stays up.');
    return;
  }
  say('The machine stays up until Ctrl-C.');
  await Promise.race([interrupted.catch(() => {}), node.machine.ended]);
  say('\nStopping the machine.');
}

run(options(process.argv.slice(2))).catch((error: unknown) => {
  process.stderr.write(
    `\nmake run: ${error instanceof Error && !(error instanceof BuildError) ? error.message : describeError(error)}\n`,
  );
  process.exitCode = 1;
});
