/**
 * Roles and bindings, indexed by whom they name: what a request costs depends on its user, not on how many bindings there are.
 *
 * Invariants: begun when first asked; from then on it holds, as of the newest durable revision, for every binding its
 * subjects and the role it refers to, and for every role its rules. Objects themselves are not kept.
 */
import type { PolicyRule, RoleRef, Subject } from '../../api/generated/types/rbac.v1.ts';
import type { User } from '../../lib/exchange.ts';
import type { Store } from '../../store/store.ts';
import { type Followed, follow } from '../follow.ts';
import { nameOfKey, namespaceOfKey } from '../keys.ts';
import { deserialize } from '../serialized.ts';

const PREFIX = '/registry/rbac.authorization.k8s.io/';
const NO_RULES: readonly PolicyRule[] = [];

export interface Binding {
  readonly name: string;
  /** Empty for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly roleRef: RoleRef;
  readonly subjects: readonly Subject[];
}

/** One namespace's bindings (or the cluster's) by subject: `u:<user>`, `g:<group>`. */
type BySubject = Map<string, Set<Binding>>;

export class Bindings {
  readonly #followed: Followed;
  /** By namespace; the cluster's under the empty one. */
  readonly #scopes = new Map<string, BySubject>();
  readonly #bindings = new Map<string, Binding>();
  /** By `clusterroles/<name>` and `roles/<namespace>/<name>`. */
  readonly #rules = new Map<string, readonly PolicyRule[]>();

  constructor(store: Store) {
    this.#followed = follow(store, PREFIX, {
      reset: () => {
        this.#scopes.clear();
        this.#bindings.clear();
        this.#rules.clear();
      },
      put: (key, value, revision) => this.#put(key, value, revision),
      remove: key => this.#remove(key),
    });
  }

  ready(): Promise<void> {
    return this.#followed.ready();
  }

  close(): void {
    this.#followed.close();
  }

  /** Bindings of the namespace and of the cluster (those first) that name the user or one of its groups, each once. */
  *of(user: User, namespace: string): Generator<Binding> {
    yield* this.#in('', user);
    if (namespace !== '') yield* this.#in(namespace, user);
  }

  /** Undefined: there is no such role. */
  rulesOf({ kind, name }: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    return this.#rules.get(kind === 'ClusterRole' ? `clusterroles/${name}` : `roles/${namespace}/${name}`);
  }

  *#in(namespace: string, user: User): Generator<Binding> {
    const scope = this.#scopes.get(namespace);
    if (!scope) return;
    const own = scope.get(`u:${user.name}`);
    if (own) yield* own;
    const seen = own ? [own] : [];
    for (const group of user.groups) {
      const bindings = scope.get(`g:${group}`);
      if (!bindings) continue;
      for (const binding of bindings) if (!seen.some(set => set.has(binding))) yield binding;
      seen.push(bindings);
    }
  }

  #put(key: string, value: Buffer, revision: number): void {
    this.#remove(key);
    const place = key.slice(PREFIX.length);
    const object = deserialize(value, revision) as unknown as {
      readonly rules?: readonly PolicyRule[] | null;
      readonly subjects?: readonly Subject[];
      readonly roleRef?: RoleRef;
    };
    if (!place.includes('bindings/')) {
      this.#rules.set(place, object.rules ?? NO_RULES);
      return;
    }
    if (!object.roleRef) return;
    const namespace = place.startsWith('clusterrolebindings/') ? '' : namespaceOfKey(key);
    const binding = { name: nameOfKey(key), namespace, roleRef: object.roleRef, subjects: object.subjects ?? [] };
    this.#bindings.set(place, binding);
    const scope = this.#scopes.get(namespace) ?? new Map<string, Set<Binding>>();
    this.#scopes.set(namespace, scope);
    for (const subject of subjectKeys(binding)) {
      const named = scope.get(subject);
      if (named) named.add(binding);
      else scope.set(subject, new Set([binding]));
    }
  }

  #remove(key: string): void {
    const place = key.slice(PREFIX.length);
    this.#rules.delete(place);
    const binding = this.#bindings.get(place);
    if (!binding) return;
    this.#bindings.delete(place);
    const scope = this.#scopes.get(binding.namespace);
    if (!scope) return;
    for (const subject of subjectKeys(binding)) {
      const named = scope.get(subject);
      named?.delete(binding);
      if (named?.size === 0) scope.delete(subject);
    }
    if (scope.size === 0) this.#scopes.delete(binding.namespace);
  }
}

function subjectKeys({ subjects, namespace }: Binding): string[] {
  return subjects.map(subject => subjectKey(subject, namespace)).filter(key => key !== '');
}

/** @param namespace where the binding stands: a service account without a namespace is of that one. */
function subjectKey(subject: Subject, namespace: string): string {
  switch (subject.kind) {
    case 'User':
      return `u:${subject.name}`;
    case 'Group':
      return `g:${subject.name}`;
    case 'ServiceAccount': {
      const place = subject.namespace || namespace;
      return place === '' ? '' : `u:system:serviceaccount:${place}:${subject.name}`;
    }
    default:
      return '';
  }
}

/** The first subject of a binding that is this user. */
export function subjectOf({ subjects, namespace }: Binding, user: User): Subject | undefined {
  return subjects.find(subject => {
    const key = subjectKey(subject, namespace);
    return key === `u:${user.name}` || (key.startsWith('g:') && user.groups.includes(key.slice(2)));
  });
}
