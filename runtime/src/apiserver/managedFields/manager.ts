/** Who a write is recorded for. */
import type { Request } from '../../lib/exchange.ts';

const MAX_BYTES = 128;
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** A client makes many requests: its name is found once. */
let lastAgent = '';
let lastName = 'unknown';

/** `fieldManager`, else the client's name: what stands before the first `/` of its User-Agent. */
export function managerNameOf({ query, headers }: Pick<Request, 'query' | 'headers'>): string {
  const asked = query.size === 0 ? '' : (query.get('fieldManager') ?? '');
  if (asked !== '') return asked;
  const agent = headers['user-agent'] ?? '';
  if (agent === lastAgent) return lastName;
  const slash = agent.indexOf('/');
  const name = (slash < 0 ? agent : agent.slice(0, slash)).replace(UNPRINTABLE, '');
  lastName = name === '' ? 'unknown' : shortened(name);
  lastAgent = agent;
  return lastName;
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  let kept = '';
  for (const character of name) {
    if (Buffer.byteLength(kept) + Buffer.byteLength(character) > MAX_BYTES) break;
    kept += character;
  }
  return kept;
}
