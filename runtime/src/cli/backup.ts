/** `atoll backup`: the store, keys and certificates of this server in one file, and back. */
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { makeDirectory } from '../lib/files.ts';
import { nearest } from '../lib/nearest.ts';
import { release } from '../machine/release.ts';
import { type About, backupChunks, serverFiles, withStableFiles, writeBackup } from '../store/backup/create.ts';
import { backupName, listBackups } from '../store/backup/files.ts';
import { BackupError, type BackupSummary, readBackup } from '../store/backup/format.ts';
import { restoreBackup } from '../store/backup/restore.ts';
import { type CommandContext, UsageError } from './command.ts';
import { atRestPaths } from './serverAtRest.ts';

const actions = ['create', 'restore', 'list', 'verify'];

export async function backup(context: CommandContext): Promise<number> {
  const { rest } = context;
  const [action = '', path, ...more] = rest;
  if (!actions.includes(action)) {
    const near = nearest(action, actions);
    throw new UsageError(
      `${action === '' ? 'say what to do' : `unknown: backup ${action}`}: one of ${actions.join(', ')}${near ? `; did you mean ${near}?` : ''}`,
    );
  }
  if (more.length > 0) throw new UsageError(`atoll backup ${action} takes one file; "${more[0]}" was given, too`);
  switch (action) {
    case 'create':
      return create(context, path);
    case 'restore':
      return restore(context, path);
    case 'verify':
      return verify(context, path);
    default:
      return list(context, path);
  }
}

function needed(path: string | undefined, action: string): string {
  if (path === undefined)
    throw new UsageError(`say which file: atoll backup ${action} FILE (atoll backup list shows them)`);
  return resolve(path);
}

/** Runs beside the server: reading does not hold it up. */
async function create({ values, stdout }: CommandContext, path: string | undefined): Promise<number> {
  const directory = join(values.one('data-dir'), 'server');
  const { database } = atRestPaths(directory);
  const now = new Date();
  const about: About = { atoll: release().version, host: hostname(), created: now.toISOString(), content: 'backup' };
  if (path === '-') {
    if (process.stdout.isTTY)
      throw new UsageError('a backup is not for a terminal: redirect it (atoll backup create - > FILE)');
    for (const chunk of backupChunks({ path: database }, await serverFiles(directory), about)) {
      if (!process.stdout.write(chunk)) await new Promise(drained => process.stdout.once('drain', drained));
    }
    return 0;
  }
  const target = resolve(path ?? join(values.one('data-dir'), 'backups', backupName('backup', now)));
  if (path === undefined) await makeDirectory(dirname(target), 0o700);
  const made = await withStableFiles(directory, files => writeBackup(target, { path: database }, files, about));
  stdout(
    `${target}: ${size(made.sizeBytes)}, the store at revision ${made.revision}, keys and certificates.\nKeep it as safe as this machine: whoever has it can be anybody in the cluster.\n`,
  );
  return 0;
}

async function restore({ values, stdout }: CommandContext, given: string | undefined): Promise<number> {
  const path = needed(given, 'restore');
  const directory = join(values.one('data-dir'), 'server');
  const only = values.optional('only');
  if (only !== undefined && only !== 'store' && only !== 'keys')
    throw new UsageError(`--only is store or keys, not "${only}"`);
  const user = processWith(atRestPaths(directory).database);
  if (user !== undefined) {
    throw new BackupError(
      `the server is running (process ${user})`,
      'Stop it first: systemctl stop atoll-server. Pods go on running. Nothing has been changed.',
    );
  }
  await makeDirectory(directory, 0o700);
  const { summary, revision, before } = await restoreBackup(path, {
    directory,
    now: new Date(),
    ...(only === undefined ? {} : { only }),
  });
  stdout(
    `Restored ${described(summary)}\n${only === 'keys' ? '' : `Revisions go on from ${revision}, so every client lists anew.\n`}${
      before === undefined ? '' : `What was there before is kept in ${before}; remove it when all is well.\n`
    }Start the server: systemctl start atoll-server\n`,
  );
  return 0;
}

async function verify({ values, stdout }: CommandContext, given: string | undefined): Promise<number> {
  const path = needed(given, 'verify');
  const summary = await readBackup(path, () => undefined);
  const json = (values.optional('output') ?? values.optional('o')) === 'json';
  stdout(json ? `${JSON.stringify({ path, ...summary })}\n` : `${path} is whole: ${described(summary)}\n`);
  return 0;
}

async function list({ values, stdout }: CommandContext, given: string | undefined): Promise<number> {
  const dataDir = values.one('data-dir');
  const directories =
    given === undefined ? [atRestPaths(join(dataDir, 'server')).snapshots, join(dataDir, 'backups')] : [resolve(given)];
  const found = (await Promise.all(directories.map(listBackups))).flat();
  if ((values.optional('output') ?? values.optional('o')) === 'json') {
    stdout(`${JSON.stringify(found)}\n`);
    return 0;
  }
  if (found.length === 0) {
    stdout(`There are none in ${directories.join(' or ')}.\n`);
    return 0;
  }
  const rows = found.map(({ path, sizeBytes, header }) => [
    header?.created ?? 'damaged',
    header?.content ?? '?',
    header === undefined ? '?' : String(header.revision),
    size(sizeBytes),
    path,
  ]);
  const table = [['CREATED', 'CONTENT', 'REVISION', 'SIZE', 'FILE'], ...rows];
  const widths = [0, 1, 2, 3].map(column => Math.max(...table.map(row => row[column]?.length ?? 0)));
  stdout(
    `${table
      .map(row =>
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd(),
      )
      .join('\n')}\n`,
  );
  return 0;
}

function described({ header, files, objects }: BackupSummary): string {
  const keys = files.length === 0 ? 'without keys' : `${files.length} files of keys and certificates`;
  return `${header.content} of ${header.host} from ${header.created}: ${objects} objects at revision ${header.revision}, ${keys}, by Atoll ${header.atoll}.`;
}

const size = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** The process that has a file open, if we may see it. */
function processWith(path: string): number | undefined {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    return undefined;
  }
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const open = readdirSync(`/proc/${pid}/fd`).some(fd => readlinkSync(`/proc/${pid}/fd/${fd}`) === real);
      if (open) return Number(pid);
    } catch {
      // It has ended, or is somebody else's.
    }
  }
  return undefined;
}
