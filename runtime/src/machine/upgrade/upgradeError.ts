/** Why an upgrade cannot be: what, where, why; and what to do, as `hint`. */

export type UpgradeErrorCode =
  /** Nothing is there, or nothing for this machine. */
  | 'NO_BUNDLE'
  /** What is there is something else, is cut off, or was changed. */
  | 'NOT_A_BUNDLE'
  | 'DAMAGED'
  | 'UNSIGNED'
  | 'UNKNOWN_AUTHORITY'
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'REVOKED'
  | 'WRONG_PURPOSE'
  | 'NO_TRUST'
  /** The signed manifest asks for what this installer does not do. */
  | 'MANIFEST'
  | 'WRONG_IMAGE'
  | 'OLDER'
  | 'TOO_OLD_TO_UPGRADE'
  | 'REFUSED_BEFORE'
  /** The running version may still have to fall back to the slot that would be written. */
  | 'ON_TRIAL'
  | 'SAME'
  | 'TOO_LARGE'
  | 'NO_SPACE'
  | 'SLOT'
  /** The network: worth trying again later, and what has been written is kept. */
  | 'UNREACHABLE'
  | 'REPLACED'
  | 'WRONG_BYTES'
  /** The server's answer is not one that trying again mends. */
  | 'HTTP'
  | 'BUSY'
  /** Reading back found other bytes than were written. */
  | 'VERIFY'
  | 'TOOL';

/** What fails for these reasons may go well another time, with nothing done about it. */
const PASSING: ReadonlySet<UpgradeErrorCode> = new Set(['UNREACHABLE', 'REPLACED', 'BUSY', 'ON_TRIAL']);

export const mayPass = (error: unknown): boolean => error instanceof UpgradeError && PASSING.has(error.code);

export class UpgradeError extends Error {
  override readonly name = 'UpgradeError';
  constructor(
    readonly code: UpgradeErrorCode,
    message: string,
    /** What a person can do about it. */
    readonly hint?: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}
