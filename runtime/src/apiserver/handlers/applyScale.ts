/**
 * Server-side apply of the `scale` subresource: a Scale is applied, and what is owned is the object's own field with the
 * number of replicas (upstream: `managedfields.ScaleHandler`).
 */
import { TypedError } from '../../api/apply/elements.ts';
import { validateTyped } from '../../api/apply/validate.ts';
import { viewOfDefinition } from '../../api/apply/view.ts';
import type { Scale } from '../../api/generated/types/autoscaling.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { badRequest } from '../../api/status.ts';
import { apiVersionOf, conform, type Expected } from '../body.ts';
import { readConfiguration } from '../configuration.ts';
import { type Context, forgetWarnings } from '../context.ts';
import { applied } from '../managedFields/apply.ts';
import { replicasPathOf, writingOf } from '../managedFields/writing.ts';
import { checkName } from '../objectMeta.ts';
import { type Updated, updateObject } from '../registry.ts';
import { isForced } from './apply.ts';

/** @param check throws where the number may not be. @throws StatusError 409 where somebody else owns the number. */
export function applyToScale(context: Context, expected: Expected, check: (scale: Scale) => void): Promise<Updated> {
  const { info, request, resource } = context;
  const path = replicasPathOf(context);
  return updateObject(context, info.name, {
    subresource: '',
    tracked: true,
    change: async live => {
      forgetWarnings(context);
      const { config, problems } = await readConfiguration(request);
      checkScale(config, expected);
      checkName(config, info.name);
      const scale = config as unknown as Scale;
      check(scale);
      const { replicas } = scale.spec ?? {};
      const { name, resourceVersion, uid } = config.metadata;
      const metadata = { name, ...(resourceVersion ? { resourceVersion } : {}), ...(uid ? { uid } : {}) };
      const head = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata } as KubeObject;
      const wanted = replicas === undefined ? head : setAt(head, path, replicas);
      const object = applied(writingOf(context), live, wanted as KubeObject, isForced(context));
      problems.report(context.warnings);
      // Nobody's wish any more is still the number there is.
      const before = at(live, path);
      const kept =
        replicas === undefined && before !== undefined ? (setAt(object, path, before) as KubeObject) : object;
      if (kept.metadata.resourceVersion === live.metadata.resourceVersion) delete kept.metadata.resourceVersion;
      return conform(kept, undefined, resource, 'Ignore', context.warnings);
    },
  });
}

function checkScale(config: KubeObject, expected: Expected): void {
  const { apiVersion, kind, metadata } = config;
  if (apiVersion !== apiVersionOf(expected) || kind !== expected.kind)
    throw badRequest(`invalid object type: ${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`);
  if (Array.isArray(metadata.managedFields) && metadata.managedFields.length > 0)
    throw badRequest('metadata.managedFields must be nil');
  try {
    validateTyped(viewOfDefinition(expected.definition), config, false);
  } catch (error) {
    if (!(error instanceof TypedError)) throw error;
    const what = `${metadata.namespace ?? ''}/${metadata.name ?? ''}; ${apiVersion}, Kind=${kind}`;
    throw badRequest(`failed to create typed patch object (${what}): ${error.message}`);
  }
}

/** A new value with another one at a path of fields. */
function setAt(value: unknown, [name, ...rest]: readonly string[], inner: unknown): unknown {
  if (name === undefined) return inner;
  const map = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...map, [name]: setAt(map[name], rest, inner) };
}

function at(value: unknown, path: readonly string[]): unknown {
  let inner = value;
  for (const name of path) {
    if (typeof inner !== 'object' || inner === null) return undefined;
    inner = (inner as Record<string, unknown>)[name];
  }
  return inner;
}
