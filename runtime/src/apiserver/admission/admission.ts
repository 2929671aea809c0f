/**
 * Admission: what must be true of a change besides its own validity
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/). First every plugin may change the
 * object, in order; then, on the final object, every plugin may refuse. Webhooks and policies will stand at the end of both.
 */
import type { KubeObject } from '../../api/object.ts';
import type { ResourceInfo } from '../../api/resources.ts';
import type { User } from '../../lib/exchange.ts';

export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
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
}

export interface AdmissionPlugin {
  readonly name: string;
  mutate?(attributes: AdmissionAttributes): void | Promise<void>;
  /** @throws StatusError when the change is refused. */
  validate?(attributes: AdmissionAttributes): void | Promise<void>;
}

export interface Admission {
  mutate(attributes: AdmissionAttributes): Promise<void>;
  validate(attributes: AdmissionAttributes): Promise<void>;
}

export function admissionChain(plugins: readonly AdmissionPlugin[]): Admission {
  return {
    async mutate(attributes) {
      for (const plugin of plugins) await plugin.mutate?.(attributes);
    },
    async validate(attributes) {
      for (const plugin of plugins) await plugin.validate?.(attributes);
    },
  };
}
