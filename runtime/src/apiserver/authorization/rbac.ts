/** Role-based access control: roles say what, bindings say who (https://kubernetes.io/docs/reference/access-authn-authz/rbac/). */
import type { PolicyRule, RoleRef } from '../../api/generated/types/rbac.v1.ts';
import type { User } from '../../lib/exchange.ts';
import { type Attributes, type Authorizer, type Decision, noOpinion } from './authorizer.ts';
import { type Binding, type Bindings, subjectOf } from './bindings.ts';
import { ruleAllows } from './rules.ts';

export interface UserRules {
  readonly rules: readonly PolicyRule[];
  /** Bindings to roles that are not there. */
  readonly errors: readonly string[];
}

export function rbacAuthorizer(bindings: Bindings): Authorizer {
  let ready = false;
  return {
    authorize(attributes) {
      if (ready) return decide(bindings, attributes);
      return bindings.ready().then(() => {
        ready = true;
        return decide(bindings, attributes);
      });
    },
  };
}

function decide(bindings: Bindings, attributes: Attributes): Decision {
  const { user, namespace } = attributes;
  let errors: string[] | undefined;
  for (const binding of bindings.of(user, namespace)) {
    const rules = bindings.rulesOf(binding.roleRef, binding.namespace);
    if (!rules) {
      errors ??= [];
      errors.push(missing(binding.roleRef));
      continue;
    }
    for (const rule of rules) if (ruleAllows(rule, attributes)) return new Allowed(binding, user);
  }
  return errors ? { opinion: 'none', reason: `RBAC: ${aggregate(errors)}` } : noOpinion;
}

/** Its reason is only put into words when somebody asks for it. */
class Allowed implements Decision {
  readonly opinion = 'allow';
  readonly #binding: Binding;
  readonly #user: User;

  constructor(binding: Binding, user: User) {
    this.#binding = binding;
    this.#user = user;
  }

  get reason(): string {
    const { name, namespace, roleRef } = this.#binding;
    const what = namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding';
    const place = namespace === '' ? name : `${name}/${namespace}`;
    const role = `${roleRef.kind} ${JSON.stringify(roleRef.name)}`;
    return `RBAC: allowed by ${what} ${JSON.stringify(place)} of ${role} to ${this.#subject()}`;
  }

  #subject(): string {
    const subject = subjectOf(this.#binding, this.#user);
    if (!subject) return '';
    const { kind, name } = subject;
    const shown = kind === 'ServiceAccount' ? `${name}/${subject.namespace || this.#binding.namespace}` : name;
    return `${kind} ${JSON.stringify(shown)}`;
  }
}

/** Everything a user may do in a namespace, and in the whole cluster; for `''` only the latter. */
export async function rulesFor(bindings: Bindings, user: User, namespace: string): Promise<UserRules> {
  await bindings.ready();
  const rules: PolicyRule[] = [];
  const errors: string[] = [];
  for (const binding of bindings.of(user, namespace)) {
    const found = bindings.rulesOf(binding.roleRef, binding.namespace);
    if (found) rules.push(...found);
    else errors.push(missing(binding.roleRef));
  }
  return { rules, errors };
}

const missing = ({ kind, name }: RoleRef): string =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`;

/** Several errors as Go prints them. */
export function aggregate(errors: readonly string[]): string {
  const distinct = [...new Set(errors)];
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`;
}
