/** What a node may ask for, over a store with a few objects in it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../api/object.ts';
import type { User } from '../../lib/exchange.ts';
import { withStore } from '../../store/sqlite/testing.ts';
import { nodeAuthorizer } from './node.ts';
import { NodeReferences } from './nodeReferences.ts';
import { NodeVolumes } from './nodeVolumes.ts';
import { asked, store } from './testing.ts';

const n1: User = { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };

const object = (apiVersion: string, kind: string, place: string, rest: object): KubeObject => {
  const [namespace, name] = place.includes('/') ? place.split('/') : [undefined, place];
  return { apiVersion, kind, metadata: { name: name ?? '', ...(namespace ? { namespace } : {}) }, ...rest };
};
const pod = (name: string, spec: object, rest: object = {}): KubeObject =>
  object('v1', 'Pod', `default/${name}`, { spec: { containers: [], ...spec }, ...rest });
const secretRef = { name: 'volume-secret', namespace: 'storage' };

const objects: readonly KubeObject[] = [
  pod(
    'mine',
    {
      nodeName: 'n1',
      serviceAccountName: 'robot',
      imagePullSecrets: [{ name: 'pull' }],
      containers: [
        {
          name: 'a',
          envFrom: [{ configMapRef: { name: 'env-map' } }, { secretRef: { name: 'env-secret' } }],
          env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'key-secret', key: 'x' } } }],
        },
      ],
      initContainers: [{ name: 'i', envFrom: [{ secretRef: { name: 'init-secret' } }] }],
      ephemeralContainers: [{ name: 'e', envFrom: [{ secretRef: { name: 'debug-secret' } }] }],
      volumes: [
        { name: 's', secret: { secretName: 'volume' } },
        { name: 'c', configMap: { name: 'volume-map' } },
        {
          name: 'p',
          projected: { sources: [{ secret: { name: 'projected' } }, { configMap: { name: 'projected-map' } }] },
        },
        { name: 'd', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'scratch', ephemeral: {} },
        { name: 'csi', csi: { driver: 'x', nodePublishSecretRef: { name: 'csi-secret' } } },
      ],
      resourceClaims: [
        { name: 'gpu', resourceClaimName: 'gpu' },
        { name: 't', resourceClaimTemplateName: 't' },
      ],
    },
    { status: { resourceClaimStatuses: [{ name: 't', resourceClaimName: 'mine-t-x' }] } },
  ),
  pod('theirs', { nodeName: 'n2', serviceAccountName: 'other', imagePullSecrets: [{ name: 'their-pull' }] }),
  pod('waiting', { serviceAccountName: 'waiting', imagePullSecrets: [{ name: 'waiting-pull' }] }),
  {
    ...pod('mirror', { nodeName: 'n1', imagePullSecrets: [{ name: 'stolen' }] }),
    metadata: { name: 'mirror', namespace: 'default', annotations: { 'kubernetes.io/config.mirror': 'x' } },
  },
  object('v1', 'PersistentVolumeClaim', 'default/data', { spec: { volumeName: 'pv1' } }),
  object('v1', 'PersistentVolume', 'pv1', {
    spec: { claimRef: { namespace: 'default', name: 'data' }, csi: { driver: 'x', nodeStageSecretRef: secretRef } },
  }),
  object('v1', 'PersistentVolume', 'pv2', { spec: { claimRef: { namespace: 'default', name: 'elsewhere' } } }),
  object('v1', 'PersistentVolume', 'free', { spec: {} }),
  object('storage.k8s.io/v1', 'VolumeAttachment', 'at-n1', { spec: { nodeName: 'n1' } }),
  object('storage.k8s.io/v1', 'VolumeAttachment', 'at-n2', { spec: { nodeName: 'n2' } }),
  object('resource.k8s.io/v1', 'ResourceSlice', 'slice-n1', { spec: { nodeName: 'n1' } }),
  object('resource.k8s.io/v1', 'ResourceSlice', 'slice-n2', { spec: { nodeName: 'n2' } }),
];

const unrelated = "no relationship found between node 'n1' and this object";
const ok = true;
type Row = readonly [line: string, allowed: true | string];

const rows: readonly Row[] = [
  // secrets and config maps
  ...['volume', 'pull', 'env-secret', 'key-secret', 'init-secret', 'debug-secret', 'projected', 'csi-secret'].map(
    (name): Row => [`get core/secrets default/${name}`, ok],
  ),
  ...['env-map', 'volume-map', 'projected-map'].map((name): Row => [`watch core/configmaps default/${name}`, ok]),
  ['list core/secrets default/volume', ok],
  ['get core/secrets default/their-pull', unrelated],
  ['get core/secrets default/waiting-pull', unrelated],
  ['get core/secrets default/stolen', unrelated],
  ['get core/secrets other/volume', unrelated],
  ['get core/secrets storage/volume-secret', ok],
  ['get core/secrets default/volume-secret', unrelated],
  ['list core/secrets default/', 'No Object name found'],
  ['list core/secrets', 'can only read namespaced object of this type'],
  ['update core/secrets default/volume', 'can only read resources of this type'],
  ['get core/secrets/status default/volume', 'cannot read subresource'],
  ['create core/configmaps default/x', 'can only read resources of this type'],
  // claims, volumes, attachments
  ['get core/persistentvolumeclaims default/data', ok],
  ['get core/persistentvolumeclaims default/mine-scratch', ok],
  ['get core/persistentvolumeclaims default/other', unrelated],
  ['list core/persistentvolumeclaims default/data', 'can only get individual resources of this type'],
  ['patch core/persistentvolumeclaims/status default/data', ok],
  ['get core/persistentvolumeclaims/status default/data', 'can only get/update/patch this type'],
  ['patch core/persistentvolumeclaims/status default/other', unrelated],
  ['get core/persistentvolumes pv1', ok],
  ['get core/persistentvolumes pv2', unrelated],
  ['get core/persistentvolumes free', unrelated],
  ['get core/persistentvolumes missing', unrelated],
  ['list core/persistentvolumes', 'can only get individual resources of this type'],
  ['get storage.k8s.io/volumeattachments at-n1', ok],
  ['get storage.k8s.io/volumeattachments at-n2', unrelated],
  ['get storage.k8s.io/volumeattachments/status at-n1', 'cannot get subresource'],
  // service accounts
  ['get core/serviceaccounts default/robot', ok],
  ['get core/serviceaccounts default/other', unrelated],
  ['create core/serviceaccounts/token default/robot', ok],
  ['create core/serviceaccounts/token default/other', unrelated],
  ['create core/serviceaccounts/token default/waiting', unrelated],
  ['create core/serviceaccounts default/robot', 'can only create token subresource of serviceaccount'],
  ['list core/serviceaccounts default/', 'can only create tokens for individual service accounts'],
  // claims of devices
  ['get resource.k8s.io/resourceclaims default/gpu', ok],
  ['get resource.k8s.io/resourceclaims default/mine-t-x', ok],
  ['get resource.k8s.io/resourceclaims default/other', unrelated],
  ['list resource.k8s.io/resourceclaims default/gpu', 'can only get individual resources of this type'],
  ['create resource.k8s.io/resourceslices', ok],
  ['update resource.k8s.io/resourceslices slice-n1', ok],
  ['delete resource.k8s.io/resourceslices slice-n2', unrelated],
  ['list resource.k8s.io/resourceslices / spec.nodeName=n1', ok],
  ['deletecollection resource.k8s.io/resourceslices / spec.nodeName=n1', ok],
  [
    'list resource.k8s.io/resourceslices / spec.nodeName=n2',
    'can only list/watch/deletecollection resourceslices with nodeName field selector',
  ],
  ['get resource.k8s.io/resourceslices/status slice-n1', 'cannot authorize ResourceSlice subresources'],
  // nodes
  ['get core/nodes n1', ok],
  ['watch core/nodes n1', ok],
  ['get core/nodes n2', "node 'n1' cannot read 'n2', only its own Node object"],
  ['list core/nodes', "node 'n1' cannot read all nodes, only its own Node object"],
  ['create core/nodes', ok],
  ['patch core/nodes/status n1', ok],
  ['delete core/nodes n1', ''],
  ['get core/nodes/status n1', ''],
  ['get core/nodes/proxy n1', ''],
  // pods
  ['list core/pods / spec.nodeName=n1', ok],
  ['watch core/pods / spec.nodeName=n1,status.phase=Running', ok],
  ['list core/pods / spec.nodeName=n2', 'can only list/watch pods with spec.nodeName field selector'],
  ['list core/pods / spec.nodeName!=n1', 'can only list/watch pods with spec.nodeName field selector'],
  ['list core/pods', 'can only list/watch pods with spec.nodeName field selector'],
  ['list core/pods / spec.nodeName', 'can only list/watch pods with spec.nodeName field selector'],
  ['get core/pods default/mine', ok],
  ['get core/pods default/theirs', unrelated],
  ['get core/pods default/waiting', unrelated],
  ['get core/pods default/gone', ok],
  ['create core/pods default/', ok],
  ['delete core/pods default/theirs', ok],
  ['update core/pods default/mine', ''],
  ['patch core/pods/status default/mine', ok],
  ['get core/pods/status default/mine', ''],
  ['create core/pods/eviction default/mine', ok],
  ['create core/pods/exec default/mine', ''],
  // leases and CSI
  ['update coordination.k8s.io/leases kube-node-lease/n1', ok],
  ['create coordination.k8s.io/leases kube-node-lease/', ok],
  [
    'get coordination.k8s.io/leases kube-node-lease/n2',
    'can only access node lease with the same name as the requesting node',
  ],
  ['get coordination.k8s.io/leases kube-system/n1', 'can only access leases in the "kube-node-lease" system namespace'],
  ['list coordination.k8s.io/leases kube-node-lease/', 'can only get, create, update, patch, or delete a node lease'],
  ['patch storage.k8s.io/csinodes n1', ok],
  ['patch storage.k8s.io/csinodes n2', 'can only access CSINode with the same name as the requesting node'],
  ['list storage.k8s.io/csinodes', 'can only get, create, update, patch, or delete a CSINode'],
  // alike for all nodes
  ['list core/services', ok],
  ['create core/events default/', ok],
  ['create events.k8s.io/events default/', ok],
  ['create authentication.k8s.io/tokenreviews', ok],
  ['create authorization.k8s.io/subjectaccessreviews', ok],
  ['list storage.k8s.io/csidrivers', ok],
  ['watch node.k8s.io/runtimeclasses', ok],
  ['create certificates.k8s.io/certificatesigningrequests', ok],
  ['delete certificates.k8s.io/certificatesigningrequests x', ''],
  ['list core/namespaces', ''],
  ['get apps/deployments default/x', ''],
  ['get /metrics', ''],
];

describe('the node authorizer', () => {
  it(`answers ${rows.length} requests as upstream's does`, async () => {
    await withStore({}, async state => {
      await store(state, ...objects);
      const references = new NodeReferences(state);
      const authorizer = nodeAuthorizer(references, new NodeVolumes(state, references));
      for (const [line, allowed] of rows) {
        const { opinion, reason } = await authorizer.authorize(asked(n1, line));
        assert.equal(opinion === 'allow' ? true : reason, allowed, line);
      }
      const somebody = asked({ name: 'system:node:n1', groups: [] }, 'list core/services');
      assert.deepEqual(await authorizer.authorize(somebody), { opinion: 'none', reason: '' });
      const nameless = asked({ name: 'system:node:', groups: ['system:nodes'] }, 'list core/services');
      assert.match((await authorizer.authorize(nameless)).reason, /unknown node for user "system:node:"/);

      const secret = asked(n1, 'get core/secrets default/volume');
      await state.commit({ key: '/registry/core/pods/default/mine', value: null });
      assert.equal((await authorizer.authorize(secret)).opinion, 'none', 'a pod’s secrets go with it');
      references.close();
    });
  });
});
