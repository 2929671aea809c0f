/** The first SIGINT, SIGTERM or lost terminal ends what is going on, in order; the next one ends the process at once. */
export function untilAsked(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(name, () => controller.abort(new Error(`it was asked to stop (${name})`)));
  return controller.signal;
}
