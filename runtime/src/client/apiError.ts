/** What the server refused, as it said it. */
import type { Status } from '../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';

/** An error answer of the API server: its `Status`, its HTTP code and its reason. The message is the server's own. */
export class ApiError extends Error {
  readonly status: Status;
  /** HTTP status code; 0 where the server gave none (a watch's ERROR event without a code). */
  readonly code: number;
  /** `NotFound`, `Conflict`, `AlreadyExists`, `Expired`…; empty where the answer was no `Status`. */
  readonly reason: string;

  constructor(status: Status, code = status.code ?? 0, request = '') {
    super(status.message ? status.message : `the server answered ${code}${request ? ` to ${request}` : ''}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.reason = status.reason ?? '';
  }
}

/** Reads an error body; what is no `Status` becomes one with the text as its message. */
export function apiErrorFrom(code: number, body: Buffer, request: string): ApiError {
  const text = body.toString('utf8');
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'kind' in parsed && parsed.kind === 'Status') {
      return new ApiError(parsed as Status, code, request);
    }
  } catch {
    // Not JSON: a proxy's or a panic's text.
  }
  const message = text.trim().slice(0, 1024);
  return new ApiError({ status: 'Failure', code, ...(message ? { message } : {}) }, code, request);
}

const is = (error: unknown, code: number, ...reasons: string[]): boolean =>
  error instanceof ApiError && (error.reason ? reasons.includes(error.reason) : error.code === code);

export const isNotFound = (error: unknown): boolean => is(error, 404, 'NotFound');
export const isAlreadyExists = (error: unknown): boolean =>
  error instanceof ApiError && error.reason === 'AlreadyExists';
/** The object changed since it was read, or a precondition (uid, resourceVersion) does not hold. */
export const isConflict = (error: unknown): boolean => is(error, 409, 'Conflict');
/** The resourceVersion or continue token is older than the server's history: list again. */
export const isExpired = (error: unknown): boolean => is(error, 410, 'Expired', 'Gone');
export const isInvalid = (error: unknown): boolean => is(error, 422, 'Invalid');
export const isForbidden = (error: unknown): boolean => is(error, 403, 'Forbidden');
export const isUnauthorized = (error: unknown): boolean => is(error, 401, 'Unauthorized');
export const isMethodNotSupported = (error: unknown): boolean => is(error, 405, 'MethodNotAllowed');
export const isTooManyRequests = (error: unknown): boolean => is(error, 429, 'TooManyRequests');

/** True when the server refused because the object's namespace is being deleted: no retry can succeed. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    isForbidden(error) &&
    error instanceof ApiError &&
    (error.status.details?.causes ?? []).some(cause => cause.reason === 'NamespaceTerminating')
  );
}
