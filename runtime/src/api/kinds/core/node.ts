/** Nodes (upstream: `pkg/registry/core/node`). */
import type { Node } from '../../generated/types/core.v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { ageColumn, column, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, duplicate, forbidden, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const ROLE = 'node-role.kubernetes.io/';
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

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

function validate(node: Node): FieldError[] {
  const seen = new Set<string>();
  return (node.spec?.taints ?? []).flatMap((taint, i) => {
    const path = at('spec.taints', i);
    const errors = invalidEach(child(path, 'key'), taint.key, qualifiedNameErrors(taint.key));
    if (!taint.effect) errors.push(required(child(path, 'effect')));
    else if (!EFFECTS.includes(taint.effect)) errors.push(notSupported(child(path, 'effect'), taint.effect, EFFECTS));
    const id = `${taint.key}:${taint.effect}`;
    if (seen.has(id)) errors.push(duplicate(path, taint));
    seen.add(id);
    return errors;
  });
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
  defaults: ({ status }) => {
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
  },
  // Kubelets send their status along when they register.
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  validate,
  validateUpdate: (object, old) => {
    const before = old.spec?.podCIDRs ?? [];
    const changed = before.length > 0 && before.join() !== (object.spec?.podCIDRs ?? []).join();
    return changed ? [forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')] : [];
  },
});
