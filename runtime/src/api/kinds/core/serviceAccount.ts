import type { ServiceAccount } from '../../generated/types/core.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';

const MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets';

/** Secrets are of the account's namespace: nothing but their names says anything. In place. */
function keepNames(account: ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}

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
  prepareForCreate: keepNames,
  prepareForUpdate: keepNames,
  warnings: ({ metadata }, old) =>
    metadata.annotations?.[MOUNTABLE] === undefined || old?.metadata.annotations?.[MOUNTABLE] !== undefined
      ? []
      : [
          `metadata.annotations[${MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
        ],
});
