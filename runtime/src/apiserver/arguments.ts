/**
 * What options of kube-apiserver may say, whoever gives them: the command line of the server, which calls them as kube-apiserver does,
 * and the node's configuration, which passes them on as `NAME=VALUE` and refuses what would end the server at its start.
 * Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
 */
import { durationSeconds } from '../lib/duration.ts';
import { nearest } from '../lib/nearest.ts';
import { canBeDisabled, pluginNames, whyNoPlugin } from './admission/pluginNames.ts';
import { authorizationModes } from './authorization/authorizer.ts';

const HOUR_SECONDS = 3600;
const MAX_TOKEN_SECONDS = 2 ** 32;

/** The values of an option in the order they were given, as they were written; none where it is not given. */
export type GivenArguments = (name: string) => readonly string[];

/** What is wrong with the values of one option, which is given; undefined: nothing. */
type Check = (values: readonly string[], given: GivenArguments) => string | undefined;

/** Joined by commas, or given several times. */
const each = (values: readonly string[]): readonly string[] =>
  values.flatMap(value => value.split(',')).filter(value => value !== '');

const boolean: Check = values => {
  const other = values.find(value => value !== 'true' && value !== 'false');
  return other === undefined ? undefined : `is true or false, not "${other}"`;
};

/** Of what can be given once. */
const once =
  (check: Check = () => undefined): Check =>
  (values, given) =>
    values.length > 1 ? 'is given twice' : check(values, given);

/** From, to. */
export const apiServerIntegers = {
  'default-not-ready-toleration-seconds': [0, Number.MAX_SAFE_INTEGER],
  'default-unreachable-toleration-seconds': [0, Number.MAX_SAFE_INTEGER],
  'audit-log-maxsize': [0, 1_000_000],
  'audit-log-maxbackup': [0, 1_000_000],
  'audit-log-maxage': [0, 1_000_000],
} as const;

const integer = ([min, max]: readonly [min: number, max: number]): Check =>
  once(([text = '']) =>
    /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max
      ? undefined
      : `"${text}" is not a whole number from ${min} to ${max}`,
  );
const integers = Object.fromEntries(Object.entries(apiServerIntegers).map(([name, range]) => [name, integer(range)]));

const url: Check = values => {
  const wrong = values.find(value => !URL.canParse(value));
  return wrong === undefined ? undefined : `"${wrong}" is not a URL`;
};

const checks: Readonly<Record<string, Check>> = {
  'anonymous-auth': boolean,
  'token-auth-file': once(),
  'enable-bootstrap-token-auth': boolean,
  'authorization-mode': values => {
    const modes = each(values);
    if (modes.length === 0) return `one of ${authorizationModes.join(', ')} is needed`;
    const known: readonly string[] = authorizationModes;
    const other = modes.find(mode => !known.includes(mode));
    if (other === undefined) return new Set(modes).size < modes.length ? 'a mode is given twice' : undefined;
    const near = nearest(other, known);
    return `there is no mode ${other}${near ? `; did you mean ${near}?` : ''} (there are ${known.join(', ')})`;
  },
  'service-account-issuer': values => {
    const issuers = each(values);
    if (issuers.length === 0) return 'an issuer is needed';
    const twice = issuers.find((issuer, i) => issuers.indexOf(issuer) !== i);
    // RFC 7519: anything with a colon is a URI.
    return twice === undefined
      ? url(
          issuers.filter(issuer => issuer.includes(':')),
          () => [],
        )
      : `${twice} is given twice`;
  },
  'api-audiences': () => undefined,
  'service-account-jwks-uri': once(url),
  'service-account-max-token-expiration': once(([text = '']) => {
    const seconds = durationSeconds(text);
    return seconds === undefined || (seconds !== 0 && (seconds < HOUR_SECONDS || seconds > MAX_TOKEN_SECONDS))
      ? `"${text}" is not a duration of at least an hour, like 24h, nor 0`
      : undefined;
  }),
  'service-account-extend-token-expiration': boolean,
  'enable-admission-plugins': (values, given) => {
    const disabled = each(given('disable-admission-plugins'));
    for (const name of each(values)) {
      const why = whyNoPlugin(name);
      if (why !== undefined) return why === '' ? noPlugin(name) : `${name} cannot be switched on: ${why}`;
      if (disabled.includes(name)) return `${name} is disabled as well`;
      if (name === 'EventRateLimit' && given('admission-control-config-file').length === 0)
        return 'EventRateLimit needs limits from admission-control-config-file';
    }
    return undefined;
  },
  'disable-admission-plugins': values => {
    const unknown = each(values).find(name => !canBeDisabled(name));
    return unknown === undefined ? undefined : noPlugin(unknown);
  },
  'admission-control-config-file': once(),
  'audit-policy-file': once(),
  'audit-log-path': once((_, given) =>
    given('audit-policy-file').length === 0
      ? 'needs audit-policy-file: without a policy nothing is written down'
      : undefined,
  ),
  ...integers,
};

function noPlugin(name: string): string {
  const near = nearest(name, pluginNames);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return `there is no plugin ${name}${hint} (there are ${pluginNames.join(', ')})`;
}

export const apiServerArgumentNames: readonly string[] = Object.keys(checks);

/** Options whose value is a file that is there when the server starts. */
export const apiServerFileArguments = [
  'token-auth-file',
  'admission-control-config-file',
  'audit-policy-file',
] as const;

/** What is wrong with an option; undefined where it is right, or not given. Pure. */
export function apiServerArgumentProblem(name: string, given: GivenArguments): string | undefined {
  const values = given(name);
  return values.length === 0 || !Object.hasOwn(checks, name) ? undefined : checks[name]?.(values, given);
}
