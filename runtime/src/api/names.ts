/**
 * What names, labels and annotations may look like, with upstream's words for what is wrong
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/). Each function returns one message a
 * fault, none when all is well.
 */

/** Words for a failed pattern, as `RegexError` of apimachinery's validation package. */
function patternError(message: string, pattern: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  const quoted = examples.map(e => `'${e}', `).join(' or ');
  return `${message} (e.g. ${quoted}regex used for validation is '${pattern}')`;
}

const tooLongText = (max: number): string => `must be no more than ${max} characters`;
/** Upstream says bytes for label keys and values, and characters elsewhere. */
const tooManyBytesText = (max: number): string => `must be no more than ${max} bytes`;

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const UNDERSCORE_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const UNDERSCORE_SUBDOMAIN = `${UNDERSCORE_LABEL}(\\.${UNDERSCORE_LABEL})*`;
const DNS1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const PORT_NAME = '^[-a-z0-9]+$';

const labelPattern = new RegExp(`^${LABEL}$`);
const subdomainPattern = new RegExp(`^${SUBDOMAIN}$`);
const underscorePattern = new RegExp(`^${UNDERSCORE_SUBDOMAIN}$`);
const dns1035Pattern = new RegExp(`^${DNS1035}$`);
const qualifiedPattern = new RegExp(`^${QUALIFIED}$`);
const labelValuePattern = new RegExp(`^${LABEL_VALUE}$`);
const configKeyPattern = new RegExp(`^${CONFIG_KEY}$`);

const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

export function dns1123LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push(tooLongText(63));
  if (!labelPattern.test(value)) {
    // A name with dots is told that dots are the trouble.
    if (subdomainPattern.test(value)) errors.push('must not contain dots');
    else errors.push(patternError(LABEL_TEXT, LABEL, 'my-name', '123-abc'));
  }
  return errors;
}

export function dns1123SubdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(tooLongText(253));
  if (!subdomainPattern.test(value)) errors.push(patternError(SUBDOMAIN_TEXT, SUBDOMAIN, 'example.com'));
  return errors;
}

/** Search domains of resolvers, which may have underscores. */
export function dns1123SubdomainWithUnderscoreErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(tooLongText(253));
  if (!underscorePattern.test(value)) {
    const text =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
    errors.push(patternError(text, UNDERSCORE_SUBDOMAIN, 'example.com'));
  }
  return errors;
}

export function dns1035LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push(tooLongText(63));
  if (!dns1035Pattern.test(value)) {
    const text =
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
    errors.push(patternError(text, DNS1035, 'my-name', 'abc-123'));
  }
  return errors;
}

/** Names that become one segment of a path and have no other rule: RBAC's. */
export function pathSegmentErrors(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter(c => value.includes(c)).map(c => `may not contain '${c}'`);
}

/** Label and annotation keys, resource names: `name` or `dns.subdomain/name`. */
export function qualifiedNameErrors(value: string): string[] {
  const errors: string[] = [];
  const text =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const parts = value.split('/');
  let name = parts[0] ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    name = parts[1] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...dns1123SubdomainErrors(prefix).map(e => `prefix part ${e}`));
  } else if (parts.length > 2) {
    const whole = patternError(`a valid label key ${text}`, QUALIFIED, 'MyName', 'my.name', '123-abc');
    return [`${whole} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > 63) errors.push(`name part ${tooManyBytesText(63)}`);
  if (!qualifiedPattern.test(name))
    errors.push(`name part ${patternError(text, QUALIFIED, 'MyName', 'my.name', '123-abc')}`);
  return errors;
}

export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push(tooManyBytesText(63));
  if (!labelValuePattern.test(value)) {
    const text =
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    errors.push(patternError(text, LABEL_VALUE, 'MyValue', 'my_value', '12345'));
  }
  return errors;
}

/** Keys of ConfigMap and Secret data. */
export function configMapKeyErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(tooLongText(253));
  if (!configKeyPattern.test(value)) {
    const text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    errors.push(patternError(text, CONFIG_KEY, 'key.name', 'KEY_NAME', 'key-name'));
  }
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** Any printable ASCII but `=`, as variables of a container may be named. */
export function envVarNameErrors(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return /^[ -<>-~]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** An IANA service name: names of container and service ports. */
export function portNameErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push(tooLongText(15));
  if (!new RegExp(PORT_NAME).test(value))
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

export function portNumberErrors(value: number): string[] {
  return value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

const WILDCARD = `\\*\\.${SUBDOMAIN}`;
const wildcardPattern = new RegExp(`^${WILDCARD}$`);

/** `*.example.com`. */
export function wildcardSubdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(tooLongText(253));
  if (!wildcardPattern.test(value)) {
    const text =
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
    errors.push(patternError(text, WILDCARD, '*.example.com'));
  }
  return errors;
}

const C_IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*';
const cIdentifierPattern = new RegExp(`^${C_IDENTIFIER}$`);

export function cIdentifierErrors(value: string): string[] {
  if (cIdentifierPattern.test(value)) return [];
  const text =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  return [patternError(text, C_IDENTIFIER, 'my_name', 'MY_NAME', 'MyName')];
}

const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const httpPathPattern = new RegExp(`^${HTTP_PATH}$`);

/** What may stand after the first slash of `acme.io/foo` (RFC 3986). */
export function httpPathErrors(value: string): string[] {
  return httpPathPattern.test(value) ? [] : [patternError('Invalid path', HTTP_PATH)];
}
