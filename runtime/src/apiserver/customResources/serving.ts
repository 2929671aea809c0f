/**
 * The compiled form of one definition: what its versions demand of objects, and how objects go between the store and a version.
 *
 * Always true: immutable but for what is made at first use; of one state of the definition's spec.
 */
import type { TypeView } from '../../api/apply/types.ts';
import type { Converter } from '../../api/apply/updater.ts';
import type { KindModule } from '../../api/kinds/kind.ts';
import type { KubeObject } from '../../api/object.ts';
import type { ResourceInfo } from '../../api/resources.ts';
import { objectView } from '../../api/structural/applyView.ts';
import { compileSchema } from '../../api/structural/compile.ts';
import { applyDefaults } from '../../api/structural/defaults.ts';
import { copyJson, type Structural } from '../../api/structural/model.ts';
import { dropNulls, prune } from '../../api/structural/prune.ts';
import type { Definition, StoredDefinition } from './definition.ts';
import { customKind } from './kind.ts';

export interface ServingOptions {
  readonly definition: Definition;
  readonly schemaRevision: number;
  readonly retired: AbortSignal;
  /** The definition as it is stored. */
  readonly value: Buffer;
  /** Whether it is being deleted by now: that is no change of the spec. */
  readonly isTerminating: () => boolean;
}

type Version = StoredDefinition['spec']['versions'][number];

/** What a schema without a word says: anything goes. */
const anything = compileSchema({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });

export class Serving {
  readonly definition: Definition;
  readonly schemaRevision: number;
  readonly retired: AbortSignal;
  readonly isTerminating: () => boolean;
  readonly #schemas = new Map<string, Structural>();
  readonly #versions = new Map<string, Version>();
  readonly #resources = new Map<string, ResourceInfo>();
  readonly #views = new Map<string, TypeView>();

  constructor({ definition, schemaRevision, retired, value, isTerminating }: ServingOptions) {
    this.definition = definition;
    this.schemaRevision = schemaRevision;
    this.retired = retired;
    this.isTerminating = isTerminating;
    const { spec } = JSON.parse(value.toString('utf8')) as StoredDefinition;
    for (const version of spec.versions) {
      const schema = version.schema?.openAPIV3Schema;
      this.#schemas.set(version.name, schema ? compileSchema(schema) : anything);
      // The text of the schema is no longer needed, and is most of a definition.
      const { schema: _schema, ...rest } = version;
      this.#versions.set(version.name, rest);
    }
  }

  get storage(): string {
    return this.definition.storage;
  }

  schemaOf(version: string): Structural {
    return this.#schemas.get(version) ?? anything;
  }

  apiVersionOf(version: string): string {
    return `${this.definition.group}/${version}`;
  }

  /** The resource in a version, with the rules of its kind. */
  resourceOf(resource: ResourceInfo): ResourceInfo & { readonly module: KindModule } {
    const known = this.#resources.get(resource.version);
    if (known?.module && known.verbs === resource.verbs) return known as ResourceInfo & { readonly module: KindModule };
    const module = customKind(this, resource, this.#versions.get(resource.version));
    const made = { ...resource, module, types: this.#types };
    this.#resources.set(resource.version, made);
    return made;
  }

  /** Types of all versions, for server-side apply. */
  readonly #types: Converter = {
    viewOf: apiVersion => {
      const known = this.#views.get(apiVersion);
      if (known) return known;
      const [group = '', version = ''] = apiVersion.split('/');
      const schema = group === this.definition.group ? this.#schemas.get(version) : undefined;
      if (!schema) return undefined;
      const view = objectView(schema);
      this.#views.set(apiVersion, view);
      return view;
    },
    convert: (value, from, to) => {
      if (from === to) return value;
      const object = copyJson(value) as KubeObject;
      object.apiVersion = to;
      prune(object, this.schemaOf(to.slice(to.indexOf('/') + 1)), true);
      return object;
    },
  };

  /** In place: as the schema of its version wants it, where it lacks or exceeds that. */
  complete(object: KubeObject, version: string): void {
    const schema = this.schemaOf(version);
    prune(object, schema, true);
    dropNulls(object, schema);
    applyDefaults(object, schema);
  }

  /** In place: an object as it is stored, in the version asked for. Only `apiVersion` differs (conversion strategy None). */
  toVersion(object: KubeObject, version: string): void {
    const stored = object.apiVersion.slice(object.apiVersion.indexOf('/') + 1);
    this.complete(object, this.#schemas.has(stored) ? stored : version);
    if (stored === version) return;
    object.apiVersion = this.apiVersionOf(version);
    prune(object, this.schemaOf(version), true);
  }

  /** In place: an object in some version, as it is to be stored. */
  toStorage(object: KubeObject): void {
    object.apiVersion = this.apiVersionOf(this.storage);
    this.complete(object, this.storage);
  }
}
