/** Validation of containers (upstream: `validateContainers`, `validateContainerCommon`). */
import type {
  Container,
  ContainerPort,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  VolumeMount,
} from '../../generated/types/core.v1.ts';
import {
  configMapKeyErrors,
  dns1123LabelErrors,
  envVarNameErrors,
  portNameErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from '../../names.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, notFound, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateHandler, validateProbe } from './probeValidation.ts';
import { validateResources } from './resourceValidation.ts';
import { localPathErrors } from './volumeValidation.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const FIELD_PATHS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const RESOURCE_FIELDS = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

function portErrors(ports: readonly ContainerPort[] | undefined, path: string): FieldError[] {
  const names = new Set<string>();
  return (ports ?? []).flatMap((port, i) => {
    const here = at(path, i);
    const errors: FieldError[] = [];
    if (port.name) {
      const wrong = portNameErrors(port.name);
      errors.push(...invalidEach(child(here, 'name'), port.name, wrong));
      if (wrong.length === 0 && names.has(port.name)) errors.push(duplicate(child(here, 'name'), port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(child(here, 'containerPort')));
    else
      errors.push(
        ...invalidEach(child(here, 'containerPort'), port.containerPort, portNumberErrors(port.containerPort)),
      );
    if (port.hostPort)
      errors.push(...invalidEach(child(here, 'hostPort'), port.hostPort, portNumberErrors(port.hostPort)));
    if (!port.protocol) errors.push(required(child(here, 'protocol')));
    else if (!PROTOCOLS.includes(port.protocol))
      errors.push(notSupported(child(here, 'protocol'), port.protocol, PROTOCOLS));
    return errors;
  });
}

function fieldRefErrors(source: NonNullable<EnvVarSource['fieldRef']>, path: string): FieldError[] {
  if (!source.apiVersion) return [required(child(path, 'apiVersion'))];
  if (!source.fieldPath) return [required(child(path, 'fieldPath'))];
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(source.fieldPath);
  if (subscript) {
    const key = subscript[2] ?? '';
    return invalidEach(path, key, qualifiedNameErrors(subscript[1] === 'annotations' ? key.toLowerCase() : key));
  }
  return FIELD_PATHS.includes(source.fieldPath)
    ? []
    : [notSupported(child(path, 'fieldPath'), source.fieldPath, FIELD_PATHS)];
}

function keyRefErrors(ref: { readonly name?: string | undefined; readonly key: string }, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!ref.name) errors.push(required(child(path, 'name')));
  if (!ref.key) errors.push(required(child(path, 'key')));
  else errors.push(...invalidEach(child(path, 'key'), ref.key, configMapKeyErrors(ref.key)));
  return errors;
}

function valueFromErrors(env: EnvVar, path: string): FieldError[] {
  const { valueFrom } = env;
  if (!valueFrom) return [];
  const errors: FieldError[] = [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) errors.push(...fieldRefErrors(fieldRef, child(path, 'fieldRef')));
  if (resourceFieldRef) {
    const here = child(path, 'resourceFieldRef');
    if (!resourceFieldRef.resource) errors.push(required(child(here, 'resource')));
    else if (
      !RESOURCE_FIELDS.includes(resourceFieldRef.resource) &&
      !/^(limits|requests)\.hugepages-/.test(resourceFieldRef.resource)
    )
      errors.push(notSupported(child(here, 'resource'), resourceFieldRef.resource, RESOURCE_FIELDS));
  }
  if (configMapKeyRef) errors.push(...keyRefErrors(configMapKeyRef, child(path, 'configMapKeyRef')));
  if (secretKeyRef) errors.push(...keyRefErrors(secretKeyRef, child(path, 'secretKeyRef')));
  const sources = Object.keys(valueFrom).length;
  if (sources === 0)
    errors.push(
      invalid(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  else if (env.value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  else if (sources > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  return errors;
}

function envErrors(env: readonly EnvVar[] | undefined, path: string): FieldError[] {
  return (env ?? []).flatMap((variable, i) => {
    const here = at(path, i);
    const name = child(here, 'name');
    return [
      ...(variable.name ? invalidEach(name, variable.name, envVarNameErrors(variable.name)) : [required(name)]),
      ...valueFromErrors(variable, child(here, 'valueFrom')),
    ];
  });
}

function envFromErrors(sources: readonly EnvFromSource[] | undefined, path: string): FieldError[] {
  return (sources ?? []).flatMap((source, i) => {
    const here = at(path, i);
    const errors: FieldError[] = [];
    if (source.prefix)
      errors.push(...invalidEach(child(here, 'prefix'), source.prefix, envVarNameErrors(source.prefix)));
    if (source.configMapRef && !source.configMapRef.name)
      errors.push(required(child(child(here, 'configMapRef'), 'name')));
    if (source.secretRef && !source.secretRef.name) errors.push(required(child(child(here, 'secretRef'), 'name')));
    if (!source.configMapRef && !source.secretRef)
      errors.push(invalid(here, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (source.configMapRef && source.secretRef)
      errors.push(invalid(here, '', 'may not have more than one field specified at a time'));
    return errors;
  });
}

function mountErrors(
  mounts: readonly VolumeMount[] | undefined,
  volumes: ReadonlySet<string>,
  privileged: boolean,
  path: string,
): FieldError[] {
  const paths = new Set<string>();
  return (mounts ?? []).flatMap((mount, i) => {
    const here = at(path, i);
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(required(child(here, 'name')));
    if (!volumes.has(mount.name)) errors.push(notFound(child(here, 'name'), mount.name));
    if (!mount.mountPath) errors.push(required(child(here, 'mountPath')));
    if (paths.has(mount.mountPath)) errors.push(invalid(child(here, 'mountPath'), mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    if (mount.subPath) errors.push(...localPathErrors(mount.subPath, child(here, 'subPath')));
    if (mount.subPathExpr) {
      if (mount.subPath)
        errors.push(
          invalid(child(here, 'subPathExpr'), mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'),
        );
      errors.push(...localPathErrors(mount.subPathExpr, child(here, 'subPathExpr')));
    }
    const propagation = mount.mountPropagation;
    if (propagation !== undefined) {
      const supported = ['Bidirectional', 'HostToContainer', 'None'];
      if (!supported.includes(propagation))
        errors.push(notSupported(child(here, 'mountPropagation'), propagation, supported));
      if (propagation === 'Bidirectional' && !privileged)
        errors.push(
          forbidden(
            child(here, 'mountPropagation'),
            'Bidirectional mount propagation is available only to privileged containers',
          ),
        );
    }
    return errors;
  });
}

function securityErrors(container: Container, path: string): FieldError[] {
  const context = container.securityContext;
  if (!context) return [];
  const errors: FieldError[] = [];
  for (const field of ['runAsUser', 'runAsGroup'] as const) {
    const id = context[field];
    if (id !== undefined && (id < 0 || id > 2147483647))
      errors.push(invalid(child(path, field), id, 'must be between 0 and 2147483647, inclusive'));
  }
  if (context.privileged === true && context.allowPrivilegeEscalation === false)
    errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
  if (context.capabilities?.add?.includes('CAP_SYS_ADMIN') && context.allowPrivilegeEscalation === false)
    errors.push(
      invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'),
    );
  return errors;
}

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const MESSAGE_POLICIES = ['FallbackToLogsOnError', 'File'];

/** What containers, init containers and ephemeral containers have in common. */
export function validateContainer(container: Container, volumes: ReadonlySet<string>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!container.name) errors.push(required(child(path, 'name')));
  else errors.push(...invalidEach(child(path, 'name'), container.name, dns1123LabelErrors(container.name)));
  const image = container.image ?? '';
  if (image === '') errors.push(required(child(path, 'image')));
  else if (image !== image.trim())
    errors.push(invalid(child(path, 'image'), image, 'must not have leading or trailing whitespace'));
  const messagePolicy = container.terminationMessagePolicy ?? '';
  if (messagePolicy === '') errors.push(required(child(path, 'terminationMessagePolicy')));
  else if (!MESSAGE_POLICIES.includes(messagePolicy))
    errors.push(notSupported(child(path, 'terminationMessagePolicy'), messagePolicy, MESSAGE_POLICIES));
  errors.push(...portErrors(container.ports, child(path, 'ports')));
  errors.push(...envErrors(container.env, child(path, 'env')));
  errors.push(...envFromErrors(container.envFrom, child(path, 'envFrom')));
  const privileged = container.securityContext?.privileged === true;
  errors.push(...mountErrors(container.volumeMounts, volumes, privileged, child(path, 'volumeMounts')));
  for (const [i, device] of (container.volumeDevices ?? []).entries()) {
    const here = at(child(path, 'volumeDevices'), i);
    if (!device.name) errors.push(required(child(here, 'name')));
    else if (!volumes.has(device.name)) errors.push(notFound(child(here, 'name'), device.name));
    if (!device.devicePath) errors.push(required(child(here, 'devicePath')));
  }
  const pullPolicy = container.imagePullPolicy ?? '';
  if (pullPolicy === '') errors.push(required(child(path, 'imagePullPolicy')));
  else if (!PULL_POLICIES.includes(pullPolicy))
    errors.push(notSupported(child(path, 'imagePullPolicy'), pullPolicy, PULL_POLICIES));
  errors.push(...validateResources(container.resources, child(path, 'resources')));
  errors.push(...securityErrors(container, child(path, 'securityContext')));
  const { lifecycle } = container;
  if (lifecycle?.postStart)
    errors.push(...validateHandler(lifecycle.postStart, child(child(path, 'lifecycle'), 'postStart')));
  if (lifecycle?.preStop)
    errors.push(...validateHandler(lifecycle.preStop, child(child(path, 'lifecycle'), 'preStop')));
  errors.push(...validateProbe(container.livenessProbe, child(path, 'livenessProbe'), true));
  errors.push(...validateProbe(container.readinessProbe, child(path, 'readinessProbe'), false));
  errors.push(...validateProbe(container.startupProbe, child(path, 'startupProbe'), true));
  return errors;
}

/** Init containers: one after the other, so nothing watches them, unless they are sidecars. */
export function validateInitContainer(container: Container, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (
    container.restartPolicy !== undefined &&
    container.restartPolicy !== 'Always' &&
    !container.restartPolicyRules?.length
  )
    if (!['Never', 'OnFailure'].includes(container.restartPolicy))
      errors.push(
        notSupported(child(path, 'restartPolicy'), container.restartPolicy, ['Always', 'Never', 'OnFailure']),
      );
  if (container.restartPolicy === 'Always') return errors;
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[field] !== undefined)
      errors.push(forbidden(child(path, field), 'may not be set for init containers without restartPolicy=Always'));
  }
  return errors;
}
