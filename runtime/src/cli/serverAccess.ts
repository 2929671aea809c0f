/** What the options of `serverAccessOptions.ts` ask of the API server. What they ask for is loaded only then. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canBeDisabled, isPlugin, pluginNames, whyNoPlugin } from '../apiserver/admission/pluginNames.ts';
import type { AdmissionOptions } from '../apiserver/admission/plugins.ts';
import type { OpenAudit } from '../apiserver/audit/open.ts';
import type { StaticTokens } from '../apiserver/authentication/staticTokens.ts';
import { type AuthorizationMode, authorizationModes } from '../apiserver/authorization/authorizer.ts';
import type { ApiServerOptions } from '../apiserver/server.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { nearest } from '../lib/nearest.ts';
import { UsageError, type Values } from './command.ts';
import { durationSeconds } from './duration.ts';

const MEBIBYTE = 1024 * 1024;
const HOUR_SECONDS = 3600;
const MAX_TOKEN_SECONDS = 2 ** 32;

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
  const [issuer = '', ...formerIssuers] = issuersOf(values);
  const audiences = values.many('api-audiences');
  const jwksUri = values.optional('service-account-jwks-uri');
  const maxTokenSeconds = maxTokenSecondsOf(values);
  const staticTokens = await staticTokensOf(values);
  return {
    issuer,
    formerIssuers,
    ...(audiences.length > 0 ? { audiences } : {}),
    ...(jwksUri === undefined ? {} : { jwksUri: urlOf('service-account-jwks-uri', jwksUri) }),
    ...(maxTokenSeconds === 0 ? {} : { maxTokenSeconds }),
    extendTokens: values.flag('service-account-extend-token-expiration'),
    anonymous: values.flag('anonymous-auth'),
    ...(staticTokens ? { staticTokens } : {}),
    bootstrapTokens: values.flag('enable-bootstrap-token-auth'),
    authorizationModes: modesOf(values),
    admission: await admissionOf(values),
  };
}

function issuersOf(values: Values): readonly string[] {
  const issuers = values.many('service-account-issuer');
  if (issuers.length === 0) throw new UsageError('--service-account-issuer: an issuer is needed');
  for (const issuer of issuers) {
    if (issuer.includes(':')) urlOf('service-account-issuer', issuer); // RFC 7519: anything with a colon is a URI
    if (issuers.indexOf(issuer) !== issuers.lastIndexOf(issuer))
      throw new UsageError(`--service-account-issuer: ${issuer} is given twice`);
  }
  return issuers;
}

function urlOf(option: string, text: string): string {
  if (!URL.canParse(text)) throw new UsageError(`--${option}: "${text}" is not a URL`);
  return text;
}

function maxTokenSecondsOf(values: Values): number {
  const option = 'service-account-max-token-expiration';
  const text = values.one(option);
  const seconds = durationSeconds(text);
  if (seconds === undefined || (seconds !== 0 && (seconds < HOUR_SECONDS || seconds > MAX_TOKEN_SECONDS)))
    throw new UsageError(`--${option}: "${text}" is not a duration of at least an hour, like 24h, nor 0`);
  return seconds;
}

function modesOf(values: Values): AuthorizationMode[] {
  const modes = values.many('authorization-mode').map(text => {
    const known = authorizationModes.find(mode => mode === text);
    if (known) return known;
    const near = nearest(text, authorizationModes);
    throw new UsageError(
      `--authorization-mode: there is no mode ${text}${near ? `; did you mean ${near}?` : ''} (there are ${authorizationModes.join(', ')})`,
    );
  });
  if (modes.length === 0)
    throw new UsageError(`--authorization-mode: one of ${authorizationModes.join(', ')} is needed`);
  if (new Set(modes).size < modes.length) throw new UsageError('--authorization-mode: a mode is given twice');
  return modes;
}

async function admissionOf(values: Values): Promise<AdmissionOptions> {
  const enable = values.many('enable-admission-plugins');
  const disable = values.many('disable-admission-plugins');
  for (const name of enable) {
    const why = whyNoPlugin(name);
    if (why !== undefined) throw noPlugin('enable-admission-plugins', name, why);
    if (disable.includes(name)) throw new UsageError(`--enable-admission-plugins: ${name} is disabled as well`);
  }
  for (const name of disable) if (!canBeDisabled(name)) throw noPlugin('disable-admission-plugins', name, '');
  const seconds = (name: string): number => values.integer(name, 0, Number.MAX_SAFE_INTEGER);
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

/** @param why empty: nobody knows it. */
function noPlugin(option: string, name: string, why: string): UsageError {
  if (why !== '') return new UsageError(`--${option}: ${name} cannot be switched on: ${why}`);
  const near = nearest(name, pluginNames);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return new UsageError(`--${option}: there is no plugin ${name}${hint} (there are ${pluginNames.join(', ')})`);
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
