/** The `scale` subresource: the number of replicas as an `autoscaling/v1` Scale. */

import type { LabelSelector } from '../../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { Scale } from '../../api/generated/types/autoscaling.v1.ts';
import type { ScalePaths } from '../../api/kinds/kind.ts';
import type { KubeObject } from '../../api/object.ts';
import { formatLabelSelector } from '../../api/selectors.ts';
import { badRequest, internalError, invalid, notFound } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerObject } from '../answer.ts';
import { decodeBody, type Expected } from '../body.ts';
import { askedOf, type Context } from '../context.ts';
import { keyOf } from '../keys.ts';
import { updateObject } from '../registry.ts';
import { deserialize } from '../serialized.ts';
import { isApply, readPatch } from './patch.ts';

const expected: Expected = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  definition: 'io.k8s.api.autoscaling.v1.Scale',
};

export async function scale(context: Context): Promise<Response> {
  const { info, resource, parts, request, warnings } = context;
  if (info.verb === 'get') {
    const found = await parts.store.get(keyOf(resource, info.namespace, info.name));
    if (!found) throw notFound(resource, info.name);
    return answer(context, readScale(context, deserialize(found.value, found.modRevision)));
  }
  if (info.verb === 'patch' && isApply(context)) {
    const { applyToScale } = await import('./applyScale.ts');
    const applied = await applyToScale(context, expected, next => checkReplicas(info.name, next));
    return answer(context, scaleOf(deserialize(applied.value, applied.revision), context.kind?.scale));
  }
  let wanted: (current: KubeObject) => KubeObject;
  if (info.verb === 'update') {
    const sent = await decodeBody(request, expected, warnings);
    wanted = () => sent;
  } else {
    const patch = readPatch(context);
    wanted = current => patch(current, expected, warnings);
  }
  const updated = await updateObject(context, info.name, {
    subresource: '',
    change: old => {
      const current = scaleOf(old, context.kind?.scale) as unknown as KubeObject;
      const before = current.metadata.resourceVersion;
      const next = wanted(current);
      if ((next.metadata.name ?? info.name) !== info.name) {
        throw badRequest(
          `the name of the object (${next.metadata.name}) does not match the name on the URL (${info.name})`,
        );
      }
      const replicas = checkReplicas(info.name, next as unknown as Scale);
      const given = next.metadata.resourceVersion;
      // Patched without naming a revision: whatever is there.
      if (info.verb === 'patch' && given === before) delete old.metadata.resourceVersion;
      else if (given === undefined) delete old.metadata.resourceVersion;
      else old.metadata.resourceVersion = given;
      setReplicas(context, old, replicas);
      return old;
    },
  });
  return answer(context, scaleOf(deserialize(updated.value, updated.revision), context.kind?.scale));
}

/** @throws StatusError 422 for less than none */
function checkReplicas(name: string, { spec }: Scale): number {
  const replicas = spec?.replicas ?? 0;
  if (replicas >= 0) return replicas;
  const message = `Invalid value: ${replicas}: must be greater than or equal to 0`;
  throw invalid(expected, name, [{ type: 'FieldValueInvalid', field: 'spec.replicas', message }]);
}

const answer = (context: Context, object: Scale): Promise<Response> =>
  answerObject(askedOf(context), object as unknown as KubeObject);

/** A custom resource without a number of replicas has no scale. */
function readScale({ kind }: Context, object: KubeObject): Scale {
  const paths = kind?.scale;
  if (paths && paths.replicas(object) === undefined) {
    throw internalError(`the spec replicas field ${JSON.stringify(paths.specReplicasPath)} does not exist`);
  }
  return scaleOf(object, paths);
}

function setReplicas({ kind }: Context, object: KubeObject, replicas: number): void {
  if (!kind?.scale) {
    object.spec = { ...(object.spec as object | undefined), replicas };
    return;
  }
  try {
    kind.scale.setReplicas(object, replicas);
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
}

function scaleOf(object: KubeObject, paths: ScalePaths | undefined): Scale {
  const spec = (object.spec ?? {}) as { replicas?: number; selector?: LabelSelector | Record<string, string> };
  const status = (object.status ?? {}) as { replicas?: number };
  const replicas = paths ? paths.replicas(object) : spec.replicas;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths ? paths.selector(object) : selectorText(object.kind, spec.selector);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { ...(replicas === undefined ? {} : { replicas }) },
    status: {
      replicas: paths ? paths.statusReplicas(object) : (status.replicas ?? 0),
      ...(selector === '' ? {} : { selector }),
    },
  };
}

function selectorText(kind: string, selector: LabelSelector | Record<string, string> | undefined): string {
  if (selector === undefined) return '';
  if (kind === 'ReplicationController') return formatLabelSelector({ matchLabels: selector as Record<string, string> });
  return formatLabelSelector(selector as LabelSelector);
}
