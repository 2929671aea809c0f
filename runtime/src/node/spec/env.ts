/** A container's environment (kubelet `makeEnvironmentVariables`): services, then `envFrom` in order, then `env` in order. */
import type { ConfigMap, Container, EnvVar, Pod, Secret } from '../../api/generated/types/core.v1.ts';
import { expand } from './expand.ts';
import { fieldValue, type PodAddresses, resourceFieldValue } from './fieldRef.ts';

/** Objects of the pod's namespace, as the node may read them. `undefined`: the API has no such object. */
export interface NamespaceObjects {
  configMap(name: string): Promise<ConfigMap | undefined>;
  secret(name: string): Promise<Secret | undefined>;
}

export interface EnvironmentOptions {
  readonly addresses: PodAddresses;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly objects: NamespaceObjects;
  /** Variables that name services; the container's own win. */
  readonly services: Readonly<Record<string, string>>;
}

/** The specification asks for what is not there: the container waits with reason `CreateContainerConfigError`. */
export class ContainerConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ContainerConfigError';
  }
}

/** @throws ContainerConfigError when a reference that is not optional cannot be resolved. */
export async function environment(
  pod: Pod,
  container: Container,
  options: EnvironmentOptions,
): Promise<Map<string, string>> {
  const result = new Map<string, string>(Object.entries(options.services));
  for (const source of container.envFrom ?? []) {
    const prefix = source.prefix ?? '';
    for (const [key, value] of Object.entries(await allOf(source, options.objects))) result.set(prefix + key, value);
  }
  // `$(NAME)` sees what stands before it, service variables among it.
  for (const variable of container.env ?? []) {
    const value = await resolve(pod, container, variable, options, name => result.get(name));
    if (value !== undefined) result.set(variable.name, value);
  }
  return result;
}

async function allOf(
  source: NonNullable<Container['envFrom']>[number],
  objects: NamespaceObjects,
): Promise<Record<string, string>> {
  if (source.configMapRef) {
    const { name = '', optional } = source.configMapRef;
    const map = await objects.configMap(name);
    if (!map && !optional) throw new ContainerConfigError(`configmap "${name}" not found`);
    return map?.data ?? {};
  }
  if (source.secretRef) {
    const { name = '', optional } = source.secretRef;
    const secret = await objects.secret(name);
    if (!secret && !optional) throw new ContainerConfigError(`secret "${name}" not found`);
    return Object.fromEntries(Object.entries(secret?.data ?? {}).map(([k, v]) => [k, decode(v)]));
  }
  return {};
}

/** `undefined`: an optional reference to nothing, the variable is left out. */
async function resolve(
  pod: Pod,
  container: Container,
  variable: EnvVar,
  options: EnvironmentOptions,
  known: (name: string) => string | undefined,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return expand(variable.value ?? '', known);
  if (from.fieldRef) return fieldOrError(() => fieldValue(pod, from.fieldRef?.fieldPath ?? '', options.addresses));
  if (from.resourceFieldRef) {
    const selector = from.resourceFieldRef;
    return fieldOrError(() => resourceFieldValue(pod, container, selector, options.allocatable));
  }
  const namespace = pod.metadata.namespace;
  if (from.configMapKeyRef) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const map = await options.objects.configMap(name);
    const value = map?.data?.[key];
    if (value !== undefined || optional) return value;
    throw new ContainerConfigError(
      map ? `couldn't find key ${key} in ConfigMap ${namespace}/${name}` : `configmap "${name}" not found`,
    );
  }
  if (from.secretKeyRef) {
    const { name = '', key, optional } = from.secretKeyRef;
    const secret = await options.objects.secret(name);
    const value = secret?.data?.[key];
    if (value !== undefined) return decode(value);
    if (optional) return undefined;
    throw new ContainerConfigError(
      secret ? `couldn't find key ${key} in Secret ${namespace}/${name}` : `secret "${name}" not found`,
    );
  }
  throw new ContainerConfigError(`env ${variable.name}: unsupported valueFrom`);
}

function fieldOrError(read: () => string): string {
  try {
    return read();
  } catch (error) {
    throw new ContainerConfigError(error instanceof Error ? error.message : String(error));
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
