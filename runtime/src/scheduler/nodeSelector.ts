/** Node selectors (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity); pure. */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../api/generated/types/core.v1.ts';

function holds({ key, operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const [mine, wanted] = [Number(value), Number(values[0])];
      if (value === undefined || !Number.isInteger(mine) || !Number.isInteger(wanted)) return false;
      return operator === 'Gt' ? mine > wanted : mine < wanted;
    }
    default:
      throw new Error(`"${String(operator)}" is not a valid node selector operator (key ${key})`);
  }
}

/** A term without requirements matches nothing. */
export function termMatches({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every(requirement => holds(requirement, node.metadata.labels?.[requirement.key])) &&
    matchFields.every(field => holds(field, field.key === 'metadata.name' ? node.metadata.name : undefined))
  );
}

/** `spec.nodeSelector` and the required node affinity. */
export function selectsNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [name, value] of Object.entries(pod.spec?.nodeSelector ?? {})) if (labels[name] !== value) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some(term => termMatches(term, node));
}
