/** Validation of probes and lifecycle handlers (upstream: `validateProbe`, `validateHandler`). */
import type { LifecycleHandler, Probe, ProbeHandler } from '../../generated/types/core.v1.ts';
import { portNameErrors, portNumberErrors } from '../../names.ts';
import { at, child, forbidden, invalid, invalidEach, nonNegative, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

export function portOrNameErrors(port: number | string, path: string): FieldError[] {
  return invalidEach(path, port, typeof port === 'number' ? portNumberErrors(port) : portNameErrors(port));
}

export function validateHandler(handler: ProbeHandler & LifecycleHandler, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const kinds = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter(k => handler[k] !== undefined);
  for (const kind of kinds.slice(1))
    errors.push(forbidden(child(path, kind), 'may not specify more than 1 handler type'));
  const { exec, httpGet, tcpSocket, grpc } = handler;
  if (exec && !exec.command?.length) errors.push(required(child(child(path, 'exec'), 'command')));
  if (httpGet) {
    const here = child(path, 'httpGet');
    if (!httpGet.path) errors.push(required(child(here, 'path')));
    errors.push(...portOrNameErrors(httpGet.port, child(here, 'port')));
    if (!['HTTP', 'HTTPS'].includes(httpGet.scheme ?? ''))
      errors.push(notSupported(child(here, 'scheme'), httpGet.scheme, ['HTTP', 'HTTPS']));
    for (const [i, header] of (httpGet.httpHeaders ?? []).entries()) {
      if (!/^[-A-Za-z0-9]+$/.test(header.name))
        errors.push(
          invalid(
            child(at(child(here, 'httpHeaders'), i), 'name'),
            header.name,
            "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
          ),
        );
    }
  }
  if (tcpSocket) errors.push(...portOrNameErrors(tcpSocket.port, child(child(path, 'tcpSocket'), 'port')));
  if (grpc) errors.push(...portOrNameErrors(grpc.port, child(child(path, 'grpc'), 'port')));
  if (kinds.length === 0) errors.push(required(path, 'must specify a handler type'));
  return errors;
}

/** `once`: liveness and startup probes succeed at the first success. */
export function validateProbe(probe: Probe | undefined, path: string, once: boolean): FieldError[] {
  if (!probe) return [];
  const errors = validateHandler(probe, path);
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const)
    errors.push(...nonNegative(child(path, field), probe[field]));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0)
    errors.push(invalid(child(path, 'terminationGracePeriodSeconds'), grace, 'must be greater than 0'));
  if (once && probe.successThreshold !== 1)
    errors.push(invalid(child(path, 'successThreshold'), probe.successThreshold, 'must be 1'));
  if (!once && grace !== undefined)
    errors.push(invalid(child(path, 'terminationGracePeriodSeconds'), grace, 'must not be set for readinessProbes'));
  return errors;
}
