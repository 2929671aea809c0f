/**
 * `kubectl apply`'s annotation, from the days before the server applied: kubectl's own server-side apply goes on where it left
 * off, and keeps it up to date for those who go back (upstream: `lastappliedmanager.go`, `lastappliedupdater.go`).
 */
import { compareTyped } from '../../api/apply/compare.ts';
import { difference, type FieldSet } from '../../api/apply/fieldSet.ts';
import { ownedFields } from '../../api/apply/ownedFields.ts';
import type { TypeView } from '../../api/apply/types.ts';
import { validateTyped } from '../../api/apply/validate.ts';
import type { KubeObject } from '../../api/object.ts';

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** All annotations together (upstream: `TotalAnnotationSizeLimitB`). */
const MAX_ANNOTATION_BYTES = 256 * 1024;

export const hasLastApplied = ({ metadata }: KubeObject): boolean =>
  (metadata.annotations?.[LAST_APPLIED] ?? '') !== '';

/** What `kubectl apply` has set and nobody has changed since: its server-side apply may take that over. Undefined: nothing. */
export function clientApplied(view: TypeView, live: KubeObject): FieldSet | undefined {
  try {
    const applied = JSON.parse(live.metadata.annotations?.[LAST_APPLIED] ?? '') as KubeObject;
    if (applied.apiVersion !== live.apiVersion) return undefined;
    validateTyped(view, applied, false);
    const { changed, removed } = compareTyped(view, applied, live);
    return difference(difference(ownedFields(view, applied), changed), removed);
  } catch {
    return undefined;
  }
}

/** The configuration as the annotation holds it: without the annotation itself, its fields sorted, a line. */
export function lastAppliedText(config: KubeObject): string {
  const { annotations } = config.metadata;
  const { [LAST_APPLIED]: _, ...kept } = annotations ?? {};
  const metadata = annotations === undefined ? config.metadata : { ...config.metadata, annotations: kept };
  return `${JSON.stringify(sorted({ ...config, metadata }))}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}

/** A new object with the annotation; without it where it would make them too large. */
export function withLastApplied(object: KubeObject, text: string): KubeObject {
  const { [LAST_APPLIED]: _, ...others } = object.metadata.annotations ?? {};
  const annotations = { ...others, [LAST_APPLIED]: text };
  let size = 0;
  for (const [name, value] of Object.entries(annotations)) size += Buffer.byteLength(name) + Buffer.byteLength(value);
  const kept = size > MAX_ANNOTATION_BYTES ? others : annotations;
  return { ...object, metadata: { ...object.metadata, annotations: kept } };
}
