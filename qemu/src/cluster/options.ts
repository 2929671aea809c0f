/** What `atoll-builder run` and `stop` are told on the command line. */
import { join, resolve } from 'node:path';
import { parseOptions, usage } from '../../../builder/src/options.ts';
import { repositoryRoot } from '../../../builder/src/paths.ts';

export interface PortForward {
  /** Undefined: QEMU chooses one. */
  readonly host: number | undefined;
  readonly guest: number;
}

export interface RunOptions {
  /** An image's name, or a path of a .raw, .qcow2 or .zst. */
  readonly image: string;
  readonly name: string;
  readonly ports: readonly PortForward[];
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Undefined: 8, or what the image has, if that is more. */
  readonly diskGiB: number | undefined;
  readonly nodes: number;
  readonly userData?: string;
  /** Absolute; default in {@link directory}. */
  readonly kubeconfig?: string;
  /** A name, or a path with a `/`. */
  readonly snapshot?: string;
  readonly timeoutMs: number;
  readonly detach: boolean;
  /** Shows the server's console. */
  readonly console: boolean;
  /** Program and arguments to run once the cluster is Ready; it is stopped then. */
  readonly command?: readonly [string, ...string[]];
  /** Where built images are. */
  readonly out: string;
}

/** Of a node, unless its image is larger. */
export const usualDiskGiB = 8;

export const runHelp = `  run [IMAGE]     boot a built image, or a .raw, .qcow2 or .zst, until it is Ready; Ctrl-C stops it
    -p HOST:GUEST   forward a TCP port of 127.0.0.1 to the first node; GUEST alone: any free port
    --nodes N       a server and N-1 agents on a network of their own (default 1)
    --memory MiB    of each node (default 1024); --cpus N (default 2)
    --disk GiB      of each node (default 8, or what the image has)
    --user-data F   the nodes' configuration (docs/first-boot.md)
    --snapshot S    a name or a folder: continue what is kept there; else boot, and keep it there
    --kubeconfig F  where the kubeconfig is written (default <out>/run/<name>/kubeconfig)
    --name NAME     what stop calls it (default IMAGE)
    --timeout SEC   how long the boot may take (default 900)
    --console       show the console; it is always kept in <out>/run/<name>/
    --detach        return when it is Ready
    --run CMD…      run CMD with KUBECONFIG set, stop, exit as it did; takes the rest of the line
  stop [NAME]     stop what run --detach has started
`;

const options = {
  port: { type: 'string', short: 'p', multiple: true, default: [] as string[] },
  memory: { type: 'string', default: '1024' },
  cpus: { type: 'string', default: '2' },
  disk: { type: 'string' },
  nodes: { type: 'string', default: '1' },
  'user-data': { type: 'string' },
  kubeconfig: { type: 'string' },
  snapshot: { type: 'string' },
  timeout: { type: 'string', default: '900' },
  name: { type: 'string' },
  out: { type: 'string', default: join(repositoryRoot, 'out') },
  detach: { type: 'boolean', short: 'd', default: false },
  console: { type: 'boolean', default: false },
} as const;

function whole(name: string, word: string, least: number, most: number): number {
  if (/^\d{1,7}$/.test(word) && Number(word) >= least && Number(word) <= most) return Number(word);
  throw usage(`--${name} is ${word}`, `It takes a whole number from ${least} to ${most}.`);
}

function portForward(word: string): PortForward {
  const [, host, guest] = /^(?:(\d{1,5}):)?(\d{1,5})$/.exec(word) ?? [];
  const isPort = (text: string): boolean => Number(text) >= 1 && Number(text) <= 65_535;
  if (guest === undefined || !isPort(guest) || (host !== undefined && !isPort(host)))
    throw usage(`-p is ${word}`, 'It takes HOST:GUEST, as 8080:30080, or GUEST alone; ports are 1 to 65535.');
  return { host: host === undefined ? undefined : Number(host), guest: Number(guest) };
}

function distinct(ports: readonly PortForward[]): readonly PortForward[] {
  for (const side of ['host', 'guest'] as const) {
    const seen = new Set<number>();
    for (const port of ports.map(forward => forward[side])) {
      if (port === undefined) continue;
      if (seen.has(port)) throw usage(`port ${port} of the ${side} is forwarded twice`, 'Give each port once.');
      seen.add(port);
    }
  }
  return ports;
}

/** What a run is called when nobody says: the image's name without folder and endings. */
export const nameOf = (image: string): string =>
  (image.split('/').at(-1) ?? image).replace(/(\.(raw|qcow2|img|zst))+$/, '');

/**
 * @param argv what follows `run`
 * @throws BuildError USAGE
 */
export function parseRun(argv: readonly string[], defaultImage: string): RunOptions {
  const at = argv.indexOf('--run');
  const [own, command] = at < 0 ? [argv, undefined] : [argv.slice(0, at), argv.slice(at + 1)];
  const { values, positionals } = parseOptions(own, options);
  const [program, ...words] = command ?? [];
  if (command !== undefined && program === undefined)
    throw usage('--run needs a command', 'As --run kubectl get nodes.');
  if (positionals.length > 1)
    throw usage(`run does not know what to do with ${positionals.slice(1).join(' ')}`, 'See --help.');
  if (program !== undefined && values.detach)
    throw usage('--detach and --run exclude each other', 'With --run the cluster ends with the command.');
  const image = positionals[0] ?? defaultImage;
  const name = values.name ?? nameOf(image);
  if (!/^[A-Za-z0-9][\w.-]{0,62}$/.test(name))
    throw usage(`--name is ${name}`, 'It takes letters, digits, dots, dashes and underscores.');
  if (values.snapshot !== undefined && /^\.{0,2}$/.test(values.snapshot))
    throw usage(
      `--snapshot is ${values.snapshot || 'empty'}`,
      'It takes a name, as ci, or a folder with a /, as ./ready.',
    );
  return {
    image,
    name,
    ports: distinct(values.port.map(portForward)),
    memoryMiB: whole('memory', values.memory, 256, 1_048_576),
    cpus: whole('cpus', values.cpus, 1, 255),
    diskGiB: values.disk === undefined ? undefined : whole('disk', values.disk, 4, 16_384),
    nodes: whole('nodes', values.nodes, 1, 100),
    ...(values['user-data'] === undefined ? {} : { userData: resolve(values['user-data']) }),
    ...(values.kubeconfig === undefined ? {} : { kubeconfig: resolve(values.kubeconfig) }),
    ...(values.snapshot === undefined ? {} : { snapshot: values.snapshot }),
    timeoutMs: 1000 * whole('timeout', values.timeout, 1, 86_400),
    detach: values.detach,
    console: values.console,
    ...(program === undefined ? {} : { command: [program, ...words] as const }),
    out: resolve(values.out),
  };
}

/** @param argv what follows `stop` */
export function parseStop(argv: readonly string[]): { readonly name: string | undefined; readonly out: string } {
  const { values, positionals } = parseOptions(argv, options);
  if (positionals.length > 1) throw usage('stop takes one name', 'See --help.');
  return { name: positionals[0], out: resolve(values.out) };
}
