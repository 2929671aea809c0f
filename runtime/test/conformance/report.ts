/** `docs/conformance.md`, made of the tests' names: `node --import tsx runtime/test/conformance/report.ts` writes it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { awaited, judged, SUITE_TESTS } from './titles.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
export const page = join(here, '../../../docs/conformance.md');

/** The names a test of ours bears. */
export function covered(): ReadonlySet<string> {
  const tests = readdirSync(join(here, '..')).filter(name => /^conformance\..*\.test\.ts$/.test(name));
  const files = [...tests.map(name => join(here, '..', name)), join(here, 'kinds.ts')];
  const text = files.map(file => readFileSync(file, 'utf8')).join('\n');
  return new Set(judged.filter(title => text.includes(`'${title}'`) || text.includes(`"${title}"`)));
}

export function report(): string {
  const ours = covered();
  const groups = [...new Set(judged.map(groupOf))];
  const rows = groups.map(group => {
    const all = judged.filter(title => groupOf(title) === group);
    return `| ${group} | ${all.length} | ${all.filter(title => ours.has(title)).length} |`;
  });
  const open = judged.filter(title => !ours.has(title));
  const later = Object.values(awaited).flat().length;
  return `# Kubernetes' conformance tests

Made by \`runtime/test/conformance/report.ts\`. The suite itself (\`e2e.test\`) is not run here: its tests that need no running container are
written anew from its descriptions, bear its names, and are asked of the whole control plane over the wire.

The suite has ${SUITE_TESTS} tests. ${judged.length} need no container and ask for what Atoll has: **${ours.size} of these have a test here**. ${later} more need no
container but a part that is not there yet. The other ${SUITE_TESTS - judged.length - later} need running containers or called webhooks.

| Group | Tests | Here |
| --- | --: | --: |
${rows.join('\n')}
| all | ${judged.length} | ${ours.size} |

## Without a test here

${open.length === 0 ? 'None.' : open.map(title => `- ${escaped(title)}`).join('\n')}

## Waiting for a part

${Object.entries(awaited)
  .map(([part, titles]) => `${part}:\n${titles.map(title => `- ${escaped(title)}`).join('\n')}`)
  .join('\n\n')}
`;
}

const groupOf = (title: string): string => /^\[(.*?)\]/.exec(title)?.[1] ?? '';
const escaped = (text: string): string => text.replace(/[[\]*]/g, '\\$&');

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, report());
