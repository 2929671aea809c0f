/**
 * What a proxy subresource reaches: `[scheme:]name[:port]` of a node, a pod or a service, as upstream reads it (apimachinery's
 * `SplitSchemeNamePort`, the registries' `ResourceLocation`). Pure: objects in, an address out.
 */

import type { Endpoints, Node, Pod, Service } from '../../api/generated/types/core.v1.ts';
import type { Endpoint, EndpointSlice } from '../../api/generated/types/discovery.v1.ts';
import { parseIp } from '../../api/ip.ts';
import { badRequest, serviceUnavailable } from '../../api/status.ts';

export interface Target {
  readonly scheme: 'http' | 'https';
  /** Address and port; `undefined`: the kubelet of {@link nodeName}, at the other end of its tunnel. */
  readonly address: { readonly ip: string; readonly port: number } | undefined;
  /** The node it is reached through; `undefined`: from here. */
  readonly nodeName: string | undefined;
}

export interface Asked {
  /** Empty where none is said. */
  readonly scheme: string;
  readonly name: string;
  readonly port: string;
}

/** @throws StatusError 400 `invalid pod request "…"` */
export function splitName(id: string, kind: 'node' | 'pod' | 'service'): Asked {
  const parts = id.split(':');
  const [scheme, name, port] =
    parts.length === 1 ? ['', parts[0], ''] : parts.length === 2 ? ['', parts[0], parts[1]] : parts;
  const known = scheme === '' || scheme === 'http' || scheme === 'https';
  if (parts.length > 3 || !known || !name) throw badRequest(`invalid ${kind} request ${JSON.stringify(id)}`);
  return { scheme, name, port: port ?? '' };
}

function schemeOf({ scheme }: Asked): 'http' | 'https' {
  return scheme === 'https' ? 'https' : 'http';
}

/** A port in digits. @throws StatusError 400 */
function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65535) return port;
  throw badRequest(`invalid port ${JSON.stringify(text)}: it must be a number from 1 to 65535`);
}

/** Nothing is reached that is the server itself, or that another name would have to resolve (upstream: `IsProxyableIP`). */
function checkAddress(ip: string): void {
  const parsed = parseIp(ip);
  const notAllowed = badRequest('address not allowed');
  if (!parsed || parsed.bits === 0n) throw notAllowed;
  const { family, bits } = parsed;
  if (family === 4 && (bits >> 24n === 127n || bits >> 16n === 0xa9fen || bits >> 8n === 0xe00000n)) throw notAllowed;
  if (family === 6 && (bits === 1n || bits >> 118n === 0x3fan || bits >> 112n === 0xff02n)) throw notAllowed;
}

export function podTarget(asked: Asked, pod: Pod): Target {
  const first = (pod.spec?.containers ?? []).find(container => (container.ports?.length ?? 0) > 0);
  const declared = first?.ports?.[0]?.containerPort;
  const scheme = schemeOf(asked);
  const text = asked.port === '' ? String(declared ?? (scheme === 'https' ? 443 : 80)) : asked.port;
  const ip = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '';
  checkAddress(ip);
  return { scheme, address: { ip, port: portNumber(text) }, nodeName: pod.spec?.nodeName };
}

/** Addresses of other ports than the kubelet's are reached through the node too. */
export function nodeTarget(asked: Asked, node: Node): Target {
  const nodeName = node.metadata.name ?? '';
  const kubeletPort = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10_250;
  if (asked.port === '' || Number(asked.port) === kubeletPort) return { scheme: 'http', address: undefined, nodeName };
  const addresses = node.status?.addresses ?? [];
  const ip = (addresses.find(a => a.type === 'InternalIP') ?? addresses.find(a => a.type === 'ExternalIP'))?.address;
  checkAddress(ip ?? '');
  return { scheme: schemeOf(asked), address: { ip: ip ?? '', port: portNumber(asked.port) }, nodeName };
}

interface Candidate {
  readonly ip: string;
  readonly port: number;
  readonly nodeName: string | undefined;
}

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready !== false;

function ofSlices(slices: readonly EndpointSlice[], portName: string): Candidate[] {
  return slices.flatMap(({ ports, endpoints, addressType }) => {
    const port = (ports ?? []).find(p => (p.name ?? '') === portName)?.port;
    if (port === undefined || addressType === 'FQDN') return [];
    return (endpoints ?? [])
      .filter(isReady)
      .flatMap(({ addresses, nodeName }) => addresses.slice(0, 1).map(ip => ({ ip, port, nodeName })));
  });
}

function ofEndpoints(endpoints: Endpoints | undefined, portName: string): Candidate[] {
  return (endpoints?.subsets ?? []).flatMap(({ ports, addresses }) => {
    const port = (ports ?? []).find(p => (p.name ?? '') === portName)?.port;
    return port === undefined ? [] : (addresses ?? []).map(({ ip, nodeName }) => ({ ip, port, nodeName }));
  });
}

/**
 * One of the service's endpoints, at random.
 * @param slices with the label `kubernetes.io/service-name`. @throws StatusError 503 where there is none.
 */
export function serviceTarget(
  asked: Asked,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  endpoints: Endpoints | undefined,
  random: () => number = Math.random,
): Target {
  let portName = asked.port;
  if (/^-?\d+$/.test(asked.port)) {
    const found = (service?.spec?.ports ?? []).find(port => port.port === Number(asked.port));
    if (!found)
      throw serviceUnavailable(`no service port ${asked.port} found for service ${JSON.stringify(asked.name)}`);
    portName = found.name ?? '';
  }
  const known = ofSlices(slices, portName);
  const candidates = known.length > 0 ? known : ofEndpoints(endpoints, portName);
  const chosen = candidates[Math.floor(random() * candidates.length)];
  if (!chosen) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(asked.name)}`);
  checkAddress(chosen.ip);
  return {
    scheme: schemeOf(asked),
    address: { ip: chosen.ip, port: chosen.port },
    nodeName: chosen.nodeName,
  };
}
