/**
 * Which IP families a service has (upstream: `initIPFamilyFields`; KEP-563), on a cluster whose service addresses are of one family.
 * In place; `clusterIPs` may be shortened, never filled.
 */
import { isIP } from 'node:net';
import type { ServiceSpec } from '../../api/generated/types/core.v1.ts';
import { clusterIpErrors } from '../../api/kinds/core/serviceValidation.ts';
import { invalid, sameValue } from '../../api/kinds/errors.ts';
import type { FieldError } from '../../api/kinds/kind.ts';

type Family = 'IPv4' | 'IPv6';

const POLICY = 'spec.ipFamilyPolicy';
const otherThan = (family: Family): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4');

/** A service that takes what it gets keeps what it got, until it says something new. */
function keepsItsFamilies(spec: ServiceSpec, old: ServiceSpec | undefined): boolean {
  return (
    old !== undefined &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    old.ipFamilyPolicy === 'PreferDualStack' &&
    sameValue(spec.clusterIPs, old.clusterIPs) &&
    sameValue(spec.ipFamilies, old.ipFamilies)
  );
}

function defaultPolicy(spec: ServiceSpec, old: ServiceSpec | undefined): NonNullable<ServiceSpec['ipFamilyPolicy']> {
  if (old?.ipFamilyPolicy !== undefined) return old.ipFamilyPolicy;
  // Nobody knows the endpoints of a headless service without a selector: they may be of any family.
  return withoutEndpoints(spec) ? 'RequireDualStack' : 'SingleStack';
}

const withoutEndpoints = (spec: ServiceSpec): boolean =>
  spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;

/** From two to one is a wish that must be spoken. */
function releaseErrors(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameValue(spec.clusterIPs, old.clusterIPs)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1);
    if (sameValue(spec.ipFamilies, old.ipFamilies)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1);
    return errors;
  }
  const reduced = (now: readonly string[] | undefined, before: readonly string[] | undefined): boolean =>
    now?.length !== 0 && now !== undefined && now.length < (before?.length ?? 0) && now[0] === before?.[0];
  if (reduced(spec.clusterIPs, old.clusterIPs))
    errors.push(invalid(POLICY, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP"));
  if (reduced(spec.ipFamilies, old.ipFamilies))
    errors.push(invalid(POLICY, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family"));
  return errors;
}

function singleStackErrors(spec: ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const text = (what: string): string =>
    `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
  const errors: FieldError[] = [];
  if (spec.clusterIPs?.length === 2) errors.push(invalid(POLICY, spec.ipFamilyPolicy, text('cluster IPs')));
  if (spec.ipFamilies?.length === 2) errors.push(invalid(POLICY, spec.ipFamilyPolicy, text('IP families')));
  return errors;
}

/** @param cluster the family of the cluster's service addresses. */
export function settleFamilies(spec: ServiceSpec, old: ServiceSpec | undefined, cluster: Family): FieldError[] {
  if (spec.type === 'ExternalName' || keepsItsFamilies(spec, old)) return [];
  spec.ipFamilyPolicy ??= defaultPolicy(spec, old);
  const wrong = clusterIpErrors(spec, old);
  if (wrong.length > 0) return wrong;
  const errors = [...(old ? releaseErrors(spec, old) : []), ...singleStackErrors(spec)];
  const families: Family[] = [...((spec.ipFamilies as Family[] | undefined) ?? [])];
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === 'None') break;
    if (i < families.length) continue;
    const family: Family = isIP(ip) === 6 ? 'IPv6' : 'IPv4';
    if (family === cluster) families.push(family);
    else errors.push(invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
  }
  if (errors.length > 0) return errors;
  if (withoutEndpoints(spec)) {
    const first = families[0] ?? cluster;
    spec.ipFamilies = families.length === 0 ? [first] : families;
    if (families.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') spec.ipFamilies = [first, otherThan(first)];
    return [];
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack')
    errors.push(invalid(POLICY, spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  for (const [i, family] of families.entries())
    if (family !== cluster) errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  if (errors.length === 0) spec.ipFamilies = families.length === 0 ? [cluster] : families;
  return errors;
}
