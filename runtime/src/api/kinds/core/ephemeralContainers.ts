/** Containers put into a running pod to look at it (`kubectl debug`, KEP-277): they come through their own subresource and stay. */
import type { Pod } from '../../generated/types/core.v1.ts';
import { forbidden, sameValue } from '../errors.ts';
import type { FieldError, KindPart } from '../kind.ts';
import { unifiedDiff } from '../lineDiff.ts';
import { MIRROR, podAnnotationUpdateErrors } from './podAnnotations.ts';
import { validatePodAlways } from './podValidation.ts';

const FIELD = 'spec.ephemeralContainers';

export const ephemeralContainers: KindPart<Pod> = {
  prepare(pod, old) {
    const added = pod.spec?.ephemeralContainers;
    if (!old.spec) return;
    const { ephemeralContainers: _, ...rest } = old.spec;
    pod.spec = { ...rest, ...(added?.length ? { ephemeralContainers: added } : {}) };
  },
  validate(pod, old) {
    if (old.metadata.annotations?.[MIRROR] !== undefined)
      return [forbidden('', 'static pods do not support ephemeral containers')];
    const errors: FieldError[] = [...validatePodAlways(pod), ...podAnnotationUpdateErrors(pod, old)];
    const now = new Map((pod.spec?.ephemeralContainers ?? []).map(c => [c.name, c]));
    for (const before of old.spec?.ephemeralContainers ?? []) {
      const kept = now.get(before.name);
      const name = JSON.stringify(before.name);
      if (!kept) errors.push(forbidden(FIELD, `existing ephemeral containers ${name} may not be removed\n`));
      else if (!sameValue(kept, before))
        errors.push(
          forbidden(FIELD, `existing ephemeral containers ${name} may not be changed\n${unifiedDiff(before, kept)}`),
        );
    }
    return errors;
  },
};
