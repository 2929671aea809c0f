/** The server's options about its data at rest. */
import type { Option } from './command.ts';

export const atRestOptions: readonly Option[] = [
  {
    name: 'secrets-encryption',
    boolean: true,
    summary: 'encrypt Secrets in the store, from the first start on; later `atoll secrets-encrypt` changes it',
    default: 'true',
  },
  {
    name: 'secrets-encryption-resources',
    value: 'NAMES',
    summary: 'what is encrypted: secrets, configmaps, widgets.example.com',
    default: 'secrets',
    repeated: true,
  },
  {
    name: 'store-quota',
    value: 'MIB',
    summary: 'the size of the store from which only deletions are taken',
    default: '512',
  },
  {
    name: 'snapshot-interval',
    value: 'HOURS',
    summary: 'how often the store is copied for its own repair, if it has changed; 0: never',
    default: '6',
  },
  { name: 'snapshot-retention', value: 'NUMBER', summary: 'how many snapshots and backups are kept', default: '4' },
  {
    name: 'backup-dir',
    value: 'DIR',
    summary: 'where a backup with all keys is made, too, as often: another disk, readable by root only',
  },
];
