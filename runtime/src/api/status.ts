/**
 * The API's errors: each is a Kubernetes `Status` with upstream's reason, code and words, because people and controllers
 * match on them (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/).
 */
import type { Status, StatusCause, StatusDetails } from './generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { FieldError } from './kinds/kind.ts';

export interface GroupResource {
  readonly group: string;
  /** `pods`; may be empty where the kind of thing is not known. */
  readonly resource: string;
}

export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** An error that knows the `Status` a client is to see. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: Status & { readonly code: number; readonly message: string };
  /** Headers the answer is to have besides, lower case: `allow` of a 405. */
  headers: Readonly<Record<string, string>> = {};

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** `deployments.apps`, `pods`: as Go prints a GroupResource or a GroupKind. */
const qualified = (group: string, name: string): string => (group === '' ? name : `${name}.${group}`);

const resourceDetails = (of: GroupResource, name: string): StatusDetails => ({
  ...(name === '' ? {} : { name }),
  ...(of.group === '' ? {} : { group: of.group }),
  ...(of.resource === '' ? {} : { kind: of.resource }),
});

export function notFound(of: GroupResource, name: string): StatusError {
  const message = `${qualified(of.group, of.resource)} ${JSON.stringify(name)} not found`;
  return new StatusError(404, 'NotFound', message, resourceDetails(of, name));
}

/** A group, version or resource nobody serves. */
export function resourceNotServed(of: GroupResource = { group: '', resource: '' }): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', resourceDetails(of, ''));
}

/** A path somebody serves, but not with this method. */
export function methodNotServed(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

export function alreadyExists(of: GroupResource, name: string): StatusError {
  const message = `${qualified(of.group, of.resource)} ${JSON.stringify(name)} already exists`;
  return new StatusError(409, 'AlreadyExists', message, resourceDetails(of, name));
}

/** `reason` is what stands in the way: {@link OBJECT_MODIFIED} for a stale resourceVersion. */
export function conflict(of: GroupResource, name: string, reason: string = OBJECT_MODIFIED): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(of.group, of.resource)} ${JSON.stringify(name)}: ${reason}`;
  return new StatusError(409, 'Conflict', message, resourceDetails(of, name));
}

export const OBJECT_MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

/** `field: message`, and `[a, b]` around more than one, as upstream's aggregate; the same error said twice is said once. */
export function formatFieldErrors(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(e => `${e.field}: ${e.message}`))];
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}

export function invalid(of: GroupKind, name: string, errors: readonly FieldError[]): StatusError {
  const causes: StatusCause[] = errors.map(e => ({ reason: e.type, message: e.message, field: e.field }));
  const what = `${qualified(of.group, of.kind)} ${JSON.stringify(name)} is invalid`;
  return new StatusError(422, 'Invalid', errors.length === 0 ? what : `${what}: ${formatFieldErrors(errors)}`, {
    ...(name === '' ? {} : { name }),
    ...(of.group === '' ? {} : { group: of.group }),
    ...(of.kind === '' ? {} : { kind: of.kind }),
    ...(causes.length > 0 ? { causes } : {}),
  });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function unauthorized(message = 'Unauthorized'): StatusError {
  return new StatusError(401, 'Unauthorized', message);
}

export function forbidden(of: GroupResource, name: string, reason: string): StatusError {
  const what = qualified(of.group, of.resource);
  const message =
    of.resource === ''
      ? `forbidden: ${reason}`
      : name === ''
        ? `${what} is forbidden: ${reason}`
        : `${what} ${JSON.stringify(name)} is forbidden: ${reason}`;
  return new StatusError(403, 'Forbidden', message, resourceDetails(of, name));
}

/** A revision that is no longer kept: a list to continue or a watch to resume must start over. */
export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

export function methodNotAllowed(of: GroupResource, action: string): StatusError {
  const message = `${action} is not supported on resources of kind ${JSON.stringify(qualified(of.group, of.resource))}`;
  return new StatusError(405, 'MethodNotAllowed', message, resourceDetails(of, ''));
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new StatusError(415, 'UnsupportedMediaType', message);
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  return new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);
}

/** Clients wait `retryAfterSeconds` and ask again; also to be sent as the `Retry-After` header. */
export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError(429, 'TooManyRequests', message, { retryAfterSeconds });
}

export function requestEntityTooLarge(message: string): StatusError {
  return new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`);
}

/** The server gave up waiting; the request may have had effect. */
export function timeout(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: ${message}`, { retryAfterSeconds });
}

export function internalError(reason: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${reason}`, {
    causes: [{ message: reason }],
  });
}

export function serviceUnavailable(reason: string): StatusError {
  return new StatusError(503, 'ServiceUnavailable', reason);
}

/** The `Status` to answer with; anything that is not a {@link StatusError} is an internal error. */
export function statusOf(error: unknown): StatusError['status'] {
  if (error instanceof StatusError) return error.status;
  return internalError(error instanceof Error ? error.message : String(error)).status;
}
