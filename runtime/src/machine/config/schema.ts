/** The whole of what a configuration may say: each document's shape and rules. */

import { type NetworkDocument, networkRules, networkShape } from './network/index.ts';
import { accountRules } from './sections/accountRules.ts';
import { atollRules, atollShape } from './sections/atoll.ts';
import { cloudInitFields } from './sections/cloudInit.ts';
import { cloudInitRules } from './sections/cloudInitRules.ts';
import { unsupportedCloudInit } from './sections/cloudInitUnsupported.ts';
import { diskRules } from './sections/diskRules.ts';
import { machineRules, machineShape } from './sections/machine.ts';
import { type MetaData, metaDataShape } from './sections/metaData.ts';
import { togetherRules, togetherShape } from './sections/together.ts';
import { field, type Infer, mapping, type Shape } from './shape.ts';
import type { DocumentName, Rule } from './types.ts';

const served = mapping({
  ...cloudInitFields,
  atoll: field(atollShape, "the cluster: K3s' options"),
  machine: field(machineShape, 'the kernel and the board'),
});
/** `user-data`, checked. */
export type UserData = Infer<typeof served>;

export const userDataShape: Shape<UserData> = {
  kind: 'mapping',
  fields: { ...(served.kind === 'mapping' ? served.fields : {}), ...unsupportedCloudInit },
};

/** A configuration that is right: every value alone, and all together. */
export interface Configuration {
  readonly userData: UserData;
  readonly metaData: MetaData;
  /** Absent: every wired interface asks DHCP, as the image has it. */
  readonly network?: NetworkDocument;
}

export const documentShapes: Readonly<Record<DocumentName, Shape>> = {
  'user-data': userDataShape,
  'meta-data': metaDataShape,
  'network-config': networkShape,
};

/** Rules of a part of a document; `path` leads to what they look at, and they are left out where it is absent. */
export interface Part<T = never> {
  readonly document: DocumentName;
  readonly path: readonly string[];
  /** What the rules look at; keys of the document besides it are none of theirs. */
  readonly shape: Shape;
  readonly rules: readonly Rule<T>[];
}

const part = <T>(
  document: DocumentName,
  path: readonly string[],
  shape: Shape<T>,
  rules: readonly Rule<T>[],
): Part => ({ document, path, shape, rules: rules as readonly Rule<never>[] });

export const parts: readonly Part[] = [
  part('user-data', [], mapping(cloudInitFields), [...cloudInitRules, ...accountRules, ...diskRules]),
  part('user-data', ['atoll'], atollShape, atollRules),
  part('user-data', ['machine'], machineShape, machineRules),
  part('user-data', [], togetherShape, togetherRules),
  part('network-config', [], networkShape, networkRules),
];
