/** What a LimitRange has against an object, in upstream's words. Pure. */
import type { LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../../api/generated/types/core.v1.ts';
import { podLimits, podRequests } from '../../../api/podResources.ts';
import { compareQuantities, formatQuantity, parseQuantity, type Quantity } from '../../../api/quantity.ts';

type Amount = Quantity | string;
type Amounts = Readonly<Record<string, Amount>>;

export function podLimitFaults(pod: Pod, { spec }: LimitRange): string[] {
  return (spec?.limits ?? []).flatMap(item => {
    switch (item.type) {
      case 'Container':
        return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].flatMap(({ resources }) =>
          faultsOf(item, resources?.requests ?? {}, resources?.limits ?? {}),
        );
      case 'Pod':
        return faultsOf(item, podRequests(pod, withoutOverhead), podLimits(pod, withoutOverhead));
      default:
        return [];
    }
  });
}

const withoutOverhead = { overhead: false, status: false };

export function claimLimitFaults({ spec: claim }: PersistentVolumeClaim, { spec }: LimitRange): string[] {
  const requests = claim?.resources?.requests ?? {};
  return (spec?.limits ?? []).flatMap(item =>
    item.type !== 'PersistentVolumeClaim'
      ? []
      : [
          ...each(item.min, (name, bound) => tooLittle(item.type, name, bound, requests, {})),
          ...each(item.max, (name, bound) => requestTooMuch(item.type, name, bound, requests)),
        ],
  );
}

function faultsOf(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [
    ...each(item.min, (name, bound) => tooLittle(item.type, name, bound, requests, limits)),
    ...each(item.max, (name, bound) => tooMuch(item.type, name, bound, requests, limits)),
    ...each(item.maxLimitRequestRatio, (name, bound) => tooFar(item.type, name, bound, requests, limits)),
  ];
}

/** Upstream goes through its maps in no order; we go by name, so that an error reads the same twice. */
function each(
  bounds: Readonly<Record<string, string>> | undefined,
  fault: (name: string, bound: string) => string | undefined,
): string[] {
  return Object.keys(bounds ?? {})
    .sort()
    .flatMap(name => fault(name, bounds?.[name] ?? '0') ?? []);
}

const quantityOf = (amount: Amount | undefined): Quantity =>
  typeof amount === 'object' ? amount : parseQuantity(amount ?? '0');
const shown = (amount: Amount): string => formatQuantity(quantityOf(amount));

function tooLittle(type: string, name: string, min: string, requests: Amounts, limits: Amounts): string | undefined {
  const [request, limit] = [requests[name], limits[name]];
  const fault = `minimum ${name} usage per ${type} is ${shown(min)}`;
  if (request === undefined) return `${fault}.  No request is specified`;
  if (compareQuantities(request, min) < 0) return `${fault}, but request is ${shown(request)}`;
  if (limit !== undefined && compareQuantities(limit, min) < 0) return `${fault}, but limit is ${shown(limit)}`;
}

function tooMuch(type: string, name: string, max: string, requests: Amounts, limits: Amounts): string | undefined {
  const [request, limit] = [requests[name], limits[name]];
  const fault = `maximum ${name} usage per ${type} is ${shown(max)}`;
  if (limit === undefined) return `${fault}.  No limit is specified`;
  if (compareQuantities(limit, max) > 0) return `${fault}, but limit is ${shown(limit)}`;
  if (request !== undefined && compareQuantities(request, max) > 0) return `${fault}, but request is ${shown(request)}`;
}

function requestTooMuch(type: string, name: string, max: string, requests: Amounts): string | undefined {
  const request = requests[name];
  const fault = `maximum ${name} usage per ${type} is ${shown(max)}`;
  if (request === undefined) return `${fault}.  No request is specified`;
  if (compareQuantities(request, max) > 0) return `${fault}, but request is ${shown(request)}`;
}

function tooFar(type: string, name: string, ratio: string, requests: Amounts, limits: Amounts): string | undefined {
  const fault = `${name} max limit to request ratio per ${type} is ${shown(ratio)}, but`;
  const request = quantityOf(requests[name]).nanos;
  const limit = quantityOf(limits[name]).nanos;
  if (request === 0n) return `${fault} no request is specified or request is 0`;
  if (limit === 0n) return `${fault} no limit is specified or limit is 0`;
  // limit / request > ratio, without a fraction
  if (limit * 1_000_000_000n > parseQuantity(ratio).nanos * request) {
    return `${fault} provided ratio is ${(Number(limit) / Number(request)).toFixed(6)}`;
  }
}
