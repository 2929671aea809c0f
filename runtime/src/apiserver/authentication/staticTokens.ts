/**
 * Tokens from a file of `token,user,uid[,"group1,group2"]` lines
 * (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file).
 */
import { createHash } from 'node:crypto';
import type { User } from '../../lib/exchange.ts';
import { ConfigFileError } from '../configFileError.ts';
import { forApiServer, notOurs, type TokenAuthenticator } from './tokens.ts';

/** By the SHA-256 of the token, so that looking one up tells nothing of the others. */
export type StaticTokens = ReadonlyMap<string, User>;

const HINT =
  'The file is described at https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file';

/** @param path for messages only. @throws ConfigFileError naming the line that is wrong. */
export function parseTokenFile(text: string, path: string): StaticTokens {
  const users = new Map<string, User>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const wrong = (what: string): Error => new ConfigFileError(`${path}:${index + 1}: ${what}`, HINT);
    const [token = '', name = '', uid = '', groups = '', ...rest] = fieldsOf(line, wrong);
    if (rest.length > 0) throw wrong('more than four columns: put several groups in quotes, "a,b"');
    if (token === '' || name === '') throw wrong('a line is token,user,uid[,"group1,group2"]');
    const key = digest(token);
    if (users.has(key)) throw wrong('the token stands in an earlier line too');
    const own = groups.split(',').map(group => group.trim());
    users.set(key, {
      name,
      ...(uid === '' ? {} : { uid }),
      groups: [...own.filter(group => group !== ''), 'system:authenticated'],
    });
  });
  return users;
}

export function staticTokens(users: StaticTokens, own: readonly string[]): TokenAuthenticator {
  return {
    async verify(token, audiences) {
      const user = users.get(digest(token));
      return user ? forApiServer(user, own, audiences) : notOurs;
    },
  };
}

const digest = (token: string): string => createHash('sha256').update(token).digest('base64');

/** One line of CSV (RFC 4180, without line breaks in fields). */
function fieldsOf(line: string, wrong: (what: string) => Error): string[] {
  const fields: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(,|$)/y;
  for (let at = 0; at <= line.length; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (!match) throw wrong('a quote that does not end');
    fields.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? '').trim());
    if (match[3] === '') break;
  }
  return fields;
}
