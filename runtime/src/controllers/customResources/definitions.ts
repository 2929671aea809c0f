/** The CustomResourceDefinitions as their controllers see them: without schemas, which nobody here asks for. */
import type { CustomResourceDefinition } from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import type { Informer } from '../../client/informer.ts';
import type { Informers } from '../../client/informers.ts';
import type { ResourceRef } from '../../client/resources.ts';

export const CustomResourceDefinitions: ResourceRef<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  resource: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';
export const APPROVED_ANNOTATION = 'api-approved.kubernetes.io';

export const definitionsOf = (informers: Informers): Informer<CustomResourceDefinition> =>
  // Some of them are half a megabyte.
  informers.of(CustomResourceDefinitions, { transform: slim, pageSize: 10 });

function slim({ metadata, spec, status }: CustomResourceDefinition): CustomResourceDefinition {
  const { name, uid, resourceVersion, generation, deletionTimestamp, finalizers, annotations } = metadata;
  const approved = annotations?.[APPROVED_ANNOTATION];
  return {
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(generation === undefined ? {} : { generation }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(approved === undefined ? {} : { annotations: { [APPROVED_ANNOTATION]: approved } }),
    },
    spec: {
      group: spec.group,
      names: spec.names,
      scope: spec.scope,
      versions: spec.versions.map(({ name, served, storage }) => ({ name, served, storage })),
    },
    ...(status === undefined ? {} : { status }),
  };
}
