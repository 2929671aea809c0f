/**
 * NodeRestriction: a node creates and changes only its own objects, and of those only what is a node's to say
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).
 */
import type { Node, PersistentVolumeClaim, Pod } from '../../api/generated/types/core.v1.ts';
import { sameValue } from '../../api/kinds/errors.ts';
import { forbiddenLabels } from '../../api/nodeLabels.ts';
import { referencesOf } from '../../api/podReferences.ts';
import { conflict, forbidden, notFound } from '../../api/status.ts';
import { requestSubjectOf } from '../../lib/x509.ts';
import type { Store } from '../../store/store.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { nodeNameOf } from '../authorization/node.ts';
import { keyOf } from '../keys.ts';
import { deserialize } from '../serialized.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';

const MIRROR = 'kubernetes.io/config.mirror';
const LEASES = 'kube-node-lease';

export interface NodeRestrictionOptions {
  readonly store: Store;
  readonly authorizer: Authorizer;
}

type Rule = (node: string, attributes: AdmissionAttributes, options: NodeRestrictionOptions) => void | Promise<void>;

const rules: Readonly<Record<string, Rule>> = {
  '/pods': pods,
  '/nodes': nodes,
  '/persistentvolumeclaims': claims,
  '/serviceaccounts': tokens,
  'coordination.k8s.io/leases': leases,
  'storage.k8s.io/csinodes': csiNodes,
  'resource.k8s.io/resourceslices': slices,
  'certificates.k8s.io/certificatesigningrequests': signingRequests,
};

export function nodeRestriction(options: NodeRestrictionOptions): AdmissionPlugin {
  const check = (attributes: AdmissionAttributes): void | Promise<void> => {
    const node = nodeNameOf(attributes.user);
    if (node === undefined) return undefined;
    if (node === '') {
      throw refuse(attributes, `could not determine node from user ${JSON.stringify(attributes.user.name)}`);
    }
    return rules[`${attributes.resource.group}/${attributes.resource.resource}`]?.(node, attributes, options);
  };
  return {
    name: 'NodeRestriction',
    // Before the server takes out what a node may not change anyway: it is told, not ignored.
    mutate: check,
    validate: attributes => (attributes.operation === 'DELETE' ? check(attributes) : undefined),
  };
}

const refuse = ({ resource, name }: AdmissionAttributes, why: string): Error => forbidden(resource, name, why);

function pods(node: string, attributes: AdmissionAttributes, options: NodeRestrictionOptions): void | Promise<void> {
  const { operation, subresource, object, old } = attributes;
  const who = `node ${JSON.stringify(node)}`;
  const oldPod = old as unknown as Pod | undefined;
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return mirrorPod(node, attributes, options);
      if (operation !== 'DELETE') {
        throw refuse(
          attributes,
          `unexpected operation ${JSON.stringify(operation)}, ${who} can only create and delete mirror pods`,
        );
      }
      if (oldPod?.spec?.nodeName !== node) {
        throw refuse(attributes, `${who} can only delete pods with spec.nodeName set to itself`);
      }
      return;
    case 'status': {
      if (operation !== 'UPDATE') throw refuse(attributes, `unexpected operation ${JSON.stringify(operation)}`);
      if (oldPod?.spec?.nodeName !== node) {
        throw refuse(attributes, `${who} can only update pod status for pods with spec.nodeName set to itself`);
      }
      const pod = object as unknown as Pod;
      if (!sameValue(pod.metadata.labels, oldPod.metadata.labels)) {
        throw refuse(attributes, `${who} cannot update labels through pod status`);
      }
      if (!sameValue(pod.status?.resourceClaimStatuses, oldPod.status?.resourceClaimStatuses)) {
        throw refuse(attributes, `${who} cannot update resource claim statues`);
      }
      if (!sameValue(pod.status?.extendedResourceClaimStatus, oldPod.status?.extendedResourceClaimStatus)) {
        throw refuse(attributes, `${who} cannot update extended resource claim status`);
      }
      return;
    }
    case 'eviction':
      return ownEviction(node, attributes, options);
    default:
      throw refuse(
        attributes,
        `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`,
      );
  }
}

async function ownEviction(
  node: string,
  attributes: AdmissionAttributes,
  { store }: NodeRestrictionOptions,
): Promise<void> {
  const { namespace, name } = attributes;
  const pod = await read<Pod>(store, 'pods', namespace, name);
  if (!pod) throw notFound({ group: '', resource: 'pods' }, name);
  if (pod.spec?.nodeName !== node) {
    throw refuse(attributes, `node ${node} can only evict pods with spec.nodeName set to itself`);
  }
}

/** A static pod's shadow in the API: the node's own, and it gives the node access to nothing. */
async function mirrorPod(
  node: string,
  attributes: AdmissionAttributes,
  { store }: NodeRestrictionOptions,
): Promise<void> {
  const pod = attributes.object as unknown as Pod;
  const { annotations, ownerReferences = [] } = pod.metadata;
  const who = `node ${JSON.stringify(node)}`;
  if (annotations?.[MIRROR] === undefined) {
    throw refuse(
      attributes,
      `pod does not have ${JSON.stringify(MIRROR)} annotation, ${who} can only create mirror pods`,
    );
  }
  if (pod.spec?.nodeName !== node) {
    throw refuse(attributes, `${who} can only create pods with spec.nodeName set to itself`);
  }
  const [owner, ...others] = ownerReferences;
  if (others.length > 0)
    throw refuse(attributes, `${who} can only create pods with a single owner reference set to itself`);
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    throw refuse(attributes, `${who} can only create pods with an owner reference set to itself`);
  }
  if (owner.controller !== true) {
    throw refuse(attributes, `${who} can only create pods with a controller owner reference set to itself`);
  }
  if (owner.blockOwnerDeletion === true) {
    throw refuse(attributes, `${who} must not set blockOwnerDeletion on an owner reference`);
  }
  const own = await read<Node>(store, 'nodes', '', node);
  if (!own) throw notFound({ group: '', resource: 'nodes' }, node);
  if (owner.uid !== own.metadata.uid) {
    throw refuse(attributes, `node ${node} UID mismatch: expected ${owner.uid} got ${own.metadata.uid}`);
  }
  const referred = new Set(referencesOf(pod).map(reference => reference.split('/')[0]));
  if (pod.spec.serviceAccountName) {
    throw refuse(attributes, `${who} can not create pods that reference a service account`);
  }
  for (const kind of ['secrets', 'configmaps', 'persistentvolumeclaims', 'resourceclaims']) {
    if (referred.has(kind)) throw refuse(attributes, `${who} can not create pods that reference ${kind}`);
  }
  if (pod.spec.volumes?.some(({ projected }) => projected?.sources?.some(source => source.clusterTrustBundle))) {
    throw refuse(attributes, `${who} can not create pods that reference clustertrustbundles`);
  }
}

function nodes(node: string, attributes: AdmissionAttributes): void {
  const { operation, name, object, old } = attributes;
  const who = `node ${JSON.stringify(node)}`;
  if (name !== node) throw refuse(attributes, `${who} is not allowed to modify node ${JSON.stringify(name)}`);
  const wanted = object as unknown as Node | undefined;
  if (operation === 'CREATE' && wanted) {
    if (wanted.spec?.configSource) {
      throw refuse(attributes, `${who} is not allowed to create pods with a non-nil configSource`);
    }
    const labels = forbiddenLabels(wanted.metadata.labels, undefined);
    if (labels.length > 0) {
      throw refuse(attributes, `${who} is not allowed to set the following labels: ${labels.join(', ')}`);
    }
  }
  if (operation !== 'UPDATE' || !wanted) return;
  const was = old as unknown as Node;
  if (wanted.spec?.configSource && !sameValue(wanted.spec.configSource, was.spec?.configSource)) {
    throw refuse(attributes, `${who} is not allowed to update configSource to a new non-nil configSource`);
  }
  if (!sameValue(wanted.spec?.taints, was.spec?.taints)) {
    throw refuse(attributes, `${who} is not allowed to modify taints`);
  }
  const labels = forbiddenLabels(wanted.metadata.labels, was.metadata.labels);
  if (labels.length > 0) throw refuse(attributes, `is not allowed to modify labels: ${labels.join(', ')}`);
}

/** A claim's status: how large it has become. */
function claims(node: string, attributes: AdmissionAttributes): void {
  const { operation, subresource, object, old } = attributes;
  if (subresource !== 'status') throw refuse(attributes, 'may only update PVC status');
  if (operation !== 'UPDATE') throw refuse(attributes, `unexpected operation ${JSON.stringify(operation)}`);
  if (sameValue(withoutSize(object), withoutSize(old))) return;
  throw refuse(
    attributes,
    `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`,
  );
}

function withoutSize(object: unknown): unknown {
  const claim = structuredClone(object) as PersistentVolumeClaim;
  delete claim.metadata.resourceVersion;
  delete claim.metadata.managedFields;
  const { status } = claim;
  if (!status) return claim;
  for (const field of ['capacity', 'conditions', 'allocatedResources', 'allocatedResourceStatuses'] as const) {
    delete status[field];
  }
  return claim;
}

interface TokenSpec {
  readonly audiences?: readonly string[];
  readonly boundObjectRef?: {
    readonly apiVersion?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly uid?: string;
  };
}

/** Tokens only for pods that run on the node, and only for whom the pod says. */
async function tokens(node: string, attributes: AdmissionAttributes, options: NodeRestrictionOptions): Promise<void> {
  const { operation, subresource, object, namespace, name, user } = attributes;
  if (operation !== 'CREATE' || subresource !== 'token') return;
  const { audiences = [], boundObjectRef: ref } = (object?.spec ?? {}) as TokenSpec;
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) {
    throw refuse(attributes, 'node requested token not bound to a pod');
  }
  if (!ref.uid) throw refuse(attributes, 'node requested token with a pod binding without a uid');
  const pod = await read<Pod>(options.store, 'pods', namespace, ref.name);
  if (!pod) throw notFound({ group: '', resource: 'pods' }, ref.name);
  if (ref.uid !== pod.metadata.uid) {
    throw conflict(
      { group: '', resource: 'pods' },
      ref.name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (pod.spec?.nodeName !== node) {
    throw refuse(attributes, 'node requested token bound to a pod scheduled on a different node');
  }
  if (audiences.length > 1) throw refuse(attributes, 'node may only request 0 or 1 audiences');
  const [audience = ''] = audiences;
  if (await podNamesAudience(options.store, pod, audience)) return;
  const asked = { user, verb: 'request-serviceaccounts-token-audience', isResource: true, path: '', group: '' };
  const decision = await options.authorizer.authorize({
    ...asked,
    version: 'v1',
    resource: audience,
    subresource: '',
    namespace,
    name,
    fieldSelector: '',
  });
  if (audience !== '' && decision.opinion === 'allow') return;
  throw refuse(attributes, `audience ${JSON.stringify(audience)} not found in pod spec volume`);
}

/** In a projected volume, or for a CSI driver of one of the pod's volumes that asks for it. */
async function podNamesAudience(store: Store, pod: Pod, audience: string): Promise<boolean> {
  for (const volume of pod.spec?.volumes ?? []) {
    const sources = volume.projected?.sources ?? [];
    if (sources.some(({ serviceAccountToken: t }) => t && (t.audience ?? '') === audience)) return true;
    const claim = volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName;
    const driver = claim ? await driverOfClaim(store, pod.metadata.namespace ?? '', claim) : volume.csi?.driver;
    if (!driver) continue;
    const found = await read<{ spec?: { tokenRequests?: { audience?: string }[] } }>(
      store,
      'csidrivers',
      '',
      driver,
      'storage.k8s.io',
    );
    if (found?.spec?.tokenRequests?.some(request => (request.audience ?? '') === audience)) return true;
  }
  return false;
}

async function driverOfClaim(store: Store, namespace: string, name: string): Promise<string | undefined> {
  const claim = await read<PersistentVolumeClaim>(store, 'persistentvolumeclaims', namespace, name);
  if (!claim?.spec?.volumeName) return undefined;
  const volume = await read<{ spec?: { csi?: { driver?: string } } }>(
    store,
    'persistentvolumes',
    '',
    claim.spec.volumeName,
  );
  return volume?.spec?.csi?.driver;
}

function leases(node: string, attributes: AdmissionAttributes): void {
  if (attributes.namespace !== LEASES) {
    throw refuse(attributes, `can only access leases in the ${JSON.stringify(LEASES)} system namespace`);
  }
  if (attributes.name !== node) {
    throw refuse(attributes, 'can only access node lease with the same name as the requesting node');
  }
}

function csiNodes(node: string, attributes: AdmissionAttributes): void {
  if (attributes.name !== node) {
    throw refuse(attributes, 'can only access CSINode with the same name as the requesting node');
  }
}

function slices(node: string, attributes: AdmissionAttributes): void {
  const { operation, object, old } = attributes;
  const nodeOf = (slice: unknown): unknown => (slice as { spec?: { nodeName?: string } } | undefined)?.spec?.nodeName;
  if (operation === 'CREATE' && nodeOf(object) !== node) {
    throw refuse(attributes, 'can only create ResourceSlice with the same NodeName as the requesting node');
  }
  if (operation === 'DELETE' && nodeOf(old) !== node) {
    throw refuse(attributes, 'can only delete ResourceSlice with the same NodeName as the requesting node');
  }
}

const nodeSigners = new Set(['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet']);

function signingRequests(node: string, attributes: AdmissionAttributes): void {
  const { operation, subresource, object } = attributes;
  if (operation !== 'CREATE' || subresource !== '') return;
  const { signerName = '', request = '' } = (object?.spec ?? {}) as { signerName?: string; request?: string };
  if (!nodeSigners.has(signerName)) return;
  if (commonNameOf(request) === `system:node:${node}`) return;
  throw refuse(attributes, `can only create a node CSR with CN=system:node:${node}`);
}

/** @param request PEM in base64, as in the object. Empty for what is no request. */
function commonNameOf(request: string): string {
  const pem = Buffer.from(request, 'base64').toString('latin1');
  const [, body] = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]*?)-----END/.exec(pem) ?? [];
  try {
    return body === undefined ? '' : requestSubjectOf(Buffer.from(body, 'base64')).commonName;
  } catch {
    return '';
  }
}

async function read<T>(
  store: Store,
  resource: string,
  namespace: string,
  name: string,
  group = '',
): Promise<T | undefined> {
  const found = await store.get(keyOf({ group, resource, namespaced: namespace !== '' }, namespace, name));
  return found && (deserialize(found.value, found.modRevision) as unknown as T);
}
