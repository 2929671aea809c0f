/** Pods that must be, or must not be, where others are (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity). */
import type { FilterPlugin, Refusal } from '../plugin.ts';
import { requiredAffinity, requiredAntiAffinity, termMeans, topologyOf } from '../podAffinityTerms.ts';

const affinityRefusal: Refusal = { reasons: ["node(s) didn't match pod affinity rules"], unresolvable: true };
const antiAffinityRefusal: Refusal = { reasons: ["node(s) didn't match pod anti-affinity rules"] };
const existingRefusal: Refusal = { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"] };

export const interPodAffinity: FilterPlugin = {
  name: 'InterPodAffinity',
  prepare: (pod, snapshot) => {
    const affinity = requiredAffinity(pod);
    const antiAffinity = requiredAntiAffinity(pod);
    /** By topology key: the values of it where a pod that is meant runs. */
    const forbidden: { readonly key: string; readonly value: string }[] = [];
    const near = affinity.map(() => new Set<string>());
    const far = antiAffinity.map(() => new Set<string>());
    let anyNear = false;
    for (const node of snapshot.nodes) {
      for (const other of node.pods) {
        for (const term of requiredAntiAffinity(other)) {
          const value = topologyOf(node, term.topologyKey);
          if (value !== undefined && termMeans(term, other, pod, snapshot))
            forbidden.push({ key: term.topologyKey, value });
        }
        for (const [index, term] of antiAffinity.entries()) {
          const value = topologyOf(node, term.topologyKey);
          if (value !== undefined && termMeans(term, pod, other, snapshot)) far[index]?.add(value);
        }
        // Affinity terms hold together: a pod counts where all of them mean it.
        if (affinity.length > 0 && affinity.every(term => termMeans(term, pod, other, snapshot))) {
          for (const [index, term] of affinity.entries()) {
            const value = topologyOf(node, term.topologyKey);
            if (value === undefined) continue;
            near[index]?.add(value);
            anyNear = true;
          }
        }
      }
    }
    if (affinity.length === 0 && antiAffinity.length === 0 && forbidden.length === 0) return undefined;
    // The first of a group that wants to be with itself may start anywhere.
    const isFirst = !anyNear && affinity.every(term => termMeans(term, pod, pod, snapshot));
    return node => {
      for (const [index, term] of affinity.entries()) {
        const value = topologyOf(node, term.topologyKey);
        if (value === undefined || !(near[index]?.has(value) || isFirst)) return affinityRefusal;
      }
      for (const [index, term] of antiAffinity.entries()) {
        const value = topologyOf(node, term.topologyKey);
        if (value !== undefined && far[index]?.has(value)) return antiAffinityRefusal;
      }
      return forbidden.some(({ key, value }) => topologyOf(node, key) === value) ? existingRefusal : undefined;
    };
  },
};
