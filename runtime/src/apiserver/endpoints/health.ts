/** `/livez`, `/readyz`, `/healthz`: `ok`, or what is not; `?verbose` lists every check (upstream's format). */
import type { Request, Response } from '../../lib/exchange.ts';

export interface HealthCheck {
  readonly name: string;
  /** Empty: good. Otherwise why not, for people. */
  check(): string | Promise<string>;
}

const CHECK_MS = 2_000;

export async function answerHealth(request: Request, kind: string, checks: readonly HealthCheck[]): Promise<Response> {
  const wanted = request.path.split('/')[2];
  const excluded = new Set(request.query.getAll('exclude'));
  const chosen = wanted === undefined || wanted === '' ? checks : checks.filter(({ name }) => name === wanted);
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' };
  if (chosen.length === 0) return { status: 404, headers, body: Buffer.from('404 page not found\n') };
  const lines: string[] = [];
  let failed = false;
  for (const check of chosen) {
    if (excluded.has(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const reason = await inTime(check);
    if (reason !== '') failed = true;
    lines.push(reason === '' ? `[+]${check.name} ok` : `[-]${check.name} failed: ${reason}`);
  }
  if (failed) {
    return { status: 500, headers, body: Buffer.from(`${lines.join('\n')}\n${kind} check failed\n`) };
  }
  const verbose = request.query.has('verbose');
  return { status: 200, headers, body: Buffer.from(verbose ? `${lines.join('\n')}\n${kind} check passed\n` : 'ok') };
}

async function inTime({ check }: HealthCheck): Promise<string> {
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
