/** Validation of probes and lifecycle handlers (upstream: `validateProbe`, `validateHandler`, `validateLifecycle`). */
import type {
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  PodOS,
  Probe,
  ProbeHandler,
} from '../../generated/types/core.v1.ts';
import { portNameErrors, portNumberErrors } from '../../names.ts';
import { child, forbidden, invalid, invalidEach, nonNegative, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const HEADER = /^[-A-Za-z0-9]+$/;
const HEADER_TEXT =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
const SCHEMES = ['HTTP', 'HTTPS'];
const WINDOWS_SIGNALS = ['SIGKILL', 'SIGTERM'];
const LINUX_SIGNALS = [
  ...'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT'.split(' '),
  'RTMAX',
  ...Array.from({ length: 14 }, (_, i) => `RTMAX-${i + 1}`),
  'RTMIN',
  ...Array.from({ length: 15 }, (_, i) => `RTMIN+${i + 1}`),
  ...'SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ'.split(' '),
]
  .map(name => `SIG${name}`)
  .sort();

/** An unset port is 0, as in Go. */
export function portOrNameErrors(port: number | string | undefined, path: string): FieldError[] {
  const value = port ?? 0;
  return invalidEach(path, value, typeof value === 'number' ? portNumberErrors(value) : portNameErrors(value));
}

function httpGetErrors(get: HTTPGetAction, path: string): FieldError[] {
  const errors = get.path ? [] : [required(child(path, 'path'))];
  errors.push(...portOrNameErrors(get.port, child(path, 'port')));
  if (!SCHEMES.includes(get.scheme ?? '')) errors.push(notSupported(child(path, 'scheme'), get.scheme, SCHEMES));
  for (const { name = '' } of get.httpHeaders ?? [])
    if (!HEADER.test(name)) errors.push(invalid(child(path, 'httpHeaders'), name, HEADER_TEXT));
  return errors;
}

/** Exactly one of the handlers. `graceSeconds`: what the pod has to end; unset where that is itself wrong. */
function handlerErrors(
  handler: ProbeHandler & LifecycleHandler,
  graceSeconds: number | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let handlers = 0;
  const first = (name: string): boolean => {
    handlers++;
    if (handlers > 1) errors.push(forbidden(child(path, name), 'may not specify more than 1 handler type'));
    return handlers === 1;
  };
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec && first('exec') && !exec.command?.length) errors.push(required(child(child(path, 'exec'), 'command')));
  if (httpGet && first('httpGet')) errors.push(...httpGetErrors(httpGet, child(path, 'httpGet')));
  if (tcpSocket && first('tcpSocket'))
    errors.push(...portOrNameErrors(tcpSocket.port, child(child(path, 'tcpSocket'), 'port')));
  if (grpc && first('grpc')) errors.push(...portOrNameErrors(grpc.port, child(child(path, 'grpc'), 'port')));
  if (sleep && first('sleep')) {
    const seconds = sleep.seconds ?? 0;
    if (graceSeconds !== undefined && (seconds < 0 || seconds > graceSeconds))
      errors.push(
        invalid(
          child(path, 'sleep'),
          seconds,
          `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`,
        ),
      );
  }
  if (handlers === 0) errors.push(required(path, 'must specify a handler type'));
  return errors;
}

export function validateLifecycle(
  lifecycle: Lifecycle,
  graceSeconds: number | undefined,
  os: PodOS | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['postStart', 'preStop'] as const) {
    const handler = lifecycle[field];
    if (handler) errors.push(...handlerErrors(handler, graceSeconds, child(path, field)));
  }
  const { stopSignal } = lifecycle;
  if (stopSignal === undefined) return errors;
  const field = child(path, 'stopSignal');
  const supported = os?.name === 'windows' ? WINDOWS_SIGNALS : os?.name === 'linux' ? LINUX_SIGNALS : undefined;
  if (!os) errors.push(forbidden(field, 'may not be set for containers with empty `spec.os.name`'));
  else if (supported && !supported.includes(stopSignal)) errors.push(notSupported(field, stopSignal, supported));
  return errors;
}

const COUNTS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

/** `readiness` may need several successes and ends nothing; liveness and startup succeed at the first and may end the container. */
export function validateProbe(
  probe: Probe,
  kind: 'livenessProbe' | 'readinessProbe' | 'startupProbe',
  graceSeconds: number | undefined,
  path: string,
): FieldError[] {
  const errors = handlerErrors(probe, graceSeconds, path);
  for (const field of COUNTS)
    if ((probe[field] ?? 0) < 0) errors.push(...nonNegative(child(path, field), probe[field]));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0)
    errors.push(invalid(child(path, 'terminationGracePeriodSeconds'), grace, 'must be greater than 0'));
  if (kind !== 'readinessProbe') {
    if (probe.successThreshold !== 1)
      errors.push(invalid(child(path, 'successThreshold'), probe.successThreshold ?? 0, 'must be 1'));
  } else if (grace !== undefined)
    errors.push(invalid(child(path, 'terminationGracePeriodSeconds'), grace, 'must not be set for readinessProbes'));
  return errors;
}
