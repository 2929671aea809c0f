/** A pod's binding to a node. */
import type { Binding, Pod, PodCondition } from '../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { findResource } from '../../api/resources.ts';
import { badRequest, conflict, invalid } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerObject } from '../answer.ts';
import { decodeBody } from '../body.ts';
import { askedOf, type Context } from '../context.ts';
import { timestamp } from '../objectMeta.ts';
import { updateObject } from '../registry.ts';

const bindingKind = { group: '', version: 'v1', kind: 'Binding', definition: 'io.k8s.api.core.v1.Binding' };

const created = (context: Context): Promise<Response> =>
  answerObject(
    askedOf(context),
    { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as unknown as KubeObject,
    201,
  );

/** POST pods/NAME/binding, and POST bindings (the older way, with the name in the body). */
export async function bindPod(context: Context): Promise<Response> {
  const { info, parts, request, warnings } = context;
  const binding = (await decodeBody(request, bindingKind, warnings)) as unknown as Binding;
  const name = info.name === '' ? (binding.metadata.name ?? '') : info.name;
  const pods = findResource('', 'v1', 'pods') ?? context.resource;
  if ((binding.metadata.name ?? name) !== name) throw badRequest('name in URL does not match name in Binding object');
  const { kind = '', name: nodeName = '' } = binding.target ?? {};
  if (kind !== '' && kind !== 'Node') {
    throw invalid({ group: '', kind: 'Binding' }, name, [
      {
        type: 'FieldValueNotSupported',
        field: 'target.kind',
        message: `Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`,
      },
    ]);
  }
  if (nodeName === '') {
    throw invalid({ group: '', kind: 'Binding' }, name, [
      { type: 'FieldValueRequired', field: 'target.name', message: 'Required value' },
    ]);
  }
  await updateObject({ ...context, resource: pods }, name, {
    subresource: 'binding',
    trusted: true,
    change: old => {
      const pod = old as unknown as Pod;
      const { uid } = binding.metadata;
      if (uid !== undefined && uid !== pod.metadata.uid) {
        throw conflict(
          pods,
          name,
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
        );
      }
      delete pod.metadata.resourceVersion;
      if (pod.metadata.deletionTimestamp !== undefined) {
        throw conflict(pods, name, `pod ${name} is being deleted, cannot be assigned to a host`);
      }
      const spec = pod.spec ?? { containers: [] };
      if ((spec.nodeName ?? '') !== '') {
        throw conflict(pods, name, `pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
      }
      if ((spec.schedulingGates ?? []).length > 0) {
        throw conflict(pods, name, `pod ${name} has non-empty .spec.schedulingGates`);
      }
      pod.spec = { ...spec, nodeName };
      if (binding.metadata.annotations) {
        pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
      }
      if (binding.metadata.labels) pod.metadata.labels = { ...pod.metadata.labels, ...binding.metadata.labels };
      const conditions = (pod.status?.conditions ?? []).filter(condition => condition.type !== 'PodScheduled');
      const scheduled: PodCondition = {
        type: 'PodScheduled',
        status: 'True',
        lastTransitionTime: timestamp(parts.clock.now()),
      };
      pod.status = { ...pod.status, conditions: [...conditions, scheduled] };
      return pod as unknown as KubeObject;
    },
  });
  return created(context);
}
