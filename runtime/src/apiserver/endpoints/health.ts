/** `/livez`, `/readyz`, `/healthz`: `ok`, or what is not; `?verbose` lists every check (upstream's format). */
import type { Request, Response } from '../../lib/exchange.ts';
import type { Logger } from '../../lib/log.ts';
import type { HealthMetrics } from './healthMetrics.ts';

export interface HealthCheck {
  /** May hold slashes: `poststarthook/bootstrap`. */
  readonly name: string;
  /** Empty: good. Otherwise why not, for people. */
  check(): string | Promise<string>;
  /** What is good still, but should be known: shown by `?verbose`. Empty: nothing. */
  note?(): string;
}

const CHECK_MS = 2_000;

/** @param kind `livez`, `readyz` or `healthz`: the path's first part. The rest of the path names one check. */
export async function answerHealth(
  request: Request,
  kind: string,
  checks: readonly HealthCheck[],
  logger: Logger,
  metrics?: Pick<HealthMetrics, 'checked'>,
): Promise<Response> {
  const name = request.path.slice(kind.length + 2);
  if (name !== '') return answerOne(name, kind, checks, metrics);
  const excluded = new Set(request.query.getAll('exclude'));
  const lines: string[] = [];
  const failed: string[] = [];
  const wanted = checks.filter(check => !excluded.has(check.name));
  const reasons = new Map(await Promise.all(wanted.map(async check => [check.name, await inTime(check)] as const)));
  for (const [asked, reason] of reasons) metrics?.checked(asked, kind, reason === '');
  for (const check of checks) {
    if (excluded.delete(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const reason = reasons.get(check.name) ?? '';
    // Everybody may ask here: why is for those who may read the log, or the check's own path.
    const note = check.note?.() ?? '';
    lines.push(
      reason === ''
        ? `[+]${check.name} ok${note === '' ? '' : `: ${note}`}`
        : `[-]${check.name} failed: reason withheld`,
    );
    if (reason !== '') failed.push(`${check.name}: ${reason}`);
  }
  if (excluded.size > 0) {
    const names = [...excluded].sort().map(other => JSON.stringify(other));
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names.join(', ')}`);
  }
  if (failed.length > 0) {
    logger.info({ failed }, `${kind} check failed`);
    return plain(500, `${lines.join('\n')}\n${kind} check failed\n`);
  }
  return plain(200, request.query.has('verbose') ? `${lines.join('\n')}\n${kind} check passed\n` : 'ok');
}

async function answerOne(
  name: string,
  kind: string,
  checks: readonly HealthCheck[],
  metrics: Pick<HealthMetrics, 'checked'> | undefined,
): Promise<Response> {
  const check = checks.find(other => other.name === name);
  if (!check) return plain(404, '404 page not found\n');
  const reason = await inTime(check);
  metrics?.checked(name, kind, reason === '');
  return reason === '' ? plain(200, 'ok') : plain(500, `internal server error: ${reason}\n`);
}

const plain = (status: number, text: string): Response => ({
  status,
  headers: {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-cache, private',
    'x-content-type-options': 'nosniff',
  },
  body: Buffer.from(text),
});

/** Its reason, or that there was none in time. Never rejects. */
export async function inTime({ check }: HealthCheck): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      Promise.resolve(check()),
      new Promise<string>(resolve => {
        timer = setTimeout(() => resolve(`no answer within ${CHECK_MS / 1000} s`), CHECK_MS);
      }),
    ]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
