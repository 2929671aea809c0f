import type { ServiceAccount } from '../../generated/types/core.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';

export const serviceAccount = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  shortNames: ['sa'],
  columns: [
    column(
      'Secrets',
      'string',
      'Secrets is the list of secrets pods running with this ServiceAccount may use.',
      o => o.secrets?.length ?? 0,
    ),
    ageColumn,
  ],
});
