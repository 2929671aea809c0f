/**
 * What Atoll's agent reads beyond upstream's kubelet, because it is the service proxy and the pod network too: upstream gives
 * that to separate users (`system:kube-proxy`, a CNI's service account). An ordinary role bound to `system:nodes`: who takes
 * the subject away leaves nodes with exactly what upstream's node authorizer grants.
 */
export const nodeAgentRole = 'atoll:node-agent';

export const nodeAgentRules: readonly string[] = [
  'read core endpoints,namespaces,nodes,services',
  'read discovery.k8s.io endpointslices',
  'read networking.k8s.io networkpolicies,servicecidrs',
];
