/**
 * Addresses and ports of services.
 *
 * Invariants:
 * - what is in use is what the store's services say, plus what writes under way have reserved: there is no second record that
 *   could disagree with the first, and a crash between reserving and writing leaves nothing behind;
 * - the service mirror hears of a write before its commit resolves, so nothing is free in between.
 */
import type { Service, ServiceSpec } from '../../api/generated/types/core.v1.ts';
import { needsClusterIp, needsHealthCheckPort, needsNodePorts } from '../../api/kinds/core/serviceTypes.ts';
import { invalid as fieldInvalid } from '../../api/kinds/errors.ts';
import type { FieldError } from '../../api/kinds/kind.ts';
import type { KubeObject } from '../../api/object.ts';
import { internalError, invalid } from '../../api/status.ts';
import type { Mirrors } from '../mirrors.ts';
import type { Reservation } from '../registry.ts';
import { settleFamilies } from './families.ts';
import { type AddressRange, parseRange } from './range.ts';

/** Both are in it. */
export interface NodePorts {
  readonly first: number;
  readonly last: number;
}
const usualPorts: NodePorts = { first: 30_000, last: 32_767 };

/** Of the range, how many are not given away unasked (KEP-3668). */
const staticPorts = ({ first, last }: NodePorts): number => {
  const size = last - first + 1;
  return size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128);
};
const PREFIX = '/registry/core/services/';

/** Whether a token is this service's, or can be. */
type Take = (token: string) => boolean;

const nothing: Reservation = { done: () => undefined, undo: () => undefined };

export class Allocations {
  readonly #mirrors: Mirrors;
  readonly #range: AddressRange;
  readonly #ports: NodePorts;
  /** In the store: by address or by `port/NUMBER`, how many services say so. */
  #used = new Map<string, number>();
  /** Of writes under way. */
  readonly #reserved = new Set<string>();
  readonly #byKey = new Map<string, readonly string[]>();

  constructor(mirrors: Mirrors, serviceCidr: string, ports: NodePorts = usualPorts) {
    this.#ports = ports;
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
    const own = new Set(before ? tokensOf(before) : []);
    const take = (token: string): boolean => {
      if (own.has(token) || taken.includes(token)) return true;
      if (this.#reserved.has(token) || this.#used.has(token)) return false;
      this.#reserved.add(token);
      taken.push(token);
      return true;
    };
    try {
      const errors = settleFamilies(spec, before, 'IPv4');
      if (errors.length === 0) errors.push(...this.#addressErrors(spec, take));
      if (errors.length === 0) errors.push(...this.#portErrors(spec, take));
      if (errors.length > 0) throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', errors);
      this.#healthCheckPort(spec, take);
    } catch (error) {
      undo();
      throw error;
    }
    return { done: undo, undo };
  }

  #addressErrors(spec: ServiceSpec, take: Take): FieldError[] {
    if (!needsClusterIp(spec) || spec.clusterIPs?.[0] === 'None') return [];
    const addresses = [...(spec.clusterIPs ?? [])];
    for (const [i] of (spec.ipFamilies ?? []).entries()) {
      const asked = addresses[i] ?? '';
      if (asked === '') {
        addresses[i] = this.#free(take);
        continue;
      }
      const reason = !this.#range.contains(asked)
        ? `the provided network does not match the current range: the valid range is ${this.#range.text}`
        : take(asked)
          ? undefined
          : 'provided IP is already allocated';
      if (reason !== undefined)
        return [fieldInvalid('spec.clusterIPs', addresses, `failed to allocate IP ${asked}: ${reason}`)];
    }
    if (addresses.length === 0) return [];
    spec.clusterIPs = addresses;
    spec.clusterIP = addresses[0];
    return [];
  }

  /** One port of the nodes a port of the service; the same for all protocols of one number. */
  #portErrors(spec: ServiceSpec, take: Take): FieldError[] {
    if (!needsNodePorts(spec)) return [];
    const allocates = spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false;
    const ports = spec.ports ?? [];
    const given = new Map<number, number>();
    for (const [i, port] of ports.entries()) {
      const known = given.get(port.port);
      // Asked for with another protocol of the same number, before or after.
      const asked = port.nodePort || known || ports.find(p => p.port === port.port && p.nodePort)?.nodePort;
      if (!asked) {
        if (!allocates) continue;
        port.nodePort = this.#freePort(take);
      } else {
        const { first, last } = this.#ports;
        if (asked < first || asked > last) {
          const text = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
          return [fieldInvalid(`spec.ports[${i}].nodePort`, asked, text)];
        }
        if (!port.nodePort && !allocates) continue;
        if (!take(portToken(asked)))
          return [fieldInvalid(`spec.ports[${i}].nodePort`, asked, 'provided port is already allocated')];
        port.nodePort = asked;
      }
      given.set(port.port, port.nodePort);
    }
    return [];
  }

  #healthCheckPort(spec: ServiceSpec, take: Take): void {
    if (!needsHealthCheckPort(spec)) return;
    const asked = spec.healthCheckNodePort ?? 0;
    const { first, last } = this.#ports;
    if (asked === 0) spec.healthCheckNodePort = this.#freePort(take);
    else if (asked < first || asked > last)
      throw internalError(
        `failed to allocate requested HealthCheck NodePort ${asked}: provided port is not in the valid range. The range of valid ports is ${first}-${last}`,
      );
    else if (!take(portToken(asked)))
      throw internalError(
        `failed to allocate requested HealthCheck NodePort ${asked}: provided port is already allocated`,
      );
  }

  /** Dynamic addresses come from the upper part of the range, so that the lower stays for those asked for by hand (KEP-3070). */
  #free(take: Take): string {
    const { size } = this.#range;
    const reserved = Math.min(Math.max(16, Math.floor(size / 16)), 256);
    const upper = size - 1 - reserved;
    const start = upper > 0 ? reserved + Math.floor(Math.random() * upper) : 1;
    for (let step = 0; step < size - 2; step++) {
      const offset = 1 + ((start - 1 + step) % (size - 2));
      const address = this.#range.at(offset);
      if (address !== this.apiServerAddress && !this.#isTaken(address) && take(address)) return address;
    }
    throw internalError(`failed to allocate a serviceIP: range is full (${this.#range.text})`);
  }

  /** The lowest ports are left to those who ask for them (KEP-3668), as long as there are others. */
  #freePort(take: Take): number {
    const { first, last } = this.#ports;
    const fixed = staticPorts(this.#ports);
    const upper = last - first + 1 - fixed;
    const start = Math.floor(Math.random() * upper);
    for (let step = 0; step < upper; step++) {
      const port = first + fixed + ((start + step) % upper);
      if (!this.#isTaken(portToken(port)) && take(portToken(port))) return port;
    }
    for (let port = first; port < first + fixed; port++)
      if (!this.#isTaken(portToken(port)) && take(portToken(port))) return port;
    throw internalError('failed to allocate a nodePort: range is full');
  }

  /** By anybody, this service included. */
  #isTaken(token: string): boolean {
    return this.#reserved.has(token) || this.#used.has(token);
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

const portToken = (nodePort: number): string => `port/${nodePort}`;

function tokensOf(spec: ServiceSpec): string[] {
  const tokens = spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? [spec.clusterIP ?? '']);
  const addresses = tokens.filter(address => address !== '' && address !== 'None');
  const ports = [...(spec.ports ?? []).map(port => port.nodePort ?? 0), spec.healthCheckNodePort ?? 0];
  return [...new Set([...addresses, ...ports.filter(port => port !== 0).map(portToken)])];
}
