/** What PodSecurity decided, counted under upstream's names (`pod-security-admission/metrics`, labels and all). */
import type { Counter, MetricRegistry } from '../../../lib/metrics.ts';
import { type AdmissionAttributes, groupResourceOf } from '../admission.ts';
import type { Standard } from './policy.ts';

export type Mode = 'enforce' | 'audit' | 'warn';

/** This server's own version: what is newer has rules it does not know. */
const MINOR = 36;

type Asked = Pick<AdmissionAttributes, 'operation' | 'resource' | 'subresource'>;

export class PodSecurityMetrics {
  readonly #evaluations;
  readonly #exemptions;
  readonly #errors;
  /** What nearly every pod counts as. */
  readonly #privileged: Readonly<Record<'create' | 'update', Counter>>;

  constructor(registry: MetricRegistry) {
    this.#evaluations = registry.counter(
      'pod_security_evaluations_total',
      'Number of policy evaluations that occurred, not counting ignored or exempt requests.',
      ['decision', 'mode', 'policy_level', 'policy_version', 'request_operation', 'resource', 'subresource'],
    );
    this.#exemptions = registry.counter(
      'pod_security_exemptions_total',
      'Number of exempt requests, not counting ignored or out of scope requests.',
      ['request_operation', 'resource', 'subresource'],
    );
    this.#errors = registry.counter(
      'pod_security_errors_total',
      'Number of errors preventing normal evaluation. Non-fatal errors may result in the latest restricted profile being used for evaluation.',
      ['fatal', 'request_operation', 'resource', 'subresource'],
    );
    const privileged = (operation: string): Counter =>
      this.#evaluations.with('allow', 'enforce', 'privileged', 'latest', operation, 'pod', '');
    this.#privileged = { create: privileged('create'), update: privileged('update') };
    for (const resource of ['pod', 'controller'])
      for (const operation of ['create', 'update']) this.#exemptions.with(operation, resource, '');
  }

  evaluated(allowed: boolean, { level, minor }: Standard, mode: Mode, asked: Asked): void {
    const operation = asked.operation === 'CREATE' ? 'create' : 'update';
    const [resource, subresource] = placeOf(asked);
    if (allowed && level === 'privileged' && mode === 'enforce' && resource === 'pod' && subresource === '') {
      this.#privileged[operation].inc();
      return;
    }
    const version =
      level === 'privileged' || minor === Number.POSITIVE_INFINITY
        ? 'latest'
        : minor > MINOR
          ? 'future'
          : `v1.${minor}`;
    const decision = allowed ? 'allow' : 'deny';
    this.#evaluations.with(decision, mode, level, version, operation, resource, subresource).inc();
  }

  exempt(asked: Asked): void {
    this.#exemptions.with(asked.operation.toLowerCase(), ...placeOf(asked)).inc();
  }

  failed(fatal: boolean, asked: Asked): void {
    this.#errors.with(String(fatal), asked.operation.toLowerCase(), ...placeOf(asked)).inc();
  }
}

function placeOf({ resource, subresource }: Asked): readonly [resource: string, subresource: string] {
  const which = groupResourceOf(resource);
  return [which === 'pods' ? 'pod' : which === 'namespaces' ? 'namespace' : 'controller', subresource];
}
