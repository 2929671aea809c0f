/**
 * `atoll`: one file, started as the control plane, as the node, or by a person. Commands load what they need only when they
 * run: `atoll version` must not pay for a database.
 */
import { release } from '../machine/release.ts';
import { atRestCommands } from './atRestCommands.ts';
import { type Command, nearest, parseOptions, UsageError } from './command.ts';
import { helpOf } from './help.ts';
import { alwaysSo, whyNot } from './serverElsewhere.ts';
import { serverNotes, serverOptions } from './serverOptions.ts';

const kubeconfig = {
  name: 'kubeconfig',
  value: 'FILE',
  summary: 'the admin kubeconfig',
  default: '/etc/atoll/atoll.yaml',
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
    run: async context => (await import('./server.ts')).server(context),
  },
  {
    name: 'agent',
    summary: 'run the node: kubelet over containerd, networking',
    options: [
      dataDir,
      runDir,
      {
        name: 'server',
        value: 'URL',
        summary: 'the control plane',
        default: 'https://127.0.0.1:6443',
        env: 'ATOLL_URL',
      },
      { name: 'token', value: 'TOKEN', summary: 'the token to join with', env: 'ATOLL_TOKEN' },
      {
        name: 'token-file',
        value: 'FILE',
        summary: 'the file that holds the token',
        default: '/var/lib/atoll/server/node-token',
      },
      {
        name: 'node-name',
        value: 'NAME',
        summary: "the node's name; the host name when not given",
        env: 'ATOLL_NODE_NAME',
      },
      { name: 'node-label', value: 'KEY=VALUE', summary: 'a label to register the node with', repeated: true },
      { name: 'node-taint', value: 'KEY=VALUE:EFFECT', summary: 'a taint to register the node with', repeated: true },
      {
        name: 'container-runtime-endpoint',
        value: 'SOCKET',
        summary: "containerd's socket",
        default: '/run/containerd/containerd.sock',
      },
      {
        name: 'images-dir',
        value: 'DIR',
        summary: 'container images to import and keep: images.tar and images.list',
        default: '/usr/lib/atoll',
      },
      {
        name: 'cgroup-driver',
        value: 'NAME',
        summary: 'systemd or cgroupfs, as containerd has it',
        default: 'systemd',
      },
      {
        name: 'cni-conf-dir',
        value: 'DIR',
        summary: 'where CNI configurations are written',
        default: '/etc/cni/net.d',
      },
    ],
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
`;
}

/** @returns the exit code: 0, 1 for a failure, 2 for a command that was not understood. */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const stdout = (text: string): void => void process.stdout.write(text);
  const [name, ...words] = argv;
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
      : parseOptions(command, words, env);
    if (!command.passThrough && command.usage === undefined && rest.length > 0)
      throw new UsageError(`atoll ${name} takes no arguments; "${rest[0]}" was given`);
    return await command.run({ values, rest, stdout });
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`atoll: ${error.message}\n`);
      return 2;
    }
    const known = error instanceof Error && 'hint' in error && typeof error.hint === 'string';
    process.stderr.write(
      `atoll ${name}: ${error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error)}\n`,
    );
    if (known) process.stderr.write(`  ${String(error.hint)}\n`);
    return 1;
  }
}
