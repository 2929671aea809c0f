/** From parsed Go packages to the schema table: every type named by its OpenAPI definition name, every field resolved. */
import type { FieldSchema, KindSchema, PackageSchema, TypeSchema } from '../src/api/schema/model.ts';
import type { GoField, GoPackage, GoStruct } from './goTypes.ts';
import type { ApiPackage } from './packages.ts';

export interface ParsedPackage {
  readonly api: ApiPackage;
  readonly go: GoPackage;
}

/** Go types that have a wire form of their own; the schema names them, codecs know them. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  'k8s.io/apimachinery/pkg/apis/meta/v1.Time': 'Time',
  'k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime': 'MicroTime',
  'k8s.io/apimachinery/pkg/apis/meta/v1.Duration': 'Duration',
  'k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1': 'FieldsV1',
  'k8s.io/apimachinery/pkg/util/intstr.IntOrString': 'IntOrString',
  'k8s.io/apimachinery/pkg/api/resource.Quantity': 'Quantity',
  'k8s.io/apimachinery/pkg/runtime.RawExtension': 'RawExtension',
  'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON': 'JSON',
  'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool': 'JSONSchemaPropsOrBool',
  'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray': 'JSONSchemaPropsOrArray',
  'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray':
    'JSONSchemaPropsOrStringArray',
};

const SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'boolean',
  int: 'int64',
  int32: 'int32',
  int64: 'int64',
  uint8: 'int32',
  float64: 'double',
  'interface{}': 'JSON',
  'types.UID': 'string',
  'types.NodeName': 'string',
};

interface Resolved {
  /** See {@link FieldSchema.type}. */
  readonly type: string;
  readonly enum?: readonly string[];
  /** A named slice is a message of its own on the protobuf wire: `Verbs`, `ExtraValue`. */
  readonly wrapped?: true;
}

export function buildSchemas(parsed: readonly ParsedPackage[]): PackageSchema[] {
  const byPath = new Map(parsed.map(p => [p.api.importPath, p]));

  function resolve(goType: string, from: ParsedPackage, where: string): Resolved {
    const bare = goType.replace(/^\*/, '');
    if (bare === '[]byte') return { type: 'bytes' };
    if (bare.startsWith('[]')) {
      const item = resolve(bare.slice(2), from, where);
      return { ...item, type: `[]${item.wrapped ? `${item.type}!` : item.type}` };
    }
    const map = /^map\[[\w.]+\](.+)$/.exec(bare);
    if (map) {
      const value = resolve(map[1] ?? '', from, where);
      return { type: `{}${value.wrapped ? `${value.type}!` : value.type}` };
    }
    const scalar = SCALARS[bare];
    if (scalar) return { type: scalar };
    const [alias, name] = bare.includes('.') ? (bare.split('.') as [string, string]) : [undefined, bare];
    const importPath = alias === undefined ? from.api.importPath : (from.go.imports[alias] ?? '');
    const known = WELL_KNOWN[`${importPath}.${name}`];
    if (known) return { type: known };
    const owner = byPath.get(importPath);
    if (!owner)
      throw new Error(`${where}: type ${goType} is of ${importPath || alias}, which is not among the API packages`);
    if (owner.go.structs.some(s => s.name === name)) return { type: `${owner.api.openapi}.${name}` };
    const named = owner.go.named.find(n => n.name === name);
    if (!named) throw new Error(`${where}: type ${goType} is not declared in ${importPath}`);
    const target = resolve(named.goType, owner, where);
    const values = owner.go.constants[name];
    if (named.markers.includes('enum') && values) return { type: target.type, enum: values };
    return named.goType.startsWith('[]') ? { ...target, wrapped: true } : target;
  }

  function field(f: GoField, owner: ParsedPackage, where: string): FieldSchema | undefined {
    const [jsonName = '', ...options] = (f.tags.json ?? '').split(',');
    const inline = options.includes('inline');
    if (jsonName === '-' || (jsonName === '' && !inline)) return undefined;
    // The wire kind in the tag is not to be trusted (booleans tagged `bytes`); the Go type decides it.
    const [, number, label] = (f.tags.protobuf ?? '').split(',');
    const resolved = resolve(f.goType, owner, where);
    const marker = (name: string): string | undefined =>
      f.markers.find(m => m.startsWith(`${name}=`))?.slice(name.length + 1);
    const keys = f.markers.filter(m => m.startsWith('listMapKey=')).map(m => m.slice('listMapKey='.length));
    const optional =
      f.markers.some(m => m === 'optional' || m === 'k8s:optional') ||
      options.includes('omitempty') ||
      options.includes('omitzero');
    const required = f.markers.includes('required') || f.markers.includes('k8s:required');
    const defaultText = marker('default');
    const listType = marker('listType') ?? marker('k8s:listType');
    const patch = f.tags.patchStrategy;
    return {
      name: inline ? '' : jsonName,
      number: number === undefined || number === '' ? 0 : Number(number),
      // A named slice tagged `rep` is a plain repeated field (ValidationRules).
      type: resolved.wrapped && label !== 'rep' ? `${resolved.type}!` : resolved.type,
      ...(inline ? { inline: true as const, goName: f.goName } : {}),
      ...(optional && !required ? { optional: true as const } : {}),
      ...(options.includes('omitempty') || options.includes('omitzero') ? { omitEmpty: true as const } : {}),
      ...(options.includes('omitzero') ? { omitZero: true as const } : {}),
      ...(f.goType.startsWith('*') ? { pointer: true as const } : {}),
      ...(listType ? { listType: listType as 'map' | 'set' | 'atomic' } : {}),
      ...(keys.length > 0 ? { listMapKeys: keys } : {}),
      ...(marker('mapType') || marker('structType')
        ? { mapType: (marker('mapType') ?? marker('structType')) as 'atomic' | 'granular' }
        : {}),
      ...(patch ? { patchStrategy: patch } : {}),
      ...(f.tags.patchMergeKey ? { patchMergeKey: f.tags.patchMergeKey } : {}),
      ...(defaultText !== undefined ? { default: parseDefault(defaultText) } : {}),
      ...(resolved.enum ? { enum: resolved.enum } : {}),
      ...(f.doc.length > 0 ? { description: prose(f.doc) } : {}),
    };
  }

  /** What `+genclient` markers say of a kind: scope, verbs, subresources. */
  function kind(s: GoStruct, api: ApiPackage): KindSchema | undefined {
    if (api.group === undefined || api.version === undefined || !s.markers.includes('genclient')) return undefined;
    const subresources = s.markers
      .map(m => /^genclient:method=\w+,verb=\w+,subresource=([\w/]+)/.exec(m)?.[1])
      .filter((name): name is string => name !== undefined);
    const list = (name: string): string[] =>
      s.markers
        .find(m => m.startsWith(`genclient:${name}=`))
        ?.split('=')[1]
        ?.split(',') ?? [];
    const hasStatus =
      s.fields.some(f => f.tags.json?.startsWith('status') === true) && !s.markers.includes('genclient:noStatus');
    const only = list('onlyVerbs');
    return {
      group: api.group,
      version: api.version,
      kind: s.name,
      namespaced: !s.markers.includes('genclient:nonNamespaced'),
      ...(s.markers.includes('genclient:noVerbs') ? { noVerbs: true as const } : {}),
      ...(only.length > 0 ? { onlyVerbs: only } : {}),
      ...(list('skipVerbs').length > 0 ? { skipVerbs: list('skipVerbs') } : {}),
      subresources: [...new Set([...(hasStatus ? ['status'] : []), ...subresources])],
    };
  }

  return parsed.map(owner => {
    const types: Record<string, TypeSchema> = {};
    for (const s of owner.go.structs) {
      if (WELL_KNOWN[`${owner.api.importPath}.${s.name}`]) continue;
      const fields = s.fields
        .map(f => field(f, owner, `${owner.api.importPath}.${s.name}.${f.goName}`))
        .filter((f): f is FieldSchema => f !== undefined);
      const isObject = s.fields.some(f => f.goName === 'TypeMeta');
      const found = kind(s, owner.api);
      types[s.name] = {
        ...(s.doc.length > 0 ? { description: prose(s.doc) } : {}),
        ...(isObject && owner.api.version !== undefined ? { topLevel: true as const } : {}),
        ...(s.markers.some(m => m === 'structType=atomic' || m === 'mapType=atomic') ? { atomic: true as const } : {}),
        ...(found ? { kind: found } : {}),
        fields,
      };
    }
    return {
      name: owner.api.openapi,
      ...(owner.api.group !== undefined ? { group: owner.api.group } : {}),
      ...(owner.api.version !== undefined ? { version: owner.api.version } : {}),
      types,
    };
  });
}

/** Markers' defaults are JSON, or `ref(CONSTANT)` which only the source can resolve and is left to the kind's module. */
function parseDefault(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One paragraph a blank line; lines of a paragraph joined, as Kubernetes' OpenAPI descriptions are. */
function prose(lines: readonly string[]): string {
  const out: string[] = [];
  let joined = '';
  for (const line of lines) {
    const text = line.trimEnd();
    if (text === '') {
      if (joined !== '') out.push(joined);
      out.push('');
      joined = '';
    } else if (/^\s/.test(text) || /^[-*] /.test(text)) {
      if (joined !== '') out.push(joined);
      out.push(text);
      joined = '';
    } else {
      joined = joined === '' ? text.trim() : `${joined} ${text.trim()}`;
    }
  }
  if (joined !== '') out.push(joined);
  return out.join('\n').trim();
}
