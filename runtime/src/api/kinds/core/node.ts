/** Nodes (upstream: `pkg/registry/core/node`). */
import type { Node, Taint } from '../../generated/types/core.v1.ts';
import { labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import { ageColumn, column, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, sameValue } from '../errors.ts';
import { cidrWarnings, looseCidrErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';
import { taintEffectErrors } from './placementValidation.ts';
import { quantityErrors } from './resourceValidation.ts';

const ROLE = 'node-role.kubernetes.io/';

function status(node: Node): string {
  const ready = node.status?.conditions?.find(c => c.type === 'Ready');
  const words = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'];
  if (node.spec?.unschedulable) words.push('SchedulingDisabled');
  return words.join(',');
}

function roles(node: Node): string {
  const found = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(ROLE) && key.length > ROLE.length) return [key.slice(ROLE.length)];
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return [...new Set(found)].sort().join(',') || '<none>';
}

const address = (node: Node, type: string): string =>
  node.status?.addresses?.find(a => a.type === type)?.address ?? '<none>';

function taintErrors(taints: readonly Taint[] | undefined): FieldError[] {
  const seen = new Set<string>();
  return (taints ?? []).flatMap((taint, i) => {
    // Upstream names the place so.
    const path = at('metadata.taints', i);
    const { key = '', value = '', effect } = taint;
    const errors = invalidEach(child(path, 'key'), key, qualifiedNameErrors(key));
    const wrong = labelValueErrors(value);
    if (wrong.length > 0) errors.push(invalid(child(path, 'value'), value, wrong.join(';')));
    errors.push(...taintEffectErrors(effect, false, child(path, 'effect')));
    const id = `${key}:${effect}`;
    if (seen.has(id)) {
      const shown = JSON.stringify({
        Key: key,
        Value: value,
        Effect: effect ?? '',
        TimeAdded: taint.timeAdded ?? null,
      });
      errors.push({
        type: 'FieldValueDuplicate',
        field: path,
        message: `Duplicate value: ${shown}: taints must be unique by key and effect pair`,
      });
    }
    seen.add(id);
    return errors;
  });
}

function amountErrors({ status }: Node): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap(field =>
    Object.entries(status?.[field] ?? {}).flatMap(([name, amount]) =>
      quantityErrors(name, amount, `status.${field}.${name}`),
    ),
  );
}

function validate(node: Node): FieldError[] {
  const ranges = node.spec?.podCIDRs ?? [];
  const errors = [...taintErrors(node.spec?.taints), ...amountErrors(node)];
  for (const [i, range] of ranges.entries()) errors.push(...looseCidrErrors(at('spec.podCIDRs', i), range));
  const families = new Set(ranges.map(range => range.includes(':')));
  if (ranges.length > 1 && families.size < ranges.length)
    errors.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'));
  return errors;
}

function validateUpdate(node: Node, old: Node): FieldError[] {
  const errors = amountErrors(node);
  const seen = new Set<string>();
  for (const [i, address] of (node.status?.addresses ?? []).entries()) {
    const id = `${address.type}/${address.address}`;
    if (seen.has(id)) errors.push(duplicate(at('status.addresses', i), address));
    seen.add(id);
  }
  const [ranges, before] = [node.spec?.podCIDRs ?? [], old.spec?.podCIDRs ?? []];
  if (before.length > 0 && !sameValue(ranges, before))
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  const [provider, was] = [node.spec?.providerID ?? '', old.spec?.providerID ?? ''];
  if (was !== '' && provider !== was)
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  return [...errors, ...taintErrors(node.spec?.taints)];
}

/** The one range is the first of the list; old clients know the one only (upstream: the conversion of `NodeSpec`). */
function alignPodCidrs({ spec }: Node): void {
  if (!spec) return;
  if (spec.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
  else if (!spec.podCIDR && spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0];
}

function warnings(node: Node): string[] {
  const found: string[] = [];
  if (node.spec?.configSource) found.push('spec.configSource: the feature is no longer available');
  if (node.spec?.externalID) found.push('spec.externalID: this field is deprecated, and is unused by Kubernetes');
  for (const [i, range] of (node.spec?.podCIDRs ?? []).entries())
    found.push(...cidrWarnings(`spec.podCIDRs[${i}]`, range));
  return found;
}

export const node = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  shortNames: ['no'],
  selectableFieldNames: ['spec.unschedulable'],
  selectableFields: o => ({ 'spec.unschedulable': String(o.spec?.unschedulable ?? false) }),
  columns: [
    column('Status', 'string', 'The status of the node', status),
    column('Roles', 'string', 'The roles of the node', roles),
    ageColumn,
    column('Version', 'string', 'Kubelet Version reported by the node.', o => o.status?.nodeInfo?.kubeletVersion ?? ''),
    wide('Internal-IP', 'string', 'List of addresses reachable to the node.', o => address(o, 'InternalIP')),
    wide('External-IP', 'string', 'List of addresses reachable to the node.', o => address(o, 'ExternalIP')),
    wide('OS-Image', 'string', 'OS Image reported by the node.', o => o.status?.nodeInfo?.osImage || '<unknown>'),
    wide(
      'Kernel-Version',
      'string',
      'Kernel Version reported by the node.',
      o => o.status?.nodeInfo?.kernelVersion || '<unknown>',
    ),
    wide(
      'Container-Runtime',
      'string',
      'ContainerRuntime Version reported by the node.',
      o => o.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
    ),
  ],
  defaults: node => {
    const { status } = node;
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
    alignPodCidrs(node);
  },
  // Kubelets send their status along when they register.
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  validate,
  validateUpdate,
  validateUpdateAlone: true,
  validateStatusUpdate: validateUpdate,
  warnings,
});
