/**
 * Everything that can be asked for: the built-in resources, and those that CustomResourceDefinitions define.
 *
 * Invariants:
 * - once {@link Catalog.ready} has resolved, the catalog is as the definitions were at the store's newest durable revision: a write of
 *   a definition is known here before it is answered;
 * - of a definition only names and state are kept; its schemas are read and compiled when the first request needs them, and let go
 *   when the definition changes or many others have been used since;
 * - {@link Catalog.generation} grows with every change of what is served;
 * - what is not served any more is told to {@link Catalog.onGone}, after it has gone from here.
 */
import { setMaxListeners } from 'node:events';
import { findResource, type ResourceInfo, resources } from '../../api/resources.ts';
import type { Logger } from '../../lib/log.ts';
import type { Store } from '../../store/store.ts';
import { type Followed, follow } from '../follow.ts';
import { DEFINITIONS_PREFIX, type DefinedVersion, type Definition, readDefinition } from './definition.ts';
import type { Serving } from './serving.ts';

const ALL = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
/** While the definition is being deleted its objects only go. */
const LEAVING = ['delete', 'deletecollection', 'get', 'list', 'watch'];
const GET_UPDATE = ['get', 'patch', 'update'];
const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale', definition: 'io.k8s.api.autoscaling.v1.Scale' };

/** Definitions whose compiled schemas are kept at once. */
const MAX_SERVING = 100;

export interface CustomResource {
  readonly definition: Definition;
  readonly version: DefinedVersion;
  readonly resource: ResourceInfo;
}

interface Entry {
  readonly definition: Definition;
  /** Objects written after this revision are in the form the present schemas give them. */
  readonly schemaRevision: number;
  /** By version. */
  readonly served: ReadonlyMap<string, CustomResource>;
  /** Aborted when the spec changes or the definition goes: watches end, their clients list again. */
  readonly retired: AbortController;
  serving: Promise<Serving> | undefined;
}

export class Catalog {
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #followed: Followed;
  readonly #entries = new Map<string, Entry>();
  /** Whose schemas are compiled, in the order of their last use. */
  readonly #used = new Set<Entry>();
  #latest: Entry | undefined;
  #loaded = false;
  #generation = 0;
  #resources: readonly ResourceInfo[] | undefined;
  readonly #gone: ((resource: ResourceInfo) => void)[] = [];

  constructor(store: Store, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
    this.#followed = follow(store, DEFINITIONS_PREFIX, {
      reset: () => {
        this.#retire();
        this.#entries.clear();
        this.#used.clear();
        this.#latest = undefined;
        this.#changed();
      },
      put: (key, value, revision) => this.#put(key, value, revision),
      remove: key => this.#remove(key),
    });
  }

  get generation(): number {
    return this.#generation;
  }

  /** @param listener is told of every version of a custom resource that nobody can ask for any more. */
  onGone(listener: (resource: ResourceInfo) => void): void {
    this.#gone.push(listener);
  }

  async ready(): Promise<void> {
    await this.#followed.ready();
    this.#loaded = true;
  }

  close(): void {
    this.#followed.close();
    this.#retire();
  }

  /** Undefined: nobody serves this; {@link custom} resources must be {@link ready} for it to be sure. */
  find(group: string, version: string, resource: string): ResourceInfo | undefined {
    return findResource(group, version, resource) ?? this.custom(group, version, resource)?.resource;
  }

  custom(group: string, version: string, resource: string): CustomResource | undefined {
    return this.#entries.get(`${resource}.${group}`)?.served.get(version);
  }

  /** Everything, as discovery tells it. */
  resources(): readonly ResourceInfo[] {
    this.#resources ??= [
      ...resources,
      ...[...this.#entries.values()].flatMap(({ definition, served }) =>
        [...served.values()]
          .filter(({ version }) => version.served)
          .map(({ resource }) => (definition.terminating ? { ...resource, verbs: LEAVING } : resource)),
      ),
    ];
    return this.#resources;
  }

  /** Definitions that serve this version of a group, by name. */
  definitionsOf(group: string, version: string): Definition[] {
    return [...this.#entries.values()]
      .filter(({ definition, served }) => definition.group === group && served.get(version)?.version.served)
      .map(({ definition }) => definition)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get isLoaded(): boolean {
    return this.#loaded;
  }

  /** The compiled schemas of a definition. @throws Error when the definition has gone since it was looked up. */
  serving({ name }: Definition): Promise<Serving> {
    const entry = this.#entries.get(name);
    if (!entry) return Promise.reject(new Error(`the definition ${name} is not there any more`));
    if (this.#latest !== entry) this.#use(entry);
    entry.serving ??= this.#load(entry);
    return entry.serving;
  }

  /** The one used last is the last in the set; of too many, the first goes. */
  #use(entry: Entry): void {
    this.#latest = entry;
    this.#used.delete(entry);
    this.#used.add(entry);
    if (this.#used.size <= MAX_SERVING) return;
    const [oldest] = this.#used;
    if (!oldest) return;
    oldest.serving = undefined;
    this.#used.delete(oldest);
  }

  async #load(entry: Entry): Promise<Serving> {
    const { definition, schemaRevision, retired } = entry;
    try {
      const [{ Serving }, found] = await Promise.all([
        import('./serving.ts'),
        this.#store.get(DEFINITIONS_PREFIX + definition.name),
      ]);
      if (!found) throw new Error(`the definition ${definition.name} is not there any more`);
      const isTerminating = (): boolean => this.#entries.get(definition.name)?.definition.terminating ?? true;
      return new Serving({ definition, schemaRevision, retired: retired.signal, value: found.value, isTerminating });
    } catch (error) {
      entry.serving = undefined;
      throw error;
    }
  }

  #retire(): void {
    for (const { retired } of this.#entries.values()) retired.abort();
  }

  #put(key: string, value: Buffer, revision: number): void {
    let definition: Definition;
    try {
      definition = readDefinition(value, revision);
    } catch (error) {
      this.#logger.error(
        { err: error, key },
        'a CustomResourceDefinition cannot be read: what it defines is not served',
      );
      this.#remove(key);
      return;
    }
    const old = this.#entries.get(definition.name);
    const isSame = old?.definition.uid === definition.uid && old.definition.generation === definition.generation;
    if (old) this.#forget(old);
    if (!isSame) old?.retired.abort();
    const entry: Entry = {
      definition,
      schemaRevision: isSame ? old.schemaRevision : revision,
      served: servedOf(definition),
      retired: isSame ? old.retired : retirement(),
      serving: isSame ? old.serving : undefined,
    };
    this.#entries.set(definition.name, entry);
    if (entry.serving) this.#use(entry);
    this.#changed();
    if (old) this.#tellGone(old, entry);
  }

  #remove(key: string): void {
    const name = key.slice(DEFINITIONS_PREFIX.length);
    const old = this.#entries.get(name);
    if (!old) return;
    this.#forget(old);
    old.retired.abort();
    this.#entries.delete(name);
    this.#changed();
    this.#tellGone(old);
  }

  #tellGone(old: Entry, now?: Entry): void {
    for (const [version, { resource }] of old.served)
      if (!now?.served.has(version)) for (const listener of this.#gone) listener(resource);
  }

  #forget(entry: Entry): void {
    this.#used.delete(entry);
    if (this.#latest === entry) this.#latest = undefined;
  }

  #changed(): void {
    this.#generation++;
    this.#resources = undefined;
  }
}

/** As many watches as there are listen to it. */
function retirement(): AbortController {
  const retired = new AbortController();
  setMaxListeners(0, retired.signal);
  return retired;
}

/** While it is being deleted, a definition's storage version is there for its objects to go, whether it is served or not. */
function servedOf(definition: Definition): ReadonlyMap<string, CustomResource> {
  const { established, terminating, storage } = definition;
  if (!established) return new Map();
  return new Map(
    definition.versions
      .filter(({ name, served }) => served || (terminating && name === storage))
      .map(version => [version.name, { definition, version, resource: resourceOf(definition, version) }] as const),
  );
}

/** `com.example.stable.v1.CronTab` */
export const modelName = ({ group }: Definition, version: string, kind: string): string =>
  `${group.split('.').reverse().join('.')}.${version}.${kind}`;

function resourceOf(definition: Definition, version: DefinedVersion): ResourceInfo {
  const { group, kind } = definition;
  const own = { group, version: version.name, kind };
  const stored = definition.versions.find(({ name }) => name === definition.storage);
  return {
    ...own,
    resource: definition.plural,
    singular: definition.singular,
    listKind: definition.listKind,
    namespaced: definition.namespaced,
    shortNames: definition.shortNames,
    categories: definition.categories,
    verbs: version.served ? ALL : LEAVING,
    ...(stored?.served ? { storedIn: { group, version: stored.name } } : {}),
    subresources: [
      ...(version.hasScale ? [{ name: 'scale', ...SCALE, verbs: GET_UPDATE }] : []),
      ...(version.hasStatus ? [{ name: 'status', ...own, definition: undefined, verbs: GET_UPDATE }] : []),
    ],
    definition: modelName(definition, version.name, kind),
    listDefinition: modelName(definition, version.name, definition.listKind),
  };
}
