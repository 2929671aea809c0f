import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  alreadyExists,
  conflict,
  expired,
  forbidden,
  internalError,
  invalid,
  methodNotAllowed,
  notFound,
  type StatusError,
  statusOf,
  tooManyRequests,
} from './status.ts';

const PODS = { group: '', resource: 'pods' };
const DEPLOYMENTS = { group: 'apps', resource: 'deployments' };

describe('statuses say what upstream says', () => {
  const cases: readonly (readonly [
    error: StatusError,
    code: number,
    reason: string,
    message: string,
    details?: object,
  ])[] = [
    [notFound(PODS, 'a'), 404, 'NotFound', 'pods "a" not found', { name: 'a', kind: 'pods' }],
    [
      notFound(DEPLOYMENTS, 'a'),
      404,
      'NotFound',
      'deployments.apps "a" not found',
      { name: 'a', group: 'apps', kind: 'deployments' },
    ],
    [alreadyExists(PODS, 'a'), 409, 'AlreadyExists', 'pods "a" already exists', { name: 'a', kind: 'pods' }],
    [
      conflict(DEPLOYMENTS, 'a'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on deployments.apps "a": the object has been modified; please apply your changes to the latest version and try again',
      { name: 'a', group: 'apps', kind: 'deployments' },
    ],
    [forbidden(PODS, '', 'no'), 403, 'Forbidden', 'pods is forbidden: no', { kind: 'pods' }],
    [forbidden(PODS, 'a', 'no'), 403, 'Forbidden', 'pods "a" is forbidden: no', { name: 'a', kind: 'pods' }],
    [
      methodNotAllowed(PODS, 'deletecollection'),
      405,
      'MethodNotAllowed',
      'deletecollection is not supported on resources of kind "pods"',
      { kind: 'pods' },
    ],
    [expired('too old'), 410, 'Expired', 'too old'],
    [tooManyRequests('slow down', 3), 429, 'TooManyRequests', 'slow down', { retryAfterSeconds: 3 }],
    [internalError('x'), 500, 'InternalError', 'Internal error occurred: x', { causes: [{ message: 'x' }] }],
    [
      invalid({ group: 'apps', kind: 'Deployment' }, 'a', [
        { type: 'FieldValueRequired', field: 'spec.selector', message: 'Required value' },
      ]),
      422,
      'Invalid',
      'Deployment.apps "a" is invalid: spec.selector: Required value',
      {
        name: 'a',
        group: 'apps',
        kind: 'Deployment',
        causes: [{ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.selector' }],
      },
    ],
  ];
  for (const [error, code, reason, message, details] of cases)
    it(message, () => {
      assert.deepEqual(statusOf(error), {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message,
        reason,
        ...(details ? { details } : {}),
        code,
      });
    });

  it('puts more than one field in brackets, the same one once', () => {
    const error = { type: 'FieldValueInvalid', field: 'a', message: 'x' } as const;
    const { message } = invalid({ group: '', kind: 'Pod' }, 'p', [error, error, { ...error, field: 'b' }]);
    assert.equal(message, 'Pod "p" is invalid: [a: x, b: x]');
  });

  it('makes an internal error of anything else', () => {
    assert.equal(statusOf(new TypeError('oops')).message, 'Internal error occurred: oops');
    assert.equal(statusOf('text').code, 500);
  });
});
