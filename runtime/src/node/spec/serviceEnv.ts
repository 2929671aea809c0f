/** `REDIS_SERVICE_HOST` and its like (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables). */
import type { Service } from '../../api/generated/types/core.v1.ts';

/** Variables of the services of the pod's namespace; of `kubernetes` alone where `enableServiceLinks` is false. */
export function serviceVariables(
  services: Iterable<Service>,
  namespace: string,
  enableServiceLinks: boolean,
): Record<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const { name = '', namespace: of } = service.metadata;
    if (!service.spec?.clusterIP || service.spec.clusterIP === 'None') continue;
    const master = of === 'default' && name === 'kubernetes';
    if (of === namespace && (enableServiceLinks || master)) chosen.set(name, service);
    else if (master && !chosen.has(name)) chosen.set(name, service);
  }
  const out: Record<string, string> = {};
  for (const [name, service] of [...chosen].sort(([a], [b]) => (a < b ? -1 : 1)))
    Object.assign(out, variablesOf(name, service));
  return out;
}

function variablesOf(name: string, service: Service): Record<string, string> {
  const prefix = upper(name);
  const address = service.spec?.clusterIP ?? '';
  const host = address.includes(':') ? `[${address}]` : address;
  const ports = service.spec?.ports ?? [];
  const first = ports[0];
  const out: Record<string, string> = { [`${prefix}_SERVICE_HOST`]: address };
  if (!first) return out;
  out[`${prefix}_SERVICE_PORT`] = String(first.port);
  for (const port of ports) if (port.name) out[`${prefix}_SERVICE_PORT_${upper(port.name)}`] = String(port.port);
  for (const [i, port] of ports.entries()) {
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    const url = `${protocol}://${host}:${port.port}`;
    if (i === 0) out[`${prefix}_PORT`] = url;
    const stem = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
    out[stem] = url;
    out[`${stem}_PROTO`] = protocol;
    out[`${stem}_PORT`] = String(port.port);
    out[`${stem}_ADDR`] = address;
  }
  return out;
}

function upper(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
