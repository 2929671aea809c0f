/**
 * DefaultStorageClass and DefaultIngressClass: what names no class gets the one that is marked as the default
 * (https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass). Of several, the newest counts.
 */
import type { PersistentVolumeClaim } from '../../api/generated/types/core.v1.ts';
import type { Ingress } from '../../api/generated/types/networking.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Mirrors } from '../mirrors.ts';
import { type AdmissionPlugin, on, withMirror } from './admission.ts';

const STORAGE_DEFAULTS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const STORAGE_CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const INGRESS_DEFAULTS = ['ingressclass.kubernetes.io/is-default-class'];
const INGRESS_CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/** The newest that is marked; of two of the same second, the first by name. */
export function defaultClass(classes: Iterable<KubeObject>, annotations: readonly string[]): string | undefined {
  let best: KubeObject | undefined;
  for (const candidate of classes) {
    if (!annotations.some(name => candidate.metadata.annotations?.[name] === 'true')) continue;
    if (!best || isPreferred(candidate, best)) best = candidate;
  }
  return best?.metadata.name;
}

function isPreferred({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  const [madeA, madeB] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  return madeA === madeB ? (a.name ?? '') < (b.name ?? '') : madeA > madeB;
}

export function defaultStorageClass({ storageClasses }: Mirrors): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    handles: on('persistentvolumeclaims', 'CREATE'),
    mutate({ object }) {
      const { metadata, spec } = object as unknown as PersistentVolumeClaim;
      if (!spec || spec.storageClassName !== undefined) return;
      if (metadata.annotations?.[STORAGE_CLASS_ANNOTATION] !== undefined) return;
      return withMirror(storageClasses, () => {
        const name = defaultClass(storageClasses.values(), STORAGE_DEFAULTS);
        if (name !== undefined) spec.storageClassName = name;
      });
    },
  };
}

export function defaultIngressClass({ ingressClasses }: Mirrors): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    handles: on('ingresses.networking.k8s.io', 'CREATE'),
    mutate({ object }) {
      const ingress = object as unknown as Ingress;
      if (ingress.spec?.ingressClassName !== undefined) return;
      if (ingress.metadata.annotations?.[INGRESS_CLASS_ANNOTATION] !== undefined) return;
      return withMirror(ingressClasses, () => {
        const name = defaultClass(ingressClasses.values(), INGRESS_DEFAULTS);
        if (name !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: name };
      });
    },
  };
}
