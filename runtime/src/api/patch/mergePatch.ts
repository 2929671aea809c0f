/** JSON Merge Patch (RFC 7386). */

type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A new value; `original` and `patch` stay as they are. Null removes, objects merge, all else replaces. */
export function mergePatch(original: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return typeof patch === 'object' ? structuredClone(patch) : patch;
  const result: Json = isObject(original) ? { ...original } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  // What the patch did not touch must not be shared: callers normalize the result in place.
  for (const key of Object.keys(result)) if (!Object.hasOwn(patch, key)) result[key] = structuredClone(result[key]);
  return result;
}
