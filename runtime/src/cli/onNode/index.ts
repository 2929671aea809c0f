/** `atoll --node NAME COMMAND`: on another machine of the cluster, through its API server, as whoever the kubeconfig says. */
import { Client } from '../../client/client.ts';
import { httpTransport } from '../../client/http.ts';
import { release } from '../../machine/release.ts';
import { type CommandContext, UsageError } from '../command.ts';
import { kubeconfigPath, readKubeconfig } from '../kubeconfigFile.ts';
import { NodeClient } from './nodeClient.ts';

type OnNode = (node: NodeClient, context: CommandContext) => Promise<number>;

/** What can be done so, by the command's name. */
const commands: Readonly<Record<string, OnNode>> = {
  upgrade: async (...of) => (await import('./upgrade.ts')).upgradeOnNode(...of),
  rollback: async (...of) => (await import('./upgrade.ts')).rollbackOnNode(...of),
  status: async (...of) => (await import('./looking.ts')).statusOnNode(...of),
  logs: async (...of) => (await import('./looking.ts')).logsOnNode(...of),
  reset: async (...of) => (await import('./looking.ts')).resetOnNode(...of),
};

export interface OnNodeOptions {
  readonly node: string;
  readonly kubeconfig: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @throws UsageError for a command that works on its own machine only */
export async function onNode(command: string, context: CommandContext, options: OnNodeOptions): Promise<number> {
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (!run)
    throw new UsageError(
      `atoll ${command} works on its own machine only; through --node: ${Object.keys(commands).join(', ')}`,
    );
  const transport = httpTransport(readKubeconfig(kubeconfigPath(options.kubeconfig, options.env)));
  try {
    const client = new Client(transport, { userAgent: `atoll/${release().version}` });
    return await run(new NodeClient(client, options.node), context);
  } finally {
    transport.close();
  }
}
