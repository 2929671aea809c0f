/**
 * One rule in one line, so that the bootstrap policy can be read as a table:
 *
 *     get,list,watch  apps,extensions  deployments,deployments/scale
 *     get,update      coordination.k8s.io  leases  kube-scheduler       (resource names)
 *     get             /livez,/readyz                                     (paths)
 *
 * `core` stands for the core group; `read`, `write`, `readwrite` and `readupdate` for what upstream calls so.
 */
import type { PolicyRule } from '../../../api/generated/types/rbac.v1.ts';

const READ = 'get,list,watch';
const WRITE = 'create,delete,deletecollection,patch,update';
const words: Readonly<Record<string, string>> = {
  read: READ,
  write: WRITE,
  readwrite: `${READ},${WRITE}`,
  readupdate: `${READ},patch,update`,
};

/** Everything that tells what happened. */
export const EVENTS = 'create,patch,update core,events.k8s.io events';

/** Every list sorted, as upstream stores them. @throws Error for a line that is no rule. */
export function ruleOf(line: string): PolicyRule {
  const [verbs = '', groups, resources, names, ...rest] = line.trim().split(/\s+/);
  if (verbs === '' || groups === undefined || rest.length > 0) throw new Error(`this is no rule: ${line}`);
  const list = (text: string): string[] => text.split(',').sort();
  const asked = verbs
    .split(',')
    .map(verb => words[verb] ?? verb)
    .join();
  if (resources === undefined) return { verbs: list(asked), nonResourceURLs: list(groups) };
  return {
    verbs: list(asked),
    apiGroups: list(groups)
      .map(group => (group === 'core' ? '' : group))
      .sort(),
    resources: list(resources),
    ...(names === undefined ? {} : { resourceNames: list(names) }),
  };
}
