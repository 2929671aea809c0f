/** How much a daemon says: `--debug`, `-v LEVEL`, or `ATOLL_LOG`. */
import type { Values } from './command.ts';

/** Kubernetes' level from which debugging begins. */
const DEBUG = 4;
const TRACE = 8;

/** The environment for the root logger. @throws UsageError for a level that is none */
export function logEnvironment(values: Values, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const v = values.has('v') ? values.integer('v', 0, 10) : 0;
  if (v >= TRACE) return { ...env, ATOLL_LOG: 'trace' };
  return values.optional('debug') === 'true' || v >= DEBUG ? { ...env, ATOLL_LOG: 'debug' } : env;
}
