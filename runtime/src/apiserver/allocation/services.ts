/**
 * Addresses and ports of services.
 *
 * Invariants:
 * - what is in use is what the store's services say, plus what writes under way have reserved: there is no second record that
 *   could disagree with the first, and a crash between reserving and writing leaves nothing behind;
 * - the service mirror hears of a write before its commit resolves, so nothing is free in between.
 */
import type { Service, ServicePort, ServiceSpec } from '../../api/generated/types/core.v1.ts';
import type { FieldError } from '../../api/kinds/kind.ts';
import type { KubeObject } from '../../api/object.ts';
import { internalError, invalid } from '../../api/status.ts';
import type { Mirrors } from '../mirrors.ts';
import type { Reservation } from '../registry.ts';
import { type AddressRange, parseRange } from './range.ts';

const NODE_PORT_FIRST = 30_000;
const NODE_PORT_LAST = 32_767;
const PREFIX = '/registry/core/services/';

const nothing: Reservation = { done: () => undefined, undo: () => undefined };

export class Allocations {
  readonly #mirrors: Mirrors;
  readonly #range: AddressRange;
  /** In the store: by address or by `protocol/port`, how many services say so. */
  #used = new Map<string, number>();
  /** Of writes under way. */
  readonly #reserved = new Set<string>();
  readonly #byKey = new Map<string, readonly string[]>();

  constructor(mirrors: Mirrors, serviceCidr: string) {
    this.#mirrors = mirrors;
    this.#range = parseRange(serviceCidr);
    mirrors.services.listen({ changed: key => this.#changed(key), reset: () => this.#reset() });
  }

  /** `10.43.0.0/16` */
  get cidr(): string {
    return this.#range.text;
  }

  /** The first address: the `kubernetes` service's. */
  get apiServerAddress(): string {
    return this.#range.at(1);
  }

  start(): Promise<void> {
    return this.#mirrors.services.start();
  }

  /** Completes `service` with addresses and ports, in place. @throws StatusError 422 for what is taken or out of range. */
  reserve(object: KubeObject, old: KubeObject | undefined): Reservation {
    const service = object as unknown as Service;
    const spec = service.spec;
    if (!spec) return nothing;
    const before = (old as unknown as Service | undefined)?.spec;
    const taken: string[] = [];
    const undo = (): void => {
      for (const token of taken.splice(0)) this.#reserved.delete(token);
    };
    const take = (token: string): boolean => {
      if (this.#reserved.has(token) || this.#used.has(token)) return false;
      this.#reserved.add(token);
      taken.push(token);
      return true;
    };
    const own = new Set(before ? tokensOf(before) : []);
    const errors: FieldError[] = [];
    try {
      this.#address(spec, before, own, take, errors);
      this.#ports(spec, before, own, take, errors);
      if (errors.length > 0) throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', errors);
    } catch (error) {
      undo();
      throw error;
    }
    return { done: undo, undo };
  }

  #address(
    spec: ServiceSpec,
    before: ServiceSpec | undefined,
    own: ReadonlySet<string>,
    take: (token: string) => boolean,
    errors: FieldError[],
  ): void {
    if (spec.type === 'ExternalName') {
      if (before?.clusterIP !== undefined && spec.clusterIP === before.clusterIP) {
        delete spec.clusterIP;
        delete spec.clusterIPs;
      }
      return;
    }
    if ((spec.clusterIP ?? '') === '' && (spec.clusterIPs?.[0] ?? '') !== '')
      spec.clusterIP = spec.clusterIPs?.[0] ?? '';
    if ((spec.clusterIP ?? '') === '' && before?.clusterIP && before.type !== 'ExternalName') {
      spec.clusterIP = before.clusterIP; // an update that says nothing keeps it
    }
    const asked = spec.clusterIP ?? '';
    if (asked === '') {
      spec.clusterIP = this.#free(take);
    } else if (asked !== 'None' && !own.has(asked)) {
      const fault = (reason: string): void => {
        errors.push({
          type: 'FieldValueInvalid',
          field: 'spec.clusterIPs',
          message: `Invalid value: ${JSON.stringify([asked])}: failed to allocate IP ${asked}: ${reason}`,
        });
      };
      if (!this.#range.contains(asked)) {
        fault(`the provided network does not match the current range: the valid range is ${this.#range.text}`);
      } else if (!take(asked)) fault('provided IP is already allocated');
    }
    spec.clusterIPs = [spec.clusterIP ?? ''];
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
    spec.internalTrafficPolicy ??= 'Cluster';
  }

  #ports(
    spec: ServiceSpec,
    before: ServiceSpec | undefined,
    own: ReadonlySet<string>,
    take: (token: string) => boolean,
    errors: FieldError[],
  ): void {
    const wanted =
      spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && (spec.allocateLoadBalancerNodePorts ?? true));
    const had = before?.type === 'NodePort' || before?.type === 'LoadBalancer';
    for (const [index, port] of (spec.ports ?? []).entries()) {
      if (!wanted) {
        // No longer exposed: the ports go back, unless the client insists.
        if (had && spec.type !== 'LoadBalancer' && port.nodePort !== undefined) delete port.nodePort;
        continue;
      }
      if (port.nodePort === undefined || port.nodePort === 0) {
        const kept = before?.ports?.find(candidate => samePort(candidate, port))?.nodePort;
        if (kept !== undefined) {
          port.nodePort = kept;
          continue;
        }
        port.nodePort = this.#freePort(port, take);
      } else if (!own.has(portToken(port)) && !sharedByProtocols(spec, index)) {
        const fault = (reason: string): void => {
          errors.push({
            type: 'FieldValueInvalid',
            field: `spec.ports[${index}].nodePort`,
            message: `Invalid value: ${port.nodePort}: ${reason}`,
          });
        };
        if (port.nodePort < NODE_PORT_FIRST || port.nodePort > NODE_PORT_LAST) {
          fault(
            `provided port is not in the valid range. The range of valid ports is ${NODE_PORT_FIRST}-${NODE_PORT_LAST}`,
          );
        } else if (!take(portToken(port))) fault('provided port is already allocated');
      }
    }
  }

  /** Dynamic addresses come from the upper part of the range, so that the lower stays for those asked for by hand (KEP-3070). */
  #free(take: (token: string) => boolean): string {
    const { size } = this.#range;
    const reserved = Math.min(Math.max(16, Math.floor(size / 16)), 256);
    const upper = size - 1 - reserved;
    const start = upper > 0 ? reserved + Math.floor(Math.random() * upper) : 1;
    for (let step = 0; step < size - 2; step++) {
      const offset = 1 + ((start - 1 + step) % (size - 2));
      const address = this.#range.at(offset);
      if (address !== this.apiServerAddress && take(address)) return address;
    }
    throw internalError(`failed to allocate a serviceIP: range is full (${this.#range.text})`);
  }

  #freePort(port: ServicePort, take: (token: string) => boolean): number {
    const size = NODE_PORT_LAST - NODE_PORT_FIRST + 1;
    const start = Math.floor(Math.random() * size);
    for (let step = 0; step < size; step++) {
      const candidate = NODE_PORT_FIRST + ((start + step) % size);
      if (take(portToken({ ...port, nodePort: candidate }))) return candidate;
    }
    throw internalError('failed to allocate a nodePort: range is full');
  }

  #changed(key: string): void {
    for (const token of this.#byKey.get(key) ?? []) {
      const left = (this.#used.get(token) ?? 0) - 1;
      if (left > 0) this.#used.set(token, left);
      else this.#used.delete(token);
    }
    const spec = this.#mirrors.services.get(key)?.spec;
    const tokens = spec ? tokensOf(spec) : [];
    if (tokens.length > 0) this.#byKey.set(key, tokens);
    else this.#byKey.delete(key);
    for (const token of tokens) this.#used.set(token, (this.#used.get(token) ?? 0) + 1);
  }

  #reset(): void {
    this.#used = new Map();
    this.#byKey.clear();
    for (const service of this.#mirrors.services.values()) {
      this.#changed(`${PREFIX}${service.metadata.namespace}/${service.metadata.name}`);
    }
  }
}

const portToken = ({ nodePort, protocol }: ServicePort): string => `${protocol ?? 'TCP'}/${nodePort}`;

const samePort = (a: ServicePort, b: ServicePort): boolean =>
  a.port === b.port && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP') && (a.name ?? '') === (b.name ?? '');

/** The same port and protocol twice in one service (two names for one thing) is taken once. */
const sharedByProtocols = (spec: ServiceSpec, index: number): boolean => {
  const port = spec.ports?.[index];
  return port !== undefined && (spec.ports ?? []).slice(0, index).some(other => portToken(other) === portToken(port));
};

function tokensOf(spec: ServiceSpec): string[] {
  const tokens = spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? [spec.clusterIP ?? '']);
  const addresses = tokens.filter(address => address !== '' && address !== 'None');
  const ports = (spec.ports ?? []).filter(port => (port.nodePort ?? 0) !== 0).map(portToken);
  return [...new Set([...addresses, ...ports])];
}
