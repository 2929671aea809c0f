/** What a document is, by how it starts: cloud-init takes many kinds of user-data, a node takes one. */
import { MAX_DOCUMENT_BYTES } from './documentText.ts';
import type { Place, Problem } from './types.ts';

const HEADER = '#cloud-config';

type From = Omit<Place, 'line' | 'column'>;

/** @returns what is wrong, `nothing` for a document that may be empty and is, or undefined. */
export function wrongStart(bytes: Buffer, from: From): Problem | 'nothing' | undefined {
  const start = bytes
    .subarray(0, 4096)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  const problem = (message: string, hint: string, column = 1): Problem => ({
    severity: 'error',
    place: { ...from, line: 1, column },
    path: '',
    message,
    hint,
  });
  if (bytes.length <= 4096 && start.trim() === '') {
    if (from.document === 'meta-data') return 'nothing';
    return problem(
      'is empty',
      from.document === 'user-data'
        ? `write ${HEADER} into its first line, or remove the file; an empty one is what a power cut leaves`
        : 'remove the file; an empty one is what a power cut leaves',
    );
  }
  if (from.document !== 'user-data' || bytes.length > MAX_DOCUMENT_BYTES) return undefined;
  // Bytes that are no text are told as what they are.
  if (!/^[\t\n\r -~]/.test(start) || start.startsWith('PK\u0003') || start.includes('\0')) return undefined;
  const [first = ''] = start.split(/\r?\n|\r/, 1);
  if (first.trimEnd() === HEADER) return undefined;
  const known = knownStarts.find(([pattern]) => pattern.test(first));
  if (known) return problem(known[1], known[2]);
  if (first.startsWith(`${HEADER} `)) return undefined;
  const later = start.split(/\r?\n/).findIndex(line => line.trim() === HEADER);
  if (later > 0)
    return problem(`the first line must be ${HEADER}, which is in line ${later + 1}`, 'move it to the top');
  if (/^\s*#+\s*cloud[-_ ]?config/i.test(first))
    return problem(`the first line must be exactly ${HEADER}`, 'small letters, without spaces');
  return problem(`the first line must be ${HEADER}`, 'cloud-init takes other files for something else');
}

/** Whether nothing but the first line is wrong with a document, so that the rest can be read. */
export const isCloudConfig = ({ message }: Problem): boolean => message.startsWith('the first line must be');

const INSTEAD = 'write a #cloud-config: scripts belong into runcmd or bootcmd';
const knownStarts: readonly (readonly [pattern: RegExp, message: string, hint: string])[] = [
  [/^#!/, 'is a script', INSTEAD],
  [/^#cloud-boothook/, 'is a boot hook', INSTEAD],
  [
    /^#include/,
    'is a list of URLs to include',
    'write a #cloud-config, or give its URL on the kernel command line: atoll.config=<url>',
  ],
  [/^#cloud-config-archive/, 'is an archive of several configurations', 'write one #cloud-config'],
  [/^#cloud-config-jsonp/, 'is a patch of a configuration', 'write a whole #cloud-config'],
  [/^#part-handler/, 'is a part handler', INSTEAD],
  [/^#upstart-job/, 'is an upstart job', INSTEAD],
  [/^## ?template:/, 'is a template', 'write what it comes to: nothing is filled in'],
  [
    /^(?:Content-Type|MIME-Version|From|Content-Transfer-Encoding|Content-Disposition):/i,
    'is a MIME message of several parts',
    'write one #cloud-config',
  ],
  [/^#ignition|^\{\s*"ignition"/, 'is an Ignition configuration', 'write a #cloud-config'],
];
