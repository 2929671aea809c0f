/** Logging: one JSON line a record in a daemon, for the journal; short lines on a terminal. */
import { type Logger, pino } from 'pino';

export type { Logger };

const levels = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/**
 * The process's root logger. Level from `ATOLL_LOG` (default `info`).
 * Written synchronously to standard error: the last line before a crash is the one that matters.
 */
export function rootLogger(name: string, env: Readonly<Record<string, string | undefined>> = process.env): Logger {
  const asked = env.ATOLL_LOG ?? 'info';
  const level = levels.has(asked) ? asked : 'info';
  return pino(
    { name, level, base: { name }, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    pino.destination({ dest: 2, sync: true }),
  );
}

export const silentLogger: Logger = pino({ level: 'silent' });
