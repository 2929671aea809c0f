/** Kinds that so far bring only their names and tables; their rules come with the half of the API that uses them. */
import type { ComponentStatus, PodTemplate } from '../../generated/types/core.v1.ts';
import { ageColumn, column, containerColumns, selectorText } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { defineKind } from '../define.ts';
import type { KindModule } from '../kind.ts';

const version = 'v1';

const healthy = (o: ComponentStatus) => o.conditions?.find(c => c.type === 'Healthy');

export const namedKinds: readonly KindModule[] = [
  defineKind<PodTemplate>({
    group: '',
    version,
    kind: 'PodTemplate',
    columns: [
      ...containerColumns<PodTemplate>(o => o.template).map(c => ({ ...c, priority: 0 })),
      column('Pod Labels', 'string', 'Labels of the template.', o => selectorText(o.template?.metadata?.labels)),
      ageColumn,
    ],
    defaults: o => defaultPodSpec(o.template?.spec),
  }),
  defineKind<ComponentStatus>({
    group: '',
    version,
    kind: 'ComponentStatus',
    shortNames: ['cs'],
    columns: [
      column('Status', 'string', 'Status of the component conditions', o =>
        healthy(o)?.status === 'True' ? 'Healthy' : 'Unhealthy',
      ),
      column('Message', 'string', 'Message of the component conditions', o => healthy(o)?.message ?? ''),
      column('Error', 'string', 'Error of the component conditions', o => healthy(o)?.error ?? ''),
    ],
  }),
];
