/** `metadata`: what clients may say, what the server owns (upstream: `rest.BeforeCreate`, `rest.BeforeUpdate`). */
import { randomUUID } from 'node:crypto';
import type { ObjectMeta } from '../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { KubeObject } from '../api/object.ts';
import type { ResourceInfo } from '../api/resources.ts';
import { badRequest } from '../api/status.ts';

/** No vowels and no digits that look like letters, so that random names never spell words (as upstream). */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const RANDOM_LENGTH = 5;
const MAX_GENERATED_BASE = 63 - RANDOM_LENGTH;

export function generateName(base: string): string {
  // The first 48 bits of a random UUID are random (RFC 9562), and Node keeps a stock of them; `randomBytes` asks the system each time.
  const digits = randomUUID().replace('-', '');
  let name = base.slice(0, MAX_GENERATED_BASE);
  for (let at = 0; at < RANDOM_LENGTH; at++)
    name += ALPHABET[Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16) % ALPHABET.length];
  return name;
}

let lastSecond = Number.NaN;
let lastText = '';

/** Times in the API have whole seconds. Most are the present one, which is put into words once. */
export function timestamp(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toISOString().replace('.000Z', 'Z');
    lastSecond = second;
  }
  return lastText;
}

/** `metadata.namespace` from the path, or a 400 where both speak and differ. */
export function settleNamespace(object: KubeObject, resource: ResourceInfo, namespace: string): void {
  if (!resource.namespaced) {
    if (object.metadata.namespace !== undefined && object.metadata.namespace !== '') {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
    delete object.metadata.namespace;
    return;
  }
  if (namespace === '') throw badRequest('an empty namespace may not be set during creation');
  const given = object.metadata.namespace ?? '';
  if (given !== '' && given !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  object.metadata.namespace = namespace;
}

/** The name in the object must be that on the URL. @throws StatusError 400 */
export function checkName(object: KubeObject, name: string): void {
  const given = object.metadata.name ?? '';
  if (given === '') {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
}

/** An owner named twice is named once, with a warning. @param afterAdmission whether others may have added it */
export function dedupeOwners({ metadata }: KubeObject, warnings: string[], afterAdmission: boolean): void {
  const owners = metadata.ownerReferences;
  if (owners === undefined || owners.length < 2) return;
  const seen = new Set<string>();
  const repeated: string[] = [];
  const kept = owners.filter(owner => {
    const form = JSON.stringify(Object.entries(owner).sort(([a], [b]) => (a < b ? -1 : 1)));
    if (!seen.has(form)) return seen.add(form);
    repeated.push(owner.uid);
    return false;
  });
  if (repeated.length === 0) return;
  metadata.ownerReferences = kept;
  const when = afterAdmission ? ' after mutating admission happens' : '';
  warnings.push(
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(', ')}`,
  );
}

/** Sets what the server owns on a new object; `managedFields` are `managedFields/track.ts`'s. */
export function settleNewMetadata(object: KubeObject, nowMs: number): void {
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.resourceVersion;
  delete metadata.selfLink;
  delete metadata.generation;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp(nowMs);
}

/** Carries over what no update may change. */
export function settleUpdatedMetadata(object: KubeObject, old: KubeObject): void {
  const { metadata } = object;
  const owned = ['creationTimestamp', 'uid', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation'] as const;
  for (const field of owned) copyField(metadata, old.metadata, field);
  delete metadata.selfLink;
  if (old.metadata.generateName !== undefined && metadata.generateName === undefined) {
    metadata.generateName = old.metadata.generateName;
  }
}

function copyField<K extends keyof ObjectMeta>(to: ObjectMeta, from: ObjectMeta, field: K): void {
  const value = from[field];
  if (value === undefined) delete to[field];
  else to[field] = value;
}
