/** How webhooks are reached (apiserver's `util/webhook/validation.go`); admission's and conversion's alike. */
import { dns1123SubdomainErrors, portNumberErrors } from '../names.ts';
import { child, invalid, invalidEach, required } from './errors.ts';
import type { FieldError } from './kind.ts';

const FORM = '; desired format: https://host[/path]';

export function webhookUrlErrors(field: string, text: string): FieldError[] {
  const parts =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:([^@/?#]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  if (!parts || /[\s\p{Cc}]/u.test(text))
    return [required(field, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URL${FORM}`)];
  const [, scheme = '', user, host = '', query = '', fragment = ''] = parts;
  const errors: FieldError[] = [];
  if (scheme.toLowerCase() !== 'https')
    errors.push(invalid(field, scheme, `'https' is the only allowed URL scheme${FORM}`));
  if (host === '') errors.push(invalid(field, host, `host must be specified${FORM}`));
  if (user !== undefined) errors.push(invalid(field, user, 'user information is not permitted in the URL'));
  if (fragment !== '') errors.push(invalid(field, fragment, 'fragments are not permitted in the URL'));
  if (query !== '') errors.push(invalid(field, query, 'query parameters are not permitted in the URL'));
  return errors;
}

interface ServiceReference {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  readonly port?: number | undefined;
}

function pathErrors(field: string, path: string): FieldError[] {
  if (path === '' || path === '/') return [];
  if (path === '//') return [invalid(field, path, 'segment[0] may not be empty')];
  const errors = path.startsWith('/') ? [] : [invalid(field, path, "must start with a '/'")];
  const steps = path.slice(1).replace(/\/$/, '').split('/');
  for (const [i, step] of steps.entries())
    if (step === '') errors.push(invalid(field, path, `segment[${i}] may not be empty`));
    else
      errors.push(
        ...invalidEach(
          field,
          path,
          dns1123SubdomainErrors(step).map(text => `segment[${i}]: ${text}`),
        ),
      );
  return errors;
}

export function webhookServiceErrors(field: string, service: ServiceReference): FieldError[] {
  const { name = '', namespace = '', path, port = 0 } = service;
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(child(field, 'name')));
  if (namespace === '') errors.push(required(child(field, 'namespace')));
  const texts = portNumberErrors(port);
  if (texts.length > 0) errors.push(invalid(child(field, 'port'), port, `port is not valid: ${texts.join(', ')}`));
  return path === undefined ? errors : [...errors, ...pathErrors(child(field, 'path'), path)];
}
