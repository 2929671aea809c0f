/**
 * What the store says of this very machine from before it was started again: that its node is Ready. Until the agent reports, nobody knows;
 * said so before the API answers its first request, so that a node that is still starting is not taken for one that runs.
 */
import type { Node, NodeSystemInfo } from '../../api/generated/types/core.v1.ts';
import type { Client } from '../../client/client.ts';
import { Nodes } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { conditionsOfSilent } from './health.ts';

/** `bootID` is another one each time the kernel starts: random(4), `/proc/sys/kernel/random/boot_id`. Empty where the machine does not say. */
export type BootIdentity = Pick<NodeSystemInfo, 'machineID' | 'bootID'>;

/** Whether the node's status is of this machine, and of an earlier start of it. */
export function isOfEarlierBoot({ status }: Node, { machineID, bootID }: BootIdentity): boolean {
  const info = status?.nodeInfo;
  return machineID !== '' && bootID !== '' && info?.machineID === machineID && info.bootID !== bootID;
}

/**
 * Takes back what an earlier boot of this machine said of its node: its conditions become Unknown.
 * @returns the names of the nodes, mostly one or none
 */
export async function forgetEarlierBoot(client: Client, boot: BootIdentity, nowMs: number): Promise<string[]> {
  const forgotten: string[] = [];
  for (const node of (await client.list(Nodes)).items) {
    const { name = '' } = node.metadata;
    const conditions = isOfEarlierBoot(node, boot) ? conditionsOfSilent(node, wireTime(nowMs)) : undefined;
    if (!conditions) continue;
    const message = 'The machine has been started again; its kubelet has not posted the status yet.';
    const status = { conditions: conditions.map(condition => ({ ...condition, message })) };
    await client.patch(Nodes, { name }, { status }, { type: 'strategic', subresource: 'status' });
    forgotten.push(name);
  }
  return forgotten;
}
