/** What the nodes of a run are told by its user: read, and judged as the node will, before anything is booted. */
import { readFile } from 'node:fs/promises';
import { validated } from '../../../builder/src/configuration.ts';
import { BuildError } from '../../../builder/src/errors.ts';
import type { SourceDocuments } from '../../../runtime/src/machine/config/types.ts';
import { clusterPlan } from './plan.ts';

/** One `-fw_cfg` argument: the kernel takes 128 KiB. */
const mostBytes = 100 * 1024;

/**
 * @param nodes how many there are: what is ours (names, roles, addresses) may complete what the user says, and wins against it
 * @throws BuildError USAGE for a file that cannot be read, CONFIGURATION_INVALID for one that the nodes would refuse
 */
export async function readUserData(
  file: string,
  nodes: number,
): Promise<{ readonly text: string; readonly warnings: readonly string[] }> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new BuildError('USAGE', `--user-data: ${file} cannot be read`, {
      hint: 'Give a file in cloud-init’s form.',
      cause,
    });
  });
  if (bytes.length > mostBytes)
    throw new BuildError('USAGE', `--user-data: ${file} has more than ${mostBytes} bytes`, {
      hint: 'Have the nodes fetch what is large.',
    });
  const users: SourceDocuments = { source: 'fw_cfg', location: file, documents: { 'user-data': bytes } };
  const warnings = toldTo(nodes).flatMap(({ node, ours }) => validated([...ours, users], node, 'Nothing was booted.'));
  return { text: bytes.toString('utf8'), warnings: [...new Set(warnings)] };
}

/** What each kind of node hears besides: nothing when it is alone. Agents hear all the same, but for names and addresses. */
function toldTo(nodes: number): { readonly node: string; readonly ours: readonly SourceDocuments[] }[] {
  if (nodes === 1) return [{ node: 'the node', ours: [] }];
  return clusterPlan(2, 'token').map(({ name, documents: texts }) => {
    const documents = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text)]));
    return { node: name, ours: [{ source: 'smbios', location: `the plan of ${name}`, documents }] };
  });
}
