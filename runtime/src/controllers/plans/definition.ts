/** The CustomResourceDefinition of Plans: system-upgrade-controller's fields, columns and status, so that its manifests apply as they are. */
import type {
  CustomResourceDefinition,
  JSONSchemaProps,
} from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';

type Schema = JSONSchemaProps;
type Properties = Readonly<Record<string, Schema>>;

const text = (description?: string): Schema => ({ type: 'string', ...(description ? { description } : {}) });
const flag = (description?: string): Schema => ({ type: 'boolean', ...(description ? { description } : {}) });
const int = (format: 'int32' | 'int64', description?: string): Schema => ({
  type: 'integer',
  format,
  ...(description ? { description } : {}),
});
const list = (items: Schema, description?: string): Schema => ({
  type: 'array',
  items,
  ...(description ? { description } : {}),
});
const object = (properties: Properties, required: readonly string[] = [], description?: string): Schema => ({
  type: 'object',
  properties: { ...properties },
  ...(required.length > 0 ? { required: [...required] } : {}),
  ...(description ? { description } : {}),
});
/** A part of a pod, which nobody runs here: as it was written. */
const asWritten: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

const selector = (description: string): Schema => ({
  ...object(
    {
      matchLabels: { type: 'object', additionalProperties: text() },
      matchExpressions: {
        ...list(object({ key: text(), operator: text(), values: list(text()) }, ['key', 'operator'])),
        'x-kubernetes-list-type': 'atomic',
      },
    },
    [],
    description,
  ),
  'x-kubernetes-map-type': 'atomic',
});

const container = (description: string): Schema =>
  object(
    {
      image: text('Atoll runs no image for an upgrade: atoll, or nothing is done.'),
      command: list(text()),
      args: list(text()),
      envs: list(asWritten),
      envFrom: list(asWritten),
      volumes: list(object({ name: text(), source: text(), destination: text() }, ['name', 'source', 'destination'])),
      securityContext: asWritten,
    },
    ['image'],
    description,
  );

const DAYS = ['su', 'sun', 'sunday', 'mo', 'mon', 'monday', 'tu', 'tue', 'tuesday', 'we', 'wed', 'wednesday'];
const MORE_DAYS = ['th', 'thu', 'thursday', 'fr', 'fri', 'friday', 'sa', 'sat', 'saturday'];
const dayNames = [...'0123456', ...DAYS, ...MORE_DAYS];

const spec = object(
  {
    concurrency: int('int64', 'How many nodes are upgraded at once; one where it is not set.'),
    jobActiveDeadlineSecs: int(
      'int64',
      'Seconds one node may take, from its cordon to its blessing; 0: any time. 3600 where it is not set. As long a server that is away is waited for.',
    ),
    nodeSelector: selector('The nodes this is for; none where it is not set.'),
    serviceAccountName: text('Taken and not needed: no pod is run.'),
    channel: text(
      'URL of a channel.json, of a bundle, or of a directory with them. The nodes look there what is the latest.',
    ),
    version: text(
      'A version of the channel; or the URL of a bundle. The channel is not asked what is the latest then.',
    ),
    secrets: list(
      object(
        { name: text(), path: text(), ignoreUpdates: flag(), defaultMode: int('int32') },
        ['name', 'path'],
        'Taken and not needed: no pod is run.',
      ),
    ),
    tolerations: list(asWritten, 'Taken and not needed: taints keep no upgrade from a node.'),
    exclusive: flag('Not while another exclusive Plan has a node.'),
    window: object(
      {
        days: { ...list({ type: 'string', enum: dayNames }), minItems: 1 },
        startTime: text(),
        endTime: text(),
        timeZone: text('UTC where it is not set.'),
      },
      [],
      'When nodes may be begun; one that has been begun comes to its end.',
    ),
    prepare: container('Atoll runs no image for an upgrade.'),
    upgrade: container('Atoll runs no image for an upgrade; image: atoll.'),
    cordon: flag('The node takes no new pods from before its upgrade until it has been blessed.'),
    drain: object(
      {
        timeout: {
          anyOf: [{ type: 'integer' }, { type: 'string' }],
          'x-kubernetes-int-or-string': true,
          description: 'A duration such as 10m, or nanoseconds.',
        },
        gracePeriod: int('int32'),
        deleteLocalData: flag(),
        deleteEmptydirData: flag(),
        ignoreDaemonSets: flag(),
        force: flag('Also pods without a controller.'),
        disableEviction: flag('Delete pods; disruption budgets do not count.'),
        skipWaitForDeleteTimeout: { type: 'integer' },
        podSelector: selector('Only these pods.'),
      },
      [],
      'The pods leave the node before its upgrade, by eviction, as with kubectl drain.',
    ),
    imagePullSecrets: list(asWritten, 'Taken and not needed: no pod is run.'),
    postCompleteDelay: text('Time between the end of one node and the beginning of the next.'),
    priorityClassName: text('Taken and not needed: no pod is run.'),
    postCompleteLabels: {
      type: 'object',
      additionalProperties: text(),
      description: 'Labels of a node that has been upgraded; $(LATEST_HASH) and $(LATEST_VERSION) are the status’.',
    },
  },
  ['upgrade'],
  'What is to be upgraded, to what, and how.',
);

const status = object({
  conditions: {
    ...list(
      object(
        {
          type: text(),
          status: text(),
          lastUpdateTime: text(),
          lastTransitionTime: text(),
          reason: text(),
          message: text(),
          observedGeneration: int('int64'),
        },
        ['type', 'status'],
      ),
      'LatestResolved, Validated, Supported, Complete; where Complete is False, the reason says why.',
    ),
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  },
  latestVersion: text(),
  latestHash: text('The value of the label plan.upgrade.cattle.io/NAME of nodes that have been upgraded.'),
  applying: list(text(), 'Nodes that are being upgraded.'),
});

const column = (name: string, jsonPath: string, priority?: number) => ({
  name,
  type: 'string',
  jsonPath,
  ...(priority === undefined ? {} : { priority }),
});

/** The caller's to change. */
export const planDefinition = (): CustomResourceDefinition => ({
  metadata: { name: 'plans.upgrade.cattle.io' },
  spec: {
    group: 'upgrade.cattle.io',
    names: { kind: 'Plan', listKind: 'PlanList', plural: 'plans', singular: 'plan', categories: ['upgrade'] },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        additionalPrinterColumns: [
          column('Channel', '.spec.channel'),
          column('Version', '.status.latestVersion'),
          column('Complete', ".status.conditions[?(@.type=='Complete')].status"),
          column('Message', ".status.conditions[?(@.message!='')].message"),
          column('Applying', '.status.applying', 10),
        ],
        schema: {
          openAPIV3Schema: {
            ...object({ apiVersion: text(), kind: text(), metadata: { type: 'object' }, spec, status }),
            description: 'Nodes and the version of Atoll they are to run; brought there one after another.',
          },
        },
        subresources: { status: {} },
      },
    ],
  },
});
