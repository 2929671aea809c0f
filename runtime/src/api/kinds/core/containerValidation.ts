/** Validation of containers of every sort (upstream: `validateContainerCommon`, `validateContainers`, `validateInitContainers`, `validateEphemeralContainers`). */
import type { Container, ContainerPort, EphemeralContainer, PodSpec } from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, portNameErrors, portNumberErrors } from '../../names.ts';
import {
  at,
  child,
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notFound,
  notSupported,
  required,
  tooMany,
} from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateEnv, validateEnvFrom } from './envValidation.ts';
import { type Volumes, validateDevices, validateMounts } from './mountValidation.ts';
import { validateLifecycle, validateProbe } from './probeValidation.ts';
import { validateResources } from './resourceValidation.ts';
import { validateSecurityContext } from './securityValidation.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];
const RESTART_POLICIES = ['Always', 'Never', 'OnFailure'];

/** What containers are judged by besides themselves. */
export interface Surroundings {
  readonly spec: PodSpec;
  readonly volumes: Volumes;
  /** Names of the pod's resource claims. */
  readonly claims: ReadonlySet<string>;
}

function portErrors(ports: readonly ContainerPort[], path: string, errors: FieldError[]): void {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const here = at(path, i);
    const { name = '', containerPort = 0, hostPort = 0, protocol = '' } = port;
    if (name !== '') {
      const wrong = portNameErrors(name);
      errors.push(...invalidEach(child(here, 'name'), name, wrong));
      if (wrong.length === 0 && names.has(name)) errors.push(duplicate(child(here, 'name'), name));
      names.add(name);
    }
    if (containerPort === 0) errors.push(required(child(here, 'containerPort')));
    else errors.push(...invalidEach(child(here, 'containerPort'), containerPort, portNumberErrors(containerPort)));
    if (hostPort !== 0) errors.push(...invalidEach(child(here, 'hostPort'), hostPort, portNumberErrors(hostPort)));
    if (protocol === '') errors.push(required(child(here, 'protocol')));
    else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(child(here, 'protocol'), protocol, PROTOCOLS));
  }
}

function resizePolicyErrors(container: Container, spec: PodSpec, path: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, { resourceName = '', restartPolicy = '' }] of (container.resizePolicy ?? []).entries()) {
    if (seen.has(resourceName)) errors.push(duplicate(at(path, i), resourceName));
    seen.add(resourceName);
    if (resourceName === '') errors.push(required(path));
    else if (resourceName !== 'cpu' && resourceName !== 'memory')
      errors.push(notSupported(path, resourceName, ['cpu', 'memory']));
    if (restartPolicy === '') errors.push(required(path));
    else if (restartPolicy !== 'NotRequired' && restartPolicy !== 'RestartContainer')
      errors.push(notSupported(path, restartPolicy, ['NotRequired', 'RestartContainer']));
    if (spec.restartPolicy === 'Never' && restartPolicy !== 'NotRequired')
      errors.push(invalid(path, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
  }
}

function commonErrors(container: Container, around: Surroundings, path: string, errors: FieldError[]): void {
  const { name, image } = container;
  if (!name) errors.push(required(child(path, 'name')));
  else errors.push(...invalidEach(child(path, 'name'), name, dns1123LabelErrors(name)));
  if (!image) errors.push(required(child(path, 'image')));
  const messagePolicy = container.terminationMessagePolicy ?? '';
  if (messagePolicy === '') errors.push(required(child(path, 'terminationMessagePolicy')));
  else if (!MESSAGE_POLICIES.includes(messagePolicy))
    errors.push(notSupported(child(path, 'terminationMessagePolicy'), messagePolicy, MESSAGE_POLICIES));
  if (container.ports) portErrors(container.ports, child(path, 'ports'), errors);
  if (container.env) validateEnv(container.env, child(path, 'env'), errors);
  if (container.envFrom) validateEnvFrom(container.envFrom, child(path, 'envFrom'), errors);
  if (container.volumeMounts) validateMounts(container, around.volumes, child(path, 'volumeMounts'), errors);
  if (container.volumeDevices)
    errors.push(
      ...validateDevices(
        container.volumeDevices,
        container.volumeMounts ?? [],
        around.volumes,
        child(path, 'volumeDevices'),
      ),
    );
  const pullPolicy = container.imagePullPolicy ?? '';
  if (pullPolicy === '') errors.push(required(child(path, 'imagePullPolicy')));
  else if (!PULL_POLICIES.includes(pullPolicy))
    errors.push(notSupported(child(path, 'imagePullPolicy'), pullPolicy, PULL_POLICIES));
  if (container.resources) {
    const wrong = validateResources(container.resources, child(path, 'resources'), around.claims);
    if (wrong.length > 0) errors.push(...wrong);
  }
  if (container.resizePolicy) resizePolicyErrors(container, around.spec, child(path, 'resizePolicy'), errors);
  if (container.securityContext)
    errors.push(
      ...validateSecurityContext(
        container.securityContext,
        around.spec.hostUsers !== false,
        child(path, 'securityContext'),
      ),
    );
}

/** What only containers that go on running may have. */
function runningErrors(container: Container, { spec }: Surroundings, path: string, errors: FieldError[]): void {
  const graceSeconds = spec.terminationGracePeriodSeconds;
  if (container.lifecycle)
    errors.push(...validateLifecycle(container.lifecycle, graceSeconds, spec.os, child(path, 'lifecycle')));
  for (const kind of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[kind];
    if (probe) errors.push(...validateProbe(probe, kind, graceSeconds, child(path, kind)));
  }
}

/** A container's own restart policy, with rules by exit code (KEP-5307). */
function restartErrors(container: Container, path: string, errors: FieldError[]): void {
  const { restartPolicy: policy, restartPolicyRules: rules = [] } = container;
  const field = child(path, 'restartPolicy');
  if (policy === undefined) {
    if (rules.length > 0) errors.push(required(field, 'must specify restartPolicy when restart rules are used'));
  } else if (!RESTART_POLICIES.includes(policy)) errors.push(notSupported(field, policy, RESTART_POLICIES));
  const list = child(path, 'restartPolicyRules');
  if (rules.length > 20) errors.push(tooMany(list, rules.length, 20));
  for (const [i, { action = '', exitCodes }] of rules.entries()) {
    const here = at(list, i);
    const actions = ['Restart', 'RestartAllContainers'];
    if (!actions.includes(action)) errors.push(notSupported(child(here, 'action'), action, actions));
    const codes = child(here, 'exitCodes');
    if (!exitCodes) {
      errors.push(required(codes, 'must be specified'));
      continue;
    }
    const { operator = '', values = [] } = exitCodes;
    if (operator !== 'In' && operator !== 'NotIn')
      errors.push(notSupported(child(codes, 'operator'), operator, ['In', 'NotIn']));
    if (values.length > 255) errors.push(tooMany(child(codes, 'values'), values.length, 255));
  }
}

/** Ports of the host that are asked for twice. */
function hostPortErrors(container: Container, taken: Set<string>, path: string, errors: FieldError[]): void {
  for (const [i, { hostPort, hostIP = '', protocol = '' }] of (container.ports ?? []).entries()) {
    if (!hostPort) continue;
    const id = `${protocol}/${hostIP}/${hostPort}`;
    if (taken.has(id)) errors.push(duplicate(child(at(child(path, 'ports'), i), 'hostPort'), id));
    taken.add(id);
  }
}

export function validateContainers(around: Surroundings, path: string, errors: FieldError[]): void {
  const containers = around.spec.containers ?? [];
  if (containers.length === 0) {
    errors.push(required(path));
    return;
  }
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const here = at(path, i);
    commonErrors(container, around, here, errors);
    if (names.has(container.name)) errors.push(duplicate(child(here, 'name'), container.name));
    names.add(container.name);
    runningErrors(container, around, here, errors);
    if (container.restartPolicy !== undefined || container.restartPolicyRules) restartErrors(container, here, errors);
  }
  const ports = new Set<string>();
  for (const [i, container] of containers.entries()) hostPortErrors(container, ports, at(path, i), errors);
}

export function validateInitContainers(around: Surroundings, path: string, errors: FieldError[]): void {
  const names = new Set((around.spec.containers ?? []).map(c => c.name));
  for (const [i, container] of (around.spec.initContainers ?? []).entries()) {
    const here = at(path, i);
    const sidecar = container.restartPolicy === 'Always';
    commonErrors(container, around, here, errors);
    restartErrors(container, here, errors);
    if (names.has(container.name)) errors.push(duplicate(child(here, 'name'), container.name));
    else if (container.name) names.add(container.name);
    // They run one after the other, so each has the host's ports for itself.
    hostPortErrors(container, new Set(), at(path, 0), errors);
    if (sidecar) runningErrors(container, around, here, errors);
    else {
      for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
        if (container[field] !== undefined)
          errors.push(forbidden(child(here, field), 'may not be set for init containers without restartPolicy=Always'));
      for (const [j, policy] of (container.resizePolicy ?? []).entries())
        if (policy.restartPolicy === 'RestartContainer')
          errors.push(
            invalid(
              child(at(child(here, 'resizePolicy'), j), 'restartPolicy'),
              policy.restartPolicy,
              "must not be set to 'RestartContainer' for non-sidecar initContainers",
            ),
          );
    }
  }
}

/** What cannot be promised to a container that nobody planned for. */
const NOT_EPHEMERAL = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;
const EPHEMERAL_TEXT = 'cannot be set for an Ephemeral Container';

const isSet = (value: unknown): boolean =>
  value !== undefined && !(typeof value === 'object' && value !== null && Object.keys(value).length === 0);

function ephemeralErrors(container: EphemeralContainer, path: string, errors: FieldError[]): void {
  for (const field of NOT_EPHEMERAL)
    if (isSet(container[field])) errors.push(forbidden(child(path, field), EPHEMERAL_TEXT));
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const here = at(child(path, 'volumeMounts'), i);
    if (mount.subPath) errors.push(forbidden(child(here, 'subPath'), EPHEMERAL_TEXT));
    if (mount.subPathExpr) errors.push(forbidden(child(here, 'subPathExpr'), EPHEMERAL_TEXT));
  }
}

/** Containers put into a running pod to look at it (`kubectl debug`, KEP-277). */
export function validateEphemeralContainers(around: Surroundings, path: string, errors: FieldError[]): void {
  const { spec } = around;
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(c => c.name));
  const names = new Set(others);
  for (const [i, container] of (spec.ephemeralContainers ?? []).entries()) {
    const here = at(path, i);
    commonErrors(container as Container, around, here, errors);
    imageSpaceErrors(container as Container, here, errors);
    if (names.has(container.name)) errors.push(duplicate(child(here, 'name'), container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(notFound(child(here, 'targetContainerName'), target));
    ephemeralErrors(container, here, errors);
  }
}

/** In templates an image may be written with spaces, as it always could. */
export function imageSpaceErrors({ image = '' }: Container, path: string, errors: FieldError[]): void {
  if (image !== image.trim())
    errors.push(invalid(child(path, 'image'), image, 'must not have leading or trailing whitespace'));
}
