/**
 * PATCH with `application/apply-patch+yaml`: server-side apply
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/, KEP-555). The body is YAML, and so may be JSON.
 */
import type { KubeObject } from '../../api/object.ts';
import { conflict, forbidden, StatusError } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerObject, answerStored } from '../answer.ts';
import { refusalText } from '../authorization/authorizer.ts';
import { conform } from '../body.ts';
import { readConfiguration } from '../configuration.ts';
import { askedOf, type Context, forgetWarnings } from '../context.ts';
import { applied } from '../managedFields/apply.ts';
import { writingOf } from '../managedFields/writing.ts';
import { checkName, dedupeOwners } from '../objectMeta.ts';
import { createObject, type Updated, updateObject } from '../registry.ts';
import { dryRunObject } from './write.ts';

/** The object may come and go while we apply; each turn somebody else has won. */
const MAX_TURNS = 10;

/**
 * @param subresource empty, `status`, or another that is applied to as the whole object.
 * @throws StatusError 409 with a cause for each field that others own, unless `force`.
 */
export async function applyObject(context: Context, subresource: string): Promise<Response> {
  const { info, resource } = context;
  for (let turn = 1; turn <= MAX_TURNS; turn++) {
    try {
      return await answerStored(askedOf(context), await updated(context, subresource));
    } catch (error) {
      if (!isStatus(error, 404) || subresource !== '') throw error;
    }
    try {
      return await created(context);
    } catch (error) {
      if (!isStatus(error, 409, 'AlreadyExists')) throw error;
    }
  }
  throw conflict(resource, info.name);
}

const isStatus = (error: unknown, code: number, reason = ''): boolean =>
  error instanceof StatusError && error.code === code && (reason === '' || error.reason === reason);

function updated(context: Context, subresource: string): Promise<Updated> {
  const { info } = context;
  return updateObject(context, info.name, {
    subresource,
    tracked: true,
    change: async live => {
      const { resourceVersion } = live.metadata;
      forgetWarnings(context);
      const object = await configured(context, live);
      // A configuration that says nothing of the revision means whatever is there.
      if (object.metadata.resourceVersion === resourceVersion) delete object.metadata.resourceVersion;
      checkName(object, info.name);
      dedupeOwners(object, context.warnings, true);
      return object;
    },
  });
}

/** Who may apply to what is there may not therefore make it. */
async function created(context: Context): Promise<Response> {
  const { info, resource } = context;
  forgetWarnings(context);
  const object = await configured(context, undefined);
  const { uid } = object.metadata;
  if (uid !== undefined) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(resource, info.name, why);
  }
  checkName(object, info.name);
  dedupeOwners(object, context.warnings, true);
  await authorizeCreation(context);
  const stored = await createObject(context, object, true);
  if (context.dryRun) return answerObject(askedOf(context), dryRunObject(stored.value), 201);
  return answerStored(askedOf(context), stored, 201);
}

async function authorizeCreation({ parts, info, user, resource }: Context): Promise<void> {
  const attributes = { ...info, verb: 'create', user, fieldSelector: '' };
  const { opinion, reason } = await parts.authorizer.authorize(attributes);
  if (opinion === 'allow') return;
  const text = refusalText(attributes);
  throw forbidden(resource, info.name, reason === '' ? text : `${text}: ${reason}`);
}

/** The object that the configuration makes of what is there, as a decoded body would be. */
async function configured(context: Context, live: KubeObject | undefined): Promise<KubeObject> {
  const { request, resource } = context;
  const { config, problems } = await readConfiguration(request);
  const object = applied(writingOf(context), live, config, isForced(context));
  problems.report(context.warnings);
  return conform(object, undefined, resource, 'Ignore', context.warnings);
}

/** As Go reads a boolean parameter: any word means yes, but for these two. */
export function isForced({ request }: Context): boolean {
  const text = request.query.get('force');
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}
