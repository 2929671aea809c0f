/** Many equal calls, carefully: 1, then 2, then 4 … at once; the first failed batch ends it, so a quota is not stormed. */

/** @returns how many calls succeeded, and the first error of the batch that ended it. */
export async function slowStart(
  count: number,
  call: () => Promise<void>,
): Promise<{ readonly succeeded: number; readonly error: unknown }> {
  let succeeded = 0;
  for (let batch = 1; succeeded < count; batch *= 2) {
    const size = Math.min(batch, count - succeeded);
    const results = await Promise.allSettled(Array.from({ length: size }, call));
    const failed = results.find(result => result.status === 'rejected');
    succeeded += results.filter(result => result.status === 'fulfilled').length;
    if (failed) return { succeeded, error: failed.reason };
  }
  return { succeeded, error: undefined };
}
