/**
 * `atoll`: one file, started as the control plane, as the node, or by a person. Commands load what they need only when they
 * run: `atoll version` must not pay for a database.
 */

import { nearest } from '../lib/nearest.ts';
import { release } from '../machine/release.ts';
import { agentOptions } from './agentOptions.ts';
import { atRestCommands } from './atRestCommands.ts';
import { type Command, parseOptions, UsageError } from './command.ts';
import { configCommands } from './configCommands.ts';
import { type GlobalOptions, globalOptions } from './globalOptions.ts';
import { healthCommands } from './healthCommands.ts';
import { helpOf } from './help.ts';
import { machineCommands } from './machineCommands.ts';
import { alwaysSo, whyNot } from './serverElsewhere.ts';
import { serverNotes, serverOptions } from './serverOptions.ts';
import { upgradeCommands } from './upgradeCommands.ts';

const kubeconfig = {
  name: 'kubeconfig',
  value: 'FILE',
  summary: "the admin kubeconfig; default: this machine's own, where write-kubeconfig has it",
  env: 'KUBECONFIG',
} as const;
const dataDir = { name: 'data-dir', value: 'DIR', summary: 'where state is kept', default: '/var/lib/atoll' } as const;
const runDir = {
  name: 'run-dir',
  value: 'DIR',
  summary: 'where state of this boot is kept',
  default: '/run/atoll',
} as const;

const commands: readonly Command[] = [
  {
    name: 'server',
    summary: 'run the control plane: API server, scheduler, controllers',
    options: serverOptions(dataDir, runDir),
    notes: serverNotes,
    alwaysSo,
    whyNot,
    daemon: 'server',
    run: async context => (await import('./server.ts')).server(context),
  },
  {
    name: 'agent',
    summary: 'run the node: kubelet over containerd, networking',
    options: agentOptions(dataDir, runDir),
    daemon: 'agent',
    run: async context => (await import('./agent.ts')).agent(context),
  },
  {
    name: 'kubectl',
    summary: 'kubectl as the administrator of this cluster',
    options: [kubeconfig],
    passThrough: true,
    run: async context => (await import('./kubectl.ts')).kubectl(context),
  },
  {
    name: 'status',
    summary: 'what this machine is, how it does, and why it is not ready',
    options: [
      kubeconfig,
      dataDir,
      runDir,
      { name: 'output', value: 'json', summary: 'as JSON' },
      { name: 'o', value: 'json', summary: 'short for --output' },
    ],
    run: async context => (await import('./status.ts')).status(context),
  },
  ...configCommands,
  ...upgradeCommands,
  ...machineCommands(dataDir),
  ...healthCommands(dataDir, runDir),
  ...atRestCommands(dataDir, runDir),
  {
    name: 'version',
    summary: 'the versions in this image',
    options: [
      { name: 'output', value: 'json', summary: 'as JSON' },
      { name: 'o', value: 'json', summary: 'short for --output' },
    ],
    run: async context => (await import('./version.ts')).version(context),
  },
  {
    name: 'console',
    summary: 'the banner of the console, once',
    options: [runDir],
    run: async context => (await import('./console.ts')).consoleBanner(context),
  },
];

function help(): string {
  const width = Math.max(...commands.map(c => c.name.length));
  return `Atoll ${release().version}: a Kubernetes node from one image

  atoll COMMAND [OPTIONS]

${commands.map(c => `  ${c.name.padEnd(width)}  ${c.summary}`).join('\n')}

  atoll COMMAND --help lists a command's options.
  atoll --node NAME COMMAND does it on that node of the cluster: upgrade, rollback, status, logs, reset
    [--kubeconfig FILE]     who asks; KUBECONFIG, or this machine's own, when not given
`;
}

/** Those of a daemon begin with what its configuration file says. */
async function wordsOf(
  command: Command,
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  if (!command.daemon) return words;
  const daemons = commands.filter(({ daemon }) => daemon !== undefined);
  return (await import('./configFile.ts')).withConfigFile(command, daemons, words, env);
}

/** A daemon's wrong options are said where a person looks: nobody sees its standard error. */
async function sayOnConsole(daemon: Command['daemon'], words: readonly string[], error: Error): Promise<void> {
  if (!daemon) return;
  const { StateReporter } = await import('../machine/state.ts');
  const at = words.findIndex(word => word === '--run-dir' || word.startsWith('--run-dir='));
  const given = words[at]?.split('=')[1] ?? words[at + 1];
  try {
    new StateReporter((at < 0 ? undefined : given) ?? runDir.default, daemon).report('failed', error.message);
  } catch {
    // No such directory, or not ours: standard error has it.
  }
}

/** @returns the exit code: 0, 1 for a failure, 2 for a command that was not understood. */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const stdout = (text: string): void => void process.stdout.write(text);
  let given: GlobalOptions;
  try {
    given = globalOptions(argv);
  } catch (error) {
    process.stderr.write(`atoll: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  const [name, ...words] = given.rest;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    stdout(help());
    return 0;
  }
  if (name === '--version' || name === '-v') return main(['version'], env);
  try {
    const command = commands.find(c => c.name === name);
    if (!command) {
      const near = nearest(
        name,
        commands.map(c => c.name),
      );
      throw new UsageError(
        `unknown command "${name}"${near ? `; did you mean "atoll ${near}"?` : ''} (atoll help lists them)`,
      );
    }
    if (!command.passThrough && words.some(w => w === '--help' || w === '-h')) {
      stdout(helpOf(command, process.stdout.columns));
      return 0;
    }
    const { values, rest } = command.passThrough
      ? { ...parseOptions(command, [], env), rest: [...words] }
      : parseOptions(command, await wordsOf(command, words, env), env);
    if (!command.passThrough && command.usage === undefined && rest.length > 0)
      throw new UsageError(`atoll ${name} takes no arguments; "${rest[0]}" was given`);
    const { node, kubeconfig } = given;
    if (node === undefined) return await command.run({ values, rest, stdout });
    const { onNode } = await import('./onNode/index.ts');
    return await onNode(command.name, { values, rest, stdout }, { node, kubeconfig, env });
  } catch (error) {
    if (error instanceof UsageError) {
      await sayOnConsole(commands.find(c => c.name === name)?.daemon, words, error);
      process.stderr.write(`atoll: ${error.message}\n`);
      return 2;
    }
    const known =
      error instanceof Error &&
      // What a server answered is said to who asked.
      (error.name === 'ApiError' || ('hint' in error && typeof error.hint === 'string'));
    process.stderr.write(
      `atoll ${name}: ${error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error)}\n`,
    );
    if (known && 'hint' in error) process.stderr.write(`  ${String(error.hint)}\n`);
    return 1;
  }
}
