/** What the server keeps of every CustomResourceDefinition: names, versions, state. Schemas are read when they are needed. */
import { compareVersions } from '../../api/discovery.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import type { KubeObject } from '../../api/object.ts';

export const DEFINITIONS_PREFIX = '/registry/apiextensions.k8s.io/customresourcedefinitions/';

export type StoredDefinition = CustomResourceDefinition & KubeObject;

export interface DefinedVersion {
  readonly name: string;
  readonly served: boolean;
  readonly hasStatus: boolean;
  readonly hasScale: boolean;
  /** For a `Warning` header of every answer; empty: the version is not deprecated. */
  readonly warning: string;
}

export interface Definition {
  /** `crontabs.stable.example.com` */
  readonly name: string;
  readonly uid: string;
  /** Grows with every change of the spec. */
  readonly generation: number;
  readonly group: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly versions: readonly DefinedVersion[];
  /** The version objects are stored in. */
  readonly storage: string;
  readonly established: boolean;
  readonly terminating: boolean;
  /** Of this state of the definition. */
  readonly revision: number;
}

const SCHEMA = Buffer.from('"openAPIV3Schema":{');

/** Without the schemas, which are nearly all of it: what stands between their braces is skipped, not parsed. */
export function withoutSchemas(value: Buffer): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = value.indexOf(SCHEMA); at >= 0; at = value.indexOf(SCHEMA, at)) {
    const open = at + SCHEMA.length - 1;
    // Within a text (an annotation) the quote would be escaped.
    if (value[at - 1] === 0x5c) {
      at = open;
      continue;
    }
    parts.push(value.toString('utf8', from, open), '{}');
    from = endOfObject(value, open);
    at = from;
  }
  return parts.join('') + value.toString('utf8', from);
}

/** The index after the object that begins at `start`. */
function endOfObject(value: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < value.length; at++) {
    const byte = value[at];
    if (byte === 0x22) at = endOfText(value, at);
    else if (byte === 0x7b) depth++;
    else if (byte === 0x7d && --depth === 0) return at + 1;
  }
  return value.length;
}

/** The index of the quote that closes the text; descriptions are long, so it is looked for natively. */
function endOfText(value: Buffer, start: number): number {
  for (let end = value.indexOf(0x22, start + 1); end >= 0; end = value.indexOf(0x22, end + 1)) {
    let backslashes = 0;
    while (value[end - 1 - backslashes] === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return value.length;
}

export function readDefinition(value: Buffer, revision: number): Definition {
  return definitionOf(JSON.parse(withoutSchemas(value)) as StoredDefinition, revision);
}

function definitionOf({ metadata, spec, status }: StoredDefinition, revision: number): Definition {
  const holds = (type: string): boolean =>
    status?.conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false;
  const names = { ...spec.names, ...status?.acceptedNames };
  return {
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    generation: metadata.generation ?? 1,
    group: spec.group,
    plural: spec.names.plural,
    singular: names.singular ?? spec.names.kind.toLowerCase(),
    kind: names.kind,
    listKind: names.listKind ?? `${names.kind}List`,
    shortNames: status?.acceptedNames?.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: spec.scope === 'Namespaced',
    versions: spec.versions.map(version => ({
      name: version.name,
      served: version.served,
      hasStatus: version.subresources?.status !== undefined,
      hasScale: version.subresources?.scale !== undefined,
      warning: version.deprecated ? (version.deprecationWarning ?? deprecationOf(version, spec)) : '',
    })),
    storage: spec.versions.find(({ storage }) => storage)?.name ?? '',
    established: holds('Established'),
    terminating: holds('Terminating'),
    revision,
  };
}

function deprecationOf(
  { name }: CustomResourceDefinitionVersion,
  { group, names, versions }: CustomResourceDefinition['spec'],
): string {
  const said = `${group}/${name} ${names.kind} is deprecated`;
  const [newest] = versions
    .filter(version => version.served && !version.deprecated && compareVersions(version.name, name) < 0)
    .map(version => version.name)
    .sort(compareVersions);
  return newest === undefined ? said : `${said}; use ${group}/${newest} ${names.kind}`;
}
