/** What the options of `serverAccessOptions.ts` ask of the API server. What they ask for is loaded only then. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlugin } from '../apiserver/admission/pluginNames.ts';
import type { AdmissionOptions } from '../apiserver/admission/plugins.ts';
import { apiServerArgumentNames, apiServerArgumentProblem, apiServerIntegers } from '../apiserver/arguments.ts';
import type { OpenAudit } from '../apiserver/audit/open.ts';
import type { StaticTokens } from '../apiserver/authentication/staticTokens.ts';
import type { AuthorizationMode } from '../apiserver/authorization/authorizer.ts';
import type { ApiServerOptions } from '../apiserver/server.ts';
import type { Clock } from '../lib/clock.ts';
import { durationSeconds } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import { UsageError, type Values } from './command.ts';

const MEBIBYTE = 1024 * 1024;

type Access = Pick<
  ApiServerOptions,
  | 'issuer'
  | 'formerIssuers'
  | 'audiences'
  | 'jwksUri'
  | 'maxTokenSeconds'
  | 'extendTokens'
  | 'anonymous'
  | 'staticTokens'
  | 'bootstrapTokens'
  | 'authorizationModes'
  | 'admission'
>;

/** @throws UsageError, Error naming file and line of what is wrong in a file. */
export async function accessOf(values: Values): Promise<Access> {
  checked(values);
  const [issuer = '', ...formerIssuers] = values.many('service-account-issuer');
  const audiences = values.many('api-audiences');
  const jwksUri = values.optional('service-account-jwks-uri');
  const maxTokenSeconds = durationSeconds(values.one('service-account-max-token-expiration')) ?? 0;
  const staticTokens = await staticTokensOf(values);
  return {
    issuer,
    formerIssuers,
    ...(audiences.length > 0 ? { audiences } : {}),
    ...(jwksUri === undefined ? {} : { jwksUri }),
    ...(maxTokenSeconds === 0 ? {} : { maxTokenSeconds }),
    extendTokens: values.flag('service-account-extend-token-expiration'),
    anonymous: values.flag('anonymous-auth'),
    ...(staticTokens ? { staticTokens } : {}),
    bootstrapTokens: values.flag('enable-bootstrap-token-auth'),
    authorizationModes: values.many('authorization-mode') as AuthorizationMode[],
    admission: await admissionOf(values),
  };
}

/** @throws UsageError naming the first option that says what it may not. */
function checked(values: Values): void {
  for (const name of apiServerArgumentNames) {
    const wrong = apiServerArgumentProblem(name, given => values.each(given));
    if (wrong !== undefined) throw new UsageError(`--${name}: ${wrong}`);
  }
}

function integerOf(values: Values, name: keyof typeof apiServerIntegers): number {
  const [min, max] = apiServerIntegers[name];
  return values.integer(name, min, max);
}

async function admissionOf(values: Values): Promise<AdmissionOptions> {
  const enable = values.many('enable-admission-plugins');
  const disable = values.many('disable-admission-plugins');
  const seconds = (name: keyof typeof apiServerIntegers): number => integerOf(values, name);
  const file = values.optional('admission-control-config-file');
  const configured =
    file === undefined
      ? {}
      : await (await import('../apiserver/admission/configuration.ts')).readAdmissionConfiguration(file);
  if (enable.includes('EventRateLimit') && !configured.eventLimits)
    throw new UsageError(
      '--enable-admission-plugins: EventRateLimit needs limits from --admission-control-config-file',
    );
  return {
    enable,
    disable: disable.filter(isPlugin),
    tolerations: {
      notReadySeconds: seconds('default-not-ready-toleration-seconds'),
      unreachableSeconds: seconds('default-unreachable-toleration-seconds'),
    },
    ...configured,
  };
}

async function staticTokensOf(values: Values): Promise<StaticTokens | undefined> {
  const path = values.optional('token-auth-file');
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--token-auth-file: ${path} cannot be read: ${error.code ?? error.message}`);
  });
  return (await import('../apiserver/authentication/staticTokens.ts')).parseTokenFile(text, path);
}

/** Undefined: nothing is written down. @throws UsageError, Error naming file and line of what is wrong in the policy. */
export async function auditOf(
  values: Values,
  directory: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<OpenAudit | undefined> {
  checked(values);
  const policyFile = values.optional('audit-policy-file');
  if (policyFile === undefined) return undefined;
  const integer = (name: keyof typeof apiServerIntegers): number => integerOf(values, name);
  const { openAudit } = await import('../apiserver/audit/open.ts');
  return openAudit({
    policyFile,
    logPath: values.optional('audit-log-path') ?? join(directory, 'logs', 'audit.log'),
    maxSizeBytes: integer('audit-log-maxsize') * MEBIBYTE,
    maxBackups: integer('audit-log-maxbackup'),
    maxAgeDays: integer('audit-log-maxage'),
    clock,
    logger,
  });
}
