/** Whether a store's file is whole: its header, its structure, its rows. On a connection that cannot write. */
import { open } from 'node:fs/promises';
import type Database from 'better-sqlite3';
import { FileCheckError } from './errors.ts';
import { APPLICATION_ID, type ConnectionOptions, openReader, SCHEMA_VERSION } from './schema.ts';
import { sumHolds, sumProblem } from './sums.ts';

/** How many problems an error names. */
const MAX_PROBLEMS = 5;
/** Checking the structure reads all of the file; where that would take longer than this it is left to the reads. */
const STRUCTURE_BUDGET_MS = 10_000;
/** Checksums of rows, newest first: every read checks its own anyway. */
const SUMS_BUDGET_MS = 100;
const SLICE_ROWS = 200;
/** From this size on the disk's speed is measured first. */
const LARGE_BYTES = 64 * 1024 * 1024;
const SAMPLE_BYTES = 4 * 1024 * 1024;

/** Made by a newer Atoll: nothing is wrong with it. */
export class NewerFormatError extends Error {
  override readonly name = 'NewerFormatError';
  readonly code = 'NEWER_FORMAT';
}

export interface CheckOptions {
  /** All of it, however long it takes: something was wrong with it. */
  readonly thorough?: boolean;
}

/** @throws FileCheckError, SqliteError when it is damaged; NewerFormatError */
export async function checkStore(options: ConnectionOptions, { thorough = false }: CheckOptions = {}): Promise<void> {
  const structure = thorough || (await readsWithin(options.path, STRUCTURE_BUDGET_MS));
  const database = openReader(options);
  try {
    checkHeader(database);
    if (structure) checkStructure(database);
    checkRows(database, thorough ? Number.POSITIVE_INFINITY : SUMS_BUDGET_MS);
  } finally {
    database.close();
  }
}

function checkHeader(database: Database.Database): void {
  const number = (name: string): number => Number(database.pragma(name, { simple: true }));
  if (number('application_id') !== APPLICATION_ID) {
    throw new FileCheckError(['it is a database, but not an Atoll store']);
  }
  const version = number('user_version');
  // What nobody ever made is damage, not the future.
  if (version < 1 || version > SCHEMA_VERSION + 1_000) throw new FileCheckError([`it has format ${version}`]);
  if (version > SCHEMA_VERSION) {
    throw new NewerFormatError(
      `its format is ${version}, this version of Atoll reads ${SCHEMA_VERSION}; start the newer Atoll again`,
    );
  }
}

/** Every page, and that the index has every row and nothing else. */
function checkStructure(database: Database.Database): void {
  const rows = database.pragma(`integrity_check(${MAX_PROBLEMS})`) as { integrity_check: string }[];
  const problems = rows.map(row => row.integrity_check).filter(problem => problem !== 'ok');
  if (problems.length > 0) throw new FileCheckError(problems);
}

function checkRows(database: Database.Database, budgetMs: number): void {
  if (Number(database.pragma('user_version', { simple: true })) < 2) return;
  const slice = database
    .prepare<[number, number], [number, string, number, number, number, Buffer | null, number | null]>(
      `SELECT revision, key, created, previous, deleted, value, sum FROM revisions NOT INDEXED
       WHERE revision < ? ORDER BY revision DESC LIMIT ?`,
    )
    .raw();
  const end = performance.now() + budgetMs;
  for (let before = Number.MAX_SAFE_INTEGER; performance.now() < end; ) {
    const rows = slice.all(before, SLICE_ROWS);
    for (const [revision, key, created, previous, deleted, value, sum] of rows) {
      before = revision;
      if (!sumHolds({ revision, key, created, previous, deleted, value }, sum))
        throw new FileCheckError([sumProblem(revision, key)]);
    }
    if (rows.length < SLICE_ROWS) return;
  }
}

async function readsWithin(path: string, budgetMs: number): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size < LARGE_BYTES) return true;
    const sample = Buffer.alloc(SAMPLE_BYTES);
    const began = performance.now();
    // From the middle: what is at the ends is more likely to be in memory.
    await file.read(sample, 0, SAMPLE_BYTES, Math.floor(size / 2));
    return ((performance.now() - began) * size) / SAMPLE_BYTES < budgetMs;
  } finally {
    await file.close();
  }
}
