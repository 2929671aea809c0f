/** The options of `atoll server` about who may come and what is written down of it. What they ask for is loaded only then. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenAudit } from '../apiserver/audit/open.ts';
import type { StaticTokens } from '../apiserver/authentication/staticTokens.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { type Option, UsageError, type Values } from './command.ts';

const MEBIBYTE = 1024 * 1024;

export const accessOptions: readonly Option[] = [
  {
    name: 'anonymous-auth',
    value: 'true|false',
    summary: 'whether requests without credentials are answered at all, as system:anonymous',
    default: 'true',
  },
  { name: 'token-auth-file', value: 'FILE', summary: 'static tokens: lines of token,user,uid,"group1,group2"' },
  { name: 'audit-policy-file', value: 'FILE', summary: 'write requests down as this audit.k8s.io/v1 Policy says' },
  {
    name: 'audit-log-path',
    value: 'FILE',
    summary: 'where to, - for standard output; server/logs/audit.log below the data directory when not given',
  },
  { name: 'audit-log-maxsize', value: 'MIB', summary: 'a larger audit log is rotated; 0: never', default: '16' },
  { name: 'audit-log-maxbackup', value: 'N', summary: 'rotated audit logs to keep; 0: all', default: '4' },
  { name: 'audit-log-maxage', value: 'DAYS', summary: 'how long to keep them; 0: for ever', default: '0' },
];

/** @throws UsageError, Error naming file and line. */
export async function staticTokensOf(values: Values): Promise<StaticTokens | undefined> {
  const path = values.optional('token-auth-file');
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--token-auth-file: ${path} cannot be read: ${error.code ?? error.message}`);
  });
  return (await import('../apiserver/authentication/staticTokens.ts')).parseTokenFile(text, path);
}

/** @throws UsageError */
export function anonymousOf(values: Values): boolean {
  const text = values.one('anonymous-auth');
  if (text !== 'true' && text !== 'false') throw new UsageError(`--anonymous-auth: "${text}" is not true or false`);
  return text === 'true';
}

/** Undefined: nothing is written down. @throws UsageError, Error naming file and line of what is wrong in the policy. */
export async function auditOf(
  values: Values,
  directory: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<OpenAudit | undefined> {
  const policyFile = values.optional('audit-policy-file');
  if (policyFile === undefined) {
    if (values.has('audit-log-path')) {
      throw new UsageError('--audit-log-path needs --audit-policy-file: without a policy nothing is written down');
    }
    return undefined;
  }
  const { openAudit } = await import('../apiserver/audit/open.ts');
  return openAudit({
    policyFile,
    logPath: values.optional('audit-log-path') ?? join(directory, 'logs', 'audit.log'),
    maxSizeBytes: values.integer('audit-log-maxsize', 0, 1_000_000) * MEBIBYTE,
    maxBackups: values.integer('audit-log-maxbackup', 0, 1_000_000),
    maxAgeDays: values.integer('audit-log-maxage', 0, 1_000_000),
    clock,
    logger,
  });
}
