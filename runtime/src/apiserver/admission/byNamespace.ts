/** The objects of a mirror by namespace, found once and kept until one of them changes. */
import type { KubeObject } from '../../api/object.ts';
import { namespaceOfKey } from '../keys.ts';
import type { Mirror } from '../mirror.ts';

/** Namespaces remembered, with and without such objects; of clusters that make and drop them by the thousand, not all. */
const MAX_REMEMBERED = 4096;

export class ByNamespace<T extends KubeObject> {
  readonly mirror: Mirror<T>;
  readonly #prefix: string;
  readonly #found = new Map<string, readonly T[]>();

  /** @param prefix the mirror's own: `/registry/core/limitranges/` */
  constructor(mirror: Mirror<T>, prefix: string) {
    this.mirror = mirror;
    this.#prefix = prefix;
    mirror.listen({
      changed: key => this.#found.delete(namespaceOfKey(key)),
      reset: () => this.#found.clear(),
    });
  }

  /** In the order of their names. Shared: nobody may change them. */
  of(namespace: string): readonly T[] {
    if (this.mirror.size === 0) return none;
    let found = this.#found.get(namespace);
    if (!found) {
      found = [...this.mirror.values(`${this.#prefix}${namespace}/`)].sort((a, b) =>
        (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1,
      );
      if (this.#found.size >= MAX_REMEMBERED) this.#found.clear();
      this.#found.set(namespace, found);
    }
    return found;
  }
}

const none: readonly never[] = [];
