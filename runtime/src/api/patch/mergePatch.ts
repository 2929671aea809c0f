/** JSON Merge Patch (RFC 7386). */

type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Null removes, objects merge, all else replaces. `patch` stays as it is, and so does `original` unless it is `given` away: then
 * it may be changed and become part of the result.
 */
export function mergePatch(original: unknown, patch: unknown, given = false): unknown {
  if (!isObject(patch)) return typeof patch === 'object' ? structuredClone(patch) : patch;
  const result: Json = isObject(original) ? (given ? original : { ...original }) : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value, given);
  }
  if (given) return result;
  // What the patch did not touch must not be shared: callers normalize the result in place.
  for (const key of Object.keys(result)) if (!Object.hasOwn(patch, key)) result[key] = structuredClone(result[key]);
  return result;
}
