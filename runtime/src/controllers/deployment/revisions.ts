/**
 * A Deployment's revisions are its ReplicaSets: which one has the template of now, what number it has, what it carries
 * over from the Deployment; pure. Annotations and their meaning are upstream's, `kubectl rollout` reads them.
 */
import type { Deployment, ReplicaSet } from '../../api/generated/types/apps.v1.ts';
import type { PodTemplateSpec } from '../../api/generated/types/core.v1.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';
export const TEMPLATE_HASH = 'pod-template-hash';

/** Belong to one object alone and are not carried over. */
const OWN_ANNOTATIONS = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);

/** A value's text in one form: keys sorted; what Go would read as unset (null, empty lists) left out. */
export function stableText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableText).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined && field !== null && !(Array.isArray(field) && field.length === 0))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${stableText(field)}`).join()}}`;
}

/** Letters and digits without vowels, so that no name becomes a word. */
const SAFE = 'bcdfghjklmnpqrstvwxz2456789';

/** A short name for a template: 32-bit FNV-1a over its text and the collision count. */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${stableText(template)}#${collisionCount ?? ''}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return [...String(hash)].map(digit => SAFE[digit.charCodeAt(0) % SAFE.length]).join('');
}

/** Equal but for the hash label that the controller adds. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return textWithoutHash(a) === textWithoutHash(b);
}

function textWithoutHash(template: PodTemplateSpec | undefined): string {
  const { [TEMPLATE_HASH]: _, ...labels } = template?.metadata?.labels ?? {};
  // The server may or may not write an empty metadata and creationTimestamp null.
  const { labels: __, creationTimestamp: ___, ...metadata } = template?.metadata ?? {};
  return stableText({ metadata: { ...metadata, labels }, spec: template?.spec ?? {} });
}

const created = (set: ReplicaSet): string => `${set.metadata.creationTimestamp ?? ''}/${set.metadata.name ?? ''}`;
export const byCreation = (a: ReplicaSet, b: ReplicaSet): number => (created(a) < created(b) ? -1 : 1);

/** The oldest ReplicaSet with the Deployment's template. */
export function newSetOf(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets.filter(set => sameTemplate(set.spec?.template, deployment.spec?.template)).sort(byCreation)[0];
}

export function revisionOf(set: ReplicaSet | Deployment): number {
  const revision = Number(set.metadata.annotations?.[REVISION] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

export const maxRevision = (sets: readonly ReplicaSet[]): number => Math.max(0, ...sets.map(revisionOf));

/** The annotations of the new ReplicaSet: the Deployment's, the revision, and those it had before. */
export function annotationsFor(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  revision: number,
  desired: number,
  max: number,
): Record<string, string> {
  const old = set?.metadata.annotations ?? {};
  const annotations: Record<string, string> = { ...old };
  for (const [name, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!OWN_ANNOTATIONS.has(name)) annotations[name] = value;
  }
  const oldRevision = Number(old[REVISION] ?? 0);
  if (oldRevision < revision) {
    annotations[REVISION] = String(revision);
    if (oldRevision > 0) {
      const history = old[REVISION_HISTORY];
      annotations[REVISION_HISTORY] = history ? `${history},${oldRevision}` : String(oldRevision);
    }
  }
  annotations[DESIRED_REPLICAS] = String(desired);
  annotations[MAX_REPLICAS] = String(max);
  return annotations;
}

/** Old ReplicaSets beyond the history limit, oldest first; only what is empty, settled and not being deleted. */
export function beyondHistory(deployment: Deployment, oldSets: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10;
  const alive = oldSets.filter(set => !set.metadata.deletionTimestamp);
  return alive
    .sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
    .slice(0, Math.max(0, alive.length - limit))
    .filter(
      set =>
        (set.spec?.replicas ?? 0) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0),
    );
}
