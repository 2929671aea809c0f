/** `atoll backup` and `atoll secrets-encrypt` as the command line knows them; what they do is loaded when they run. */
import type { Command, Option } from './command.ts';

const secretsEncryptUsage = `  atoll secrets-encrypt status        whether Secrets are encrypted, with which key, and where a rotation stands
  atoll secrets-encrypt rotate-keys   a new key, used at once; then everything is encrypted anew and the old key is dropped
  atoll secrets-encrypt enable        encrypt what is written from now on
  atoll secrets-encrypt disable       write Secrets as they are from now on
  atoll secrets-encrypt reencrypt     write everything anew that is not as it should be: after enable, disable, rotate

  Step by step, as in K3s: prepare (a new key is made), rotate (it is used), reencrypt (the old one is dropped).
  The server does the work while it runs, and goes on after a restart; nothing has to be restarted.
  Keys are in DATA-DIR/server/cred/encryption-config.json, for root only. Back them up: atoll backup create.`;

const backupUsage = `  atoll backup create [FILE|-]   store, keys and certificates in one file; without FILE in DATA-DIR/backups, - is standard output
  atoll backup verify FILE       reads all of it and checks it; changes nothing
  atoll backup list [DIR]        backups in DATA-DIR/backups, and the snapshots the server makes of its store
  atoll backup restore FILE      puts a backup in place of what is there, which is kept; the server must be stopped

  A backup is made while the server runs, as of one moment. It holds the keys of the cluster: mode 600, keep it safe.
  A restore is whole or has not happened, also when the power goes in the middle of it; a cut or changed file is refused.
  The server makes snapshots by itself (atoll server --help: --snapshot-interval, --backup-dir).`;

const json: readonly Option[] = [
  { name: 'output', value: 'json', summary: 'as JSON' },
  { name: 'o', value: 'json', summary: 'short for --output' },
];

export const atRestCommands = (dataDir: Option, runDir: Option): readonly Command[] => [
  {
    name: 'backup',
    summary: 'store, keys and certificates in one file, and back',
    usage: backupUsage,
    options: [
      dataDir,
      ...json,
      {
        name: 'only',
        value: 'store|keys',
        summary: 'restore only the store, or only the keys Secrets are encrypted with',
      },
    ],
    run: async context => (await import('./backup.ts')).backup(context),
  },
  {
    name: 'secrets-encrypt',
    summary: 'encryption of Secrets at rest: its state, its keys, their rotation',
    usage: secretsEncryptUsage,
    options: [dataDir, runDir, ...json],
    run: async context => (await import('./secretsEncrypt.ts')).secretsEncrypt(context),
  },
];
