/**
 * Who owns which fields, and what an apply makes of an object (upstream: `merge.Updater`, KEP-555).
 *
 * Always true: managers' sets are never empty in an answer; a set is of the version its manager wrote in.
 */
import { type Comparison, compareTyped, isSame } from './compare.ts';
import { equalValues } from './equal.ts';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmptySet,
  pathsOf,
  union,
  withNamedFields,
} from './fieldSet.ts';
import { mergeTyped } from './merge.ts';
import { ownedFields } from './ownedFields.ts';
import { reconcileSet } from './reconcile.ts';
import { removeFields } from './remove.ts';
import type { TypeView } from './types.ts';

export interface Owned {
  readonly fields: FieldSet;
  /** `apps/v1` */
  readonly apiVersion: string;
  readonly applied: boolean;
}

/** By a text that names the manager; see `managedFields.ts` for the one Kubernetes makes. */
export type Managers = ReadonlyMap<string, Owned>;

/** A value in one of its versions. */
export interface Versioned {
  readonly apiVersion: string;
  readonly value: unknown;
}

export interface Converter {
  /** Undefined: there is no such version (any more). */
  viewOf(apiVersion: string): TypeView | undefined;
  /** Only between versions that {@link viewOf} knows. */
  convert(value: unknown, from: string, to: string): unknown;
}

/** What a resource resets on a write is nobody's: it leaves only what counts. */
export type Filter = (set: FieldSet, apiVersion: string) => FieldSet;

export interface Conflict {
  readonly manager: string;
  readonly path: readonly string[];
}

/** Others own what is to be changed, and it was not forced. */
export class ConflictError extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super(`conflicts with ${[...new Set(conflicts.map(c => c.manager))].sort().join(', ')}`);
    this.name = 'ConflictError';
    this.conflicts = conflicts;
  }
}

export class Updater {
  readonly #converter: Converter;
  readonly #filter: Filter;

  constructor(converter: Converter, filter: Filter = set => set) {
    this.#converter = converter;
    this.#filter = filter;
  }

  /**
   * After a create, update or patch: `manager` owns what has changed, nobody what has gone.
   *
   * @param live what is there; an object without fields where nothing is.
   * @throws TypedError for an object that is not of its type.
   */
  update(live: Versioned, next: Versioned, managers: Managers, manager: string): Managers {
    const { apiVersion } = next;
    const compared = this.#compare(live, next, apiVersion);
    if (!compared) throw new Error(`there is no version ${apiVersion}`);
    if (isSame(compared)) return managers;
    const updated = this.#takeOver(live, next, compared, this.#reconciled(managers), manager, true);
    const before = updated.get(manager);
    const fields = this.#filter(
      union(difference(before?.fields ?? emptySet, compared.removed), compared.changed),
      apiVersion,
    );
    if (isEmptySet(fields)) updated.delete(manager);
    else updated.set(manager, { fields, apiVersion, applied: false });
    return updated;
  }

  /**
   * Lays `config` over `live`, removes what the manager applied before and does not any more (and nobody else owns).
   *
   * @param managers as they are stored
   * @returns `object` undefined: nothing of it changes
   * @throws ConflictError unless forced; TypedError for an object that is not of its type.
   */
  apply(
    live: Versioned,
    config: Versioned,
    managers: Managers,
    manager: string,
    force: boolean,
  ): { readonly object: unknown; readonly managers: Managers } {
    const { apiVersion } = config;
    const view = this.#viewOf(apiVersion);
    const current = this.#converter.convert(live.value, live.apiVersion, apiVersion);
    const known = this.#reconciled(managers);
    const last = known.get(manager);
    const merged = mergeTyped(view, current, config.value);
    const fields = this.#filter(ownedFields(view, config.value), apiVersion);
    known.set(manager, { fields, apiVersion, applied: true });
    // Who applies all that he applied before lets go of nothing.
    const letsGo = last && (last.apiVersion !== apiVersion || !isEmptySet(difference(last.fields, fields)));
    const object = letsGo ? this.#pruned({ apiVersion, value: merged }, known, last) : merged;
    const next: Versioned = { apiVersion, value: object };
    const compared = this.#compare({ apiVersion, value: current }, next, apiVersion);
    if (!compared) throw new Error(`there is no version ${apiVersion}`);
    const updated = this.#takeOver(live, next, compared, known, manager, force);
    return { object: equalValues(current, object) ? undefined : object, managers: updated };
  }

  #viewOf(apiVersion: string): TypeView {
    const view = this.#converter.viewOf(apiVersion);
    if (!view) throw new Error(`there is no version ${apiVersion}`);
    return view;
  }

  #in(object: Versioned, apiVersion: string): unknown {
    return object.apiVersion === apiVersion
      ? object.value
      : this.#converter.convert(object.value, object.apiVersion, apiVersion);
  }

  /** Undefined: no such version. */
  #compare(live: Versioned, next: Versioned, apiVersion: string): Comparison | undefined {
    const view = this.#converter.viewOf(apiVersion);
    if (!view) return undefined;
    const compared = compareTyped(view, this.#in(live, apiVersion), this.#in(next, apiVersion));
    if (isSame(compared)) return compared;
    const changed = this.#filter(compared.changed, apiVersion);
    const removed = this.#filter(compared.removed, apiVersion);
    return { changed: isEmptySet(changed) ? emptySet : changed, removed: isEmptySet(removed) ? emptySet : removed };
  }

  #reconciled(managers: Managers): Map<string, Owned> {
    const known = new Map<string, Owned>();
    for (const [name, owned] of managers) {
      const view = this.#converter.viewOf(owned.apiVersion);
      if (!view) continue;
      const fields = reconcileSet(owned.fields, view);
      known.set(name, fields === owned.fields ? owned : { ...owned, fields });
    }
    return known;
  }

  /** What changes is no longer the others'. @throws ConflictError where that must be forced and is not. */
  #takeOver(
    live: Versioned,
    next: Versioned,
    compared: Comparison,
    managers: Managers,
    manager: string,
    force: boolean,
  ): Map<string, Owned> {
    const versions = new Map([[next.apiVersion, compared]]);
    const updated = new Map<string, Owned>();
    const conflicts: Conflict[] = [];
    for (const [name, owned] of managers) {
      if (name === manager) {
        updated.set(name, owned);
        continue;
      }
      const inVersion = versions.get(owned.apiVersion) ?? this.#compare(live, next, owned.apiVersion);
      if (!inVersion) continue;
      versions.set(owned.apiVersion, inVersion);
      const taken = intersection(owned.fields, inVersion.changed);
      if (!force && !isEmptySet(taken)) for (const path of pathsOf(taken)) conflicts.push({ manager: name, path });
      const fields = difference(difference(owned.fields, taken), inVersion.removed);
      if (!isEmptySet(fields)) updated.set(name, fields === owned.fields ? owned : { ...owned, fields });
    }
    if (conflicts.length > 0) throw new ConflictError(conflicts);
    const own = updated.get(manager);
    if (own && isEmptySet(own.fields)) updated.delete(manager);
    return updated;
  }

  /** Without what the manager applied last and now does not, where nobody else owns it. */
  #pruned(merged: Versioned, managers: Managers, last: Owned): unknown {
    const version = last.apiVersion;
    const view = this.#converter.viewOf(version);
    if (!view) return merged.value;
    const whole = this.#in(merged, version);
    const lastFields = withNamedFields(last.fields, view);
    let pruned: Versioned = { apiVersion: version, value: removeFields(view, whole, lastFields) };
    pruned = this.#withOwned({ apiVersion: version, value: whole }, pruned, managers);
    // What is removed must have been the manager's, not merely nobody's.
    const kept = withNamedFields(ownedFields(view, this.#in(pruned, version)), view);
    const all = withNamedFields(ownedFields(view, whole), view);
    const object = removeFields(view, whole, intersection(difference(all, kept), lastFields));
    return this.#in({ apiVersion: version, value: object }, merged.apiVersion);
  }

  /** Puts back what was pruned though somebody owns it, version by version; the pruned one's own first. */
  #withOwned(whole: Versioned, pruned: Versioned, managers: Managers): Versioned {
    const byVersion = new Map<string, FieldSet>();
    for (const { apiVersion, fields } of managers.values())
      byVersion.set(apiVersion, union(byVersion.get(apiVersion) ?? emptySet, fields));
    const versions = [...byVersion.keys()].sort(
      (a, b) => Number(b === pruned.apiVersion) - Number(a === pruned.apiVersion),
    );
    let current = pruned;
    for (const version of versions) {
      const view = this.#converter.viewOf(version);
      if (!view) continue;
      const object = this.#in(whole, version);
      const left = this.#in(current, version);
      const owned = withNamedFields(byVersion.get(version) ?? emptySet, view);
      const all = withNamedFields(ownedFields(view, object), view);
      const kept = withNamedFields(ownedFields(view, left), view);
      current = { apiVersion: version, value: removeFields(view, object, difference(all, union(kept, owned))) };
    }
    return current;
  }
}
