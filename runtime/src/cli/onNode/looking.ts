/** `atoll --node NAME status`, `logs` and `reset`. */
import { type CommandContext, UsageError } from '../command.ts';
import { askedOf, shown } from '../logs.ts';
import { painted, plain, renderStatus } from '../statusPage.ts';
import type { MachineStatus } from '../statusReport.ts';
import type { NodeClient } from './nodeClient.ts';

export async function statusOnNode(node: NodeClient, { values, stdout }: CommandContext): Promise<number> {
  const found = await node.get<MachineStatus>('status');
  const json = (values.optional('output') ?? values.optional('o')) === 'json';
  const paint = process.stdout.isTTY && !process.env.NO_COLOR ? painted : plain;
  stdout(json ? `${JSON.stringify(found)}\n` : renderStatus(found, Date.now(), paint));
  return found.ready ? 0 : 1;
}

export async function logsOnNode(node: NodeClient, { values, rest, stdout }: CommandContext): Promise<number> {
  const { asked, json } = askedOf(values, rest);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) query.set(name, String(value));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  // Whoever reads (less, head) may have seen enough.
  process.stdout.on('error', () => stop.abort());
  try {
    for await (const line of node.lines(`logs?${query}`, stop.signal)) stdout(`${json ? line : shown(line)}\n`);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  return 0;
}

export async function resetOnNode(node: NodeClient, { values, stdout }: CommandContext): Promise<number> {
  for (const name of ['cancel', 'no-reboot'])
    if (values.has(name)) throw new UsageError(`atoll reset --${name} works on the machine only`);
  if (!values.has('yes'))
    throw new UsageError(
      `this erases everything on ${node.name}: atoll --node ${node.name} reset --yes erases without asking`,
    );
  const keepIdentity = values.has('keep-identity');
  const { message } = await node.post<{ readonly message: string }>('reset', {
    confirm: node.name,
    ...(keepIdentity ? { keepIdentity } : {}),
  });
  stdout(`${message}.\n`);
  return 0;
}
