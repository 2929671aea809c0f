/** ComponentStatuses: columns and words; `apiserver/handlers/componentStatuses.ts` makes them. */
import type { ComponentStatus } from '../../generated/types/core.v1.ts';
import { column } from '../columns.ts';
import { defineKind } from '../define.ts';

const healthy = (o: ComponentStatus) => o.conditions?.find(c => c.type === 'Healthy');

export const componentStatus = defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  shortNames: ['cs'],
  deprecated: 'v1 ComponentStatus is deprecated in v1.19+',
  columns: [
    column('Status', 'string', 'Status of the component conditions', o =>
      healthy(o)?.status === 'True' ? 'Healthy' : 'Unhealthy',
    ),
    column('Message', 'string', 'Message of the component conditions', o => healthy(o)?.message ?? ''),
    column('Error', 'string', 'Error of the component conditions', o => healthy(o)?.error ?? ''),
  ],
});
