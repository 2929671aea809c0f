/** `atoll secrets-encrypt`: K3s' commands for the keys of encryption at rest. The server follows the file of keys by itself. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nearest } from '../lib/nearest.ts';
import { ringHash } from '../store/encryption/encryption.ts';
import {
  afterAction,
  type KeyRing,
  noKeyRing,
  type RotationAction,
  readKeyRing,
  rotationActions,
  writeKeyRing,
} from '../store/encryption/keyRing.ts';
import { type CommandContext, UsageError } from './command.ts';
import { atRestPaths, type StoreReport } from './serverAtRest.ts';

/** How long the command watches the server do it. */
const WAIT_MS = 10 * 60_000;
const TAKE_MS = 5_000;
const LOOK_MS = 50;

export async function secretsEncrypt({ values, rest, stdout }: CommandContext): Promise<number> {
  const [action = '', ...more] = rest;
  const known = ['status', ...rotationActions];
  if (!known.includes(action)) {
    const near = nearest(action, known);
    throw new UsageError(
      `${action === '' ? 'say what to do' : `unknown: secrets-encrypt ${action}`}: one of ${known.join(', ')}${near ? `; did you mean ${near}?` : ''}`,
    );
  }
  if (more.length > 0)
    throw new UsageError(`atoll secrets-encrypt ${action} takes no arguments; "${more[0]}" was given`);
  const directory = join(values.one('data-dir'), 'server');
  const { keys, database } = atRestPaths(directory);
  const json = (values.optional('output') ?? values.optional('o')) === 'json';
  const ring = (await readKeyRing(keys)) ?? noKeyRing(['secrets']);
  if (action === 'status') {
    const objects = await countObjects(database);
    const inUse = reportOf(values.one('run-dir'))?.keyRing;
    stdout(json ? `${JSON.stringify(statusOf(ring, objects, inUse))}\n` : renderStatus(ring, objects, inUse));
    return 0;
  }
  const next = afterAction(ring, action as RotationAction, new Date());
  if (next === ring) {
    stdout(`Encryption is ${action}d already.\n`);
    return 0;
  }
  await writeKeyRing(keys, next);
  const running = await taken(values.one('run-dir'), next, keys);
  if (next.stage !== 'reencrypt_request') {
    stdout(said(action as RotationAction, next));
    stdout(running ? 'The running server uses it now.\n' : 'No server runs here: it takes effect at its next start.\n');
    return 0;
  }
  if (!running) {
    stdout('Reencryption is asked for. No server runs here: it begins at its next start.\n');
    return 0;
  }
  stdout('The server encrypts everything anew; Ctrl-C ends the waiting, not the work…\n');
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(LOOK_MS)) {
    if ((await readKeyRing(keys))?.stage !== 'reencrypt_finished') continue;
    stdout(
      next.write === null
        ? 'Done: nothing is encrypted.\n'
        : `Done: everything is encrypted with ${next.write}; older keys are dropped.\n`,
    );
    return 0;
  }
  process.stderr.write(
    'atoll secrets-encrypt: it is not done yet. `atoll secrets-encrypt status` shows how far it is; the log of the server says what holds it up\n',
  );
  return 1;
}

function reportOf(runDir: string): StoreReport | undefined {
  try {
    return JSON.parse(readFileSync(join(runDir, 'store.json'), 'utf8')) as StoreReport;
  } catch {
    return undefined;
  }
}

/** Whether a server runs that has taken the ring, or has gone on from it already. */
async function taken(runDir: string, ring: KeyRing, keys: string): Promise<boolean> {
  const wanted = ringHash(ring);
  for (const end = Date.now() + TAKE_MS; Date.now() < end && isRunning(runDir); await sleep(LOOK_MS)) {
    if (reportOf(runDir)?.keyRing === wanted) return true;
    const now = await readKeyRing(keys);
    if (now && ringHash(now) !== wanted) return true;
  }
  return false;
}

function isRunning(runDir: string): boolean {
  try {
    const { pid } = JSON.parse(readFileSync(join(runDir, 'state', 'server.json'), 'utf8')) as { pid?: number };
    return pid !== undefined && existsSync(`/proc/${pid}`);
  } catch {
    return false;
  }
}

function said(action: RotationAction, { write, keys }: KeyRing): string {
  switch (action) {
    case 'prepare':
      return `New key ${keys.at(-1)?.name} is ready. Next: atoll secrets-encrypt rotate\n`;
    case 'rotate':
      return `Secrets are written with ${write} from now on. Next: atoll secrets-encrypt reencrypt\n`;
    case 'enable':
      return `Secrets are encrypted with ${write} when they are written. For those that are there: atoll secrets-encrypt reencrypt\n`;
    default:
      return 'Secrets are written as they are. For those that are there: atoll secrets-encrypt reencrypt\n';
  }
}

/** How many objects are written with which key (`''`: none, though of an encrypted kind); undefined: the store cannot be looked at. */
async function countObjects(database: string): Promise<ReadonlyMap<string, number> | undefined> {
  const { countByKey } = await import('../store/encryption/count.ts');
  try {
    return countByKey({ path: database });
  } catch {
    return undefined;
  }
}

function statusOf(ring: KeyRing, objects: ReadonlyMap<string, number> | undefined, inUse: string | undefined): object {
  return {
    enabled: ring.write !== null,
    stage: ring.stage,
    resources: ring.resources,
    serverMatches: inUse === undefined ? null : inUse === ringHash(ring),
    keys: ring.keys.map(({ name, created }) => ({
      name,
      created,
      active: name === ring.write,
      objects: objects?.get(name) ?? 0,
    })),
    plainObjects: objects?.get('') ?? null,
  };
}

function renderStatus(
  ring: KeyRing,
  objects: ReadonlyMap<string, number> | undefined,
  inUse: string | undefined,
): string {
  const hashes =
    inUse === undefined
      ? 'no server has run in this boot'
      : inUse === ringHash(ring)
        ? 'All hashes match'
        : 'the server has not taken the keys in the file yet: see its log';
  const lines = [
    `Encryption Status: ${ring.write === null ? 'Disabled' : 'Enabled'}`,
    `Current Rotation Stage: ${ring.stage}`,
    `Server Encryption Hashes: ${hashes}`,
    `Encrypted Resources: ${ring.resources.join(', ')}`,
    '',
  ];
  const rows = [
    ['Active', 'Key Type', 'Name', 'Objects'],
    ['------', '--------', '----', '-------'],
    ...ring.keys.map(({ name }) => [name === ring.write ? ' *' : '', 'AES-GCM', name, count(objects, name)]),
    ['', 'none', 'not encrypted', count(objects, '')],
  ];
  const widths = [0, 1, 2].map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)));
  for (const row of rows)
    lines.push(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  return `${lines.join('\n')}\n`;
}

const count = (objects: ReadonlyMap<string, number> | undefined, name: string): string =>
  objects === undefined ? '?' : String(objects.get(name) ?? 0);
