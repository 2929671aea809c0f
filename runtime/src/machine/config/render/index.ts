/** A checked configuration as data: what to write, run and tell the kernel (types.ts). Looks at nothing but its arguments. */
import { renderNetwork } from '../network/index.ts';
import type { Configuration } from '../schema.ts';
import { renderAtoll } from '../sections/atoll.ts';
import { nothingRendered, type Rendered } from '../types.ts';
import { renderAccess } from './access.ts';
import { renderFiles } from './files.ts';
import { renderIdentity, textFile } from './identity.ts';
import { renderMachine } from './machine.ts';

/** cloud-init's NoCloud wants an instance-id; without one, it is the same for ever. */
export const defaultInstanceId = 'iid-atoll';

export interface RenderResult {
  readonly rendered: Rendered;
  readonly instanceId: string;
  /** Absolute paths of programs that an image may not have. */
  readonly programs: readonly string[];
}

export function render({ userData, metaData, network }: Configuration): RenderResult {
  const instanceId = metaData['instance-id'] ?? defaultInstanceId;
  const { programs = [], ...net } = network === undefined ? {} : renderNetwork(network);
  const parts: readonly Partial<Rendered>[] = [
    renderIdentity(userData, metaData),
    renderAccess(userData, metaData),
    renderMachine(userData.machine ?? {}),
    net,
    ...(userData.atoll === undefined ? [] : [renderAtoll(userData.atoll)]),
    // Last: a person's own files are stronger.
    renderFiles(userData, instanceId),
  ];
  const all: Rendered = {
    ...Object.assign({}, nothingRendered, ...parts),
    files: parts.flatMap(part => part.files ?? []),
    sysctls: Object.assign({}, ...parts.map(part => part.sysctls ?? {})) as Record<string, string>,
    modules: [...new Set(parts.flatMap(part => part.modules ?? []))],
    bootcmd: parts.flatMap(part => part.bootcmd ?? []),
    runcmd: parts.flatMap(part => part.runcmd ?? []),
    diskSetup: parts.flatMap(part => part.diskSetup ?? []),
  };
  const sysctls = Object.entries(all.sysctls).map(([name, value]) => `${name} = ${value}\n`);
  const generated = [
    ...(sysctls.length > 0 ? [textFile('/etc/sysctl.d/90-config.conf', sysctls.join(''))] : []),
    ...(all.modules.length > 0 ? [textFile('/etc/modules-load.d/50-config.conf', `${all.modules.join('\n')}\n`)] : []),
  ];
  return { rendered: { ...all, files: [...generated, ...all.files] }, instanceId, programs };
}
