/** The objects in a manifest: YAML documents or JSON, lists taken apart. Pure. */
import { isAlias, parseAllDocuments, visit } from 'yaml';
import type { ApiObject } from '../../client/resources.ts';

export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** What a manifest may be: the API takes no larger objects, and there are a few in a file. */
const MAX_BYTES = 16 * 1024 * 1024;

/** @throws ManifestError with the line */
export function objectsOf(text: string): ApiObject[] {
  if (text.length > MAX_BYTES) throw new ManifestError(`is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
  // Go's YAML reads yes and no as the first version of YAML did.
  const documents = parseAllDocuments(text, { version: '1.1', prettyErrors: true, uniqueKeys: true });
  const objects: ApiObject[] = [];
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors;
    if (error) throw new ManifestError(error.message.split('\n')[0]?.replace(/:$/, '') ?? 'is no YAML');
    let aliases = 0;
    visit(document, node => {
      if (isAlias(node)) aliases++;
    });
    // A few short lines can mean more than fits into memory.
    if (aliases > 100) throw new ManifestError('has more than 100 aliases');
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value !== null && value !== undefined) objects.push(...flat(value));
  }
  return objects;
}

function flat(value: unknown): ApiObject[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ManifestError('holds something that is no object of Kubernetes');
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) return items.flatMap(flat);
  const object = value as Partial<ApiObject>;
  if (typeof object.apiVersion !== 'string' || typeof object.kind !== 'string')
    throw new ManifestError('holds an object without apiVersion and kind');
  if (typeof object.metadata?.name !== 'string')
    throw new ManifestError(`holds a ${object.kind} without metadata.name`);
  return [value as ApiObject];
}
