/**
 * Admission: what must be true of a change besides its own validity
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/). First every plugin may change the
 * object, in order; then, on the final object, every plugin may refuse. The order is upstream's: `plugins.ts`.
 *
 * Always true: a request pays only for the plugins that its resource concerns. Which those are is found once for each kind
 * of request; a plugin with nothing to do answers without a promise, so that nothing is waited for.
 */
import type { KubeObject } from '../../api/object.ts';
import type { ResourceInfo } from '../../api/resources.ts';
import { forbidden, type StatusError } from '../../api/status.ts';
import type { User } from '../../lib/exchange.ts';
import type { Mirror } from '../mirror.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionAttributes {
  readonly operation: Operation;
  readonly user: User;
  readonly resource: ResourceInfo;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  /** Empty while a generated name is not known. */
  readonly name: string;
  /** As it will be stored; undefined for DELETE. Plugins may change it in `mutate`. */
  readonly object?: KubeObject;
  /** As it is; undefined for CREATE. */
  readonly old?: KubeObject;
  readonly dryRun: boolean;
  /** Texts for `Warning` headers, in order: plugins append theirs. */
  readonly warnings: string[];
  /** Tells the audit log, where there is one: `pod-security.kubernetes.io/audit-violations`, `would violate …`. */
  readonly annotate?: (key: string, value: string) => void;
  /** Set by a plugin that must know when the write is over, done or failed; may be called more than once. */
  onSettled?: () => void;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Whether such requests concern it; asked once for each kind of request and remembered. Default: all do. */
  handles?(operation: Operation, resource: ResourceInfo, subresource: string): boolean;
  mutate?(attributes: AdmissionAttributes): void | Promise<void>;
  /** @throws StatusError when the change is refused. */
  validate?(attributes: AdmissionAttributes): void | Promise<void>;
}

export interface Admission {
  mutate(attributes: AdmissionAttributes): void | Promise<void>;
  validate(attributes: AdmissionAttributes): void | Promise<void>;
}

type Step = (attributes: AdmissionAttributes) => void | Promise<void>;

interface Concerned {
  readonly mutate: readonly Step[];
  readonly validate: readonly Step[];
}

export function admissionChain(plugins: readonly AdmissionPlugin[]): Admission {
  const known = new WeakMap<ResourceInfo, Map<string, Concerned>>();
  const concernedBy = ({ resource, operation, subresource }: AdmissionAttributes): Concerned => {
    let ofResource = known.get(resource);
    if (!ofResource) {
      ofResource = new Map();
      known.set(resource, ofResource);
    }
    const request = `${operation}/${subresource}`;
    let concerned = ofResource.get(request);
    if (!concerned) {
      const found = plugins.filter(plugin => plugin.handles?.(operation, resource, subresource) ?? true);
      concerned = {
        mutate: found.flatMap(plugin => (plugin.mutate ? [plugin.mutate.bind(plugin)] : [])),
        validate: found.flatMap(plugin => (plugin.validate ? [plugin.validate.bind(plugin)] : [])),
      };
      ofResource.set(request, concerned);
    }
    return concerned;
  };
  return {
    mutate: attributes => inOrder(concernedBy(attributes).mutate, attributes, 0),
    validate: attributes => inOrder(concernedBy(attributes).validate, attributes, 0),
  };
}

function inOrder(steps: readonly Step[], attributes: AdmissionAttributes, from: number): void | Promise<void> {
  for (let i = from; i < steps.length; i++) {
    const pending = steps[i]?.(attributes);
    if (pending) return pending.then(() => inOrder(steps, attributes, i + 1));
  }
}

/** `handles` of plugins for one resource itself, not its subresources: `on('pods', 'CREATE')`, `on('ingresses.networking.k8s.io', …)`. */
export function on(groupResource: string, ...operations: Operation[]): NonNullable<AdmissionPlugin['handles']> {
  return (operation, resource, subresource) =>
    subresource === '' && operations.includes(operation) && groupResourceOf(resource) === groupResource;
}

/** `pods`, `deployments.apps` */
export const groupResourceOf = ({ group, resource }: ResourceInfo): string =>
  group === '' ? resource : `${resource}.${group}`;

/** Runs `step` with the mirror as current as the store: at once, unless it has yet to read its first range. */
export function withMirror(
  mirror: Pick<Mirror<KubeObject>, 'ready' | 'start'>,
  step: () => void,
): void | Promise<void> {
  if (mirror.ready) return step();
  return mirror.start().then(step);
}

/** A 403 as upstream's plugins give it: an object without a name is called by what its name would begin with. */
export function refused({ resource, name, object }: AdmissionAttributes, reason: string): StatusError {
  return forbidden(resource, name || object?.metadata.generateName || 'Unknown', reason);
}
