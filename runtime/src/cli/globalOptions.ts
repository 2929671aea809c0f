/** Options before the command: on which node it is to be done, and who asks. */
import { UsageError } from './command.ts';

export interface GlobalOptions {
  /** Through the cluster, on this node; undefined: here. */
  readonly node: string | undefined;
  readonly kubeconfig: string | undefined;
  /** The command and what is behind it. */
  readonly rest: readonly string[];
}

const names = ['node', 'kubeconfig'] as const;

/** @throws UsageError for an option without its value, and for --kubeconfig that nobody would read */
export function globalOptions(argv: readonly string[]): GlobalOptions {
  const given: { node?: string; kubeconfig?: string } = {};
  let at = 0;
  for (; at < argv.length; at++) {
    const [, name = '', attached] = /^--([a-z]+)(?:=([\s\S]*))?$/.exec(argv[at] ?? '') ?? [];
    const known = names.find(option => option === name);
    if (known === undefined) break;
    const value = attached ?? argv[++at];
    if (value === undefined || value === '') throw new UsageError(`--${known} needs a value before the command`);
    given[known] = value;
  }
  if (given.kubeconfig !== undefined && given.node === undefined)
    throw new UsageError('--kubeconfig before the command goes with --node; give it after the command');
  return { node: given.node, kubeconfig: given.kubeconfig, rest: argv.slice(at) };
}
