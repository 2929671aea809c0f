/** Containers put into a running pod to look at it (`kubectl debug`, KEP-277): they come through their own subresource and stay. */
import type { EphemeralContainer, Pod } from '../../generated/types/core.v1.ts';
import { duplicate, forbidden, notFound, required, sameValue } from '../errors.ts';
import type { FieldError, KindPart } from '../kind.ts';

const FIELD = 'spec.ephemeralContainers';
/** What cannot be promised to a container that nobody planned for. */
const UNSUPPORTED = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resources'] as const;

export const ephemeralContainers: KindPart<Pod> = {
  prepare(pod, old) {
    const added = pod.spec?.ephemeralContainers;
    if (!old.spec) return;
    const { ephemeralContainers: _, ...rest } = old.spec;
    pod.spec = { ...rest, ...(added?.length ? { ephemeralContainers: added } : {}) };
  },
  validate(pod, old) {
    const now = pod.spec?.ephemeralContainers ?? [];
    const taken = new Set([...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(c => c.name));
    const errors: FieldError[] = [];
    for (const before of old.spec?.ephemeralContainers ?? []) {
      const kept = now.find(c => c.name === before.name);
      if (!kept) errors.push(forbidden(FIELD, `existing ephemeral containers ${quoted(before)} may not be removed`));
      else if (!sameValue(kept, before))
        errors.push(forbidden(FIELD, `existing ephemeral containers ${quoted(before)} may not be changed`));
    }
    for (const [i, container] of now.entries()) {
      const field = `${FIELD}[${i}]`;
      if (!container.image) errors.push(required(`${field}.image`));
      if (taken.has(container.name)) errors.push(duplicate(`${field}.name`, container.name));
      taken.add(container.name);
      const target = container.targetContainerName;
      if (target && !pod.spec?.containers.some(c => c.name === target))
        errors.push(notFound(`${field}.targetContainerName`, target));
      for (const name of UNSUPPORTED)
        if (isSet(container[name]))
          errors.push(forbidden(`${field}.${name}`, 'cannot be set for an Ephemeral Container'));
    }
    return errors;
  },
};

const quoted = ({ name }: EphemeralContainer): string => JSON.stringify(name);
const isSet = (value: unknown): boolean =>
  value !== undefined && !(typeof value === 'object' && value !== null && Object.keys(value).length === 0);
