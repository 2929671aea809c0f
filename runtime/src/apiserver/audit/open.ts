/** Auditing as the command line asks for it: `--audit-policy-file`, `--audit-log-path`, `--audit-log-max…`. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { type Auditor, auditor } from './auditor.ts';
import { AuditLog } from './log.ts';
import { AuditPolicyError, parsePolicy } from './policyFile.ts';

export interface OpenAuditOptions {
  readonly policyFile: string;
  /** `-`: standard output. */
  readonly logPath: string;
  readonly maxSizeBytes: number;
  readonly maxBackups: number;
  readonly maxAgeDays: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface OpenAudit {
  readonly auditor: Auditor;
  close(): Promise<void>;
}

/** @throws AuditPolicyError with file and line; Error when the log cannot be written. */
export async function openAudit(options: OpenAuditOptions): Promise<OpenAudit> {
  const { policyFile, logPath, clock } = options;
  const text = await readFile(policyFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new AuditPolicyError(`${policyFile}: the audit policy cannot be read: ${error.code ?? error.message}`);
  });
  const policy = parsePolicy(text, policyFile);
  if (logPath === '-') {
    const write = (line: string): void => void process.stdout.write(`${line}\n`);
    return { auditor: auditor({ policy, clock, write }), close: async () => undefined };
  }
  const log = await AuditLog.open({ ...options, path: logPath });
  return { auditor: auditor({ policy, clock, write: line => log.write(line) }), close: () => log.close() };
}
