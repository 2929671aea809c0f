/**
 * What the builder throws at a person: what failed, where, why, and what to do. The command line prints it without a stack;
 * any other error is a bug of the builder and keeps its stack.
 */
import { statfs } from 'node:fs/promises';

/** Stable names of the ways a build can fail; scripts and tests match on these. */
export type BuildErrorCode =
  | 'DEFINITION_INVALID'
  | 'DEFINITION_NOT_FOUND'
  | 'PACKAGE_NOT_FOUND'
  | 'PACKAGE_CONFLICT'
  | 'MODULE_MISSING'
  | 'DRIVER_TOO_LATE'
  | 'ARCHIVE_UNREACHABLE'
  | 'HASH_MISMATCH'
  | 'SIGNATURE_INVALID'
  | 'ROOT_INCONSISTENT'
  | 'PARTITION_TOO_SMALL'
  | 'TOOLS_MISSING'
  | 'HOST_UNSUPPORTED'
  | 'TOOL_FAILED'
  | 'NO_SPACE'
  | 'STEP_BROKEN'
  | 'INPUT_CHANGED'
  | 'KEYS_MISSING'
  | 'KEYS_BROKEN'
  | 'IMAGE_DAMAGED'
  | 'TARGET_REFUSED'
  | 'TARGET_FAILED'
  | 'CONFIGURATION_INVALID'
  | 'BOOT_FAILED'
  | 'SNAPSHOT_REFUSED'
  | 'OVER_BUDGET'
  | 'USAGE'
  | 'INTERRUPTED';

export interface BuildErrorDetail {
  /** What to do about it, one sentence. */
  readonly hint?: string;
  /** Where in the user's files, as `images/vm-x86_64.yaml:12:5`. */
  readonly where?: string;
  /** The last lines a tool wrote. */
  readonly tail?: string;
  readonly cause?: unknown;
}

export class BuildError extends Error {
  readonly code: BuildErrorCode;
  readonly hint: string | undefined;
  readonly where: string | undefined;
  readonly tail: string | undefined;

  constructor(code: BuildErrorCode, message: string, detail: BuildErrorDetail = {}) {
    super(message, detail.cause === undefined ? {} : { cause: detail.cause });
    this.name = 'BuildError';
    this.code = code;
    this.hint = detail.hint;
    this.where = detail.where;
    this.tail = detail.tail;
  }
}

/** Less than any tool wants to write at once. */
const fullBelowBytes = 1024 ** 2;

const noSpaceHint =
  'Free some space, or point ATOLL_CACHE (about 4 GB) and --out (about 300 MB) at a larger file system. Nothing half-made was left behind.';

/** True for ENOSPC and EDQUOT, whether from Node or in a tool's words. */
export function isNoSpace(error: unknown): boolean {
  if (typeof error === 'object' && error !== null && 'code' in error) {
    if (error.code === 'ENOSPC' || error.code === 'EDQUOT' || error.code === 'NO_SPACE') return true;
  }
  const text = error instanceof BuildError ? `${error.message}\n${error.tail ?? ''}` : String(error);
  return /no space left on device|disk full|disk quota exceeded|ENOSPC/i.test(text);
}

/** What a build that was stopped by a signal throws, whatever the tools said when they were killed. */
export function interrupted(cause?: unknown): BuildError {
  return new BuildError('INTERRUPTED', 'the build was interrupted', {
    hint: 'Nothing half-made was left behind. The same command goes on after the last finished step.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Turns "the disk is full", wherever it surfaced, into the one error that says so; anything else is returned as it is.
 * @param folder on the disk that was written to.
 */
export function explain(error: unknown, doing: string, folder: string): unknown {
  return isNoSpace(error) ? noSpace(error, doing, folder) : error;
}

/** The one error that says that the disk of `folder` is full. */
function noSpace(error: unknown, doing: string, folder: string): BuildError {
  if (error instanceof BuildError && error.code === 'NO_SPACE') return error;
  const tail = error instanceof BuildError ? error.tail : undefined;
  return new BuildError('NO_SPACE', `the disk of ${folder} is full: ${doing}`, {
    hint: noSpaceHint,
    cause: error,
    ...(tail === undefined ? {} : { tail }),
  });
}

/**
 * The same for a tool that failed, while what it wrote is still there: some take a full disk for something else (mkfs.erofs:
 * "invalid chksum").
 */
export async function explainTool(error: unknown, doing: string, folder: string): Promise<unknown> {
  if (!(error instanceof BuildError) || error.code !== 'TOOL_FAILED') return explain(error, doing, folder);
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize < fullBelowBytes ? noSpace(error, doing, folder) : explain(error, doing, folder);
}

/** What the file system refuses for a reason that is the person's to mend (permissions, a file in the way): no stack needed. */
function describeRefusal(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('path' in error)) return undefined;
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'permission denied',
    EPERM: 'operation not permitted',
    EROFS: 'the file system is read-only',
    ENOTDIR: 'there is a file where a folder is needed',
    EEXIST: 'there is a file where a folder is needed',
  };
  const reason = reasons[String(error.code)];
  if (reason === undefined) return undefined;
  const hint = 'Choose other folders with --out and ATOLL_CACHE, or mend this one.';
  return `error: ${String(error.path)}: ${reason} [${String(error.code)}]\n  → ${hint}`;
}

/** The text a person sees: message, place, the tool's last words, what to do. No trailing newline. */
export function describeError(error: unknown): string {
  if (!(error instanceof BuildError)) {
    const refused = describeRefusal(error);
    if (refused !== undefined) return refused;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const lines = [`error: ${error.where ? `${error.where}: ` : ''}${error.message} [${error.code}]`];
  if (error.tail) lines.push(...error.tail.split('\n').map(line => `  | ${line}`));
  if (error.hint) lines.push(`  → ${error.hint}`);
  return lines.join('\n');
}
