/**
 * A node:test reporter made to be read: one line a test file, failures in full as they happen, the counts in the file
 * named by ATOLL_TEST_COUNTS for the runner to add up. Plain JavaScript: Node loads reporters without our loader.
 */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';

function errorText(error) {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return error.cause.stack ?? error.cause.message;
  return error.cause === undefined ? (error.stack ?? error.message) : `${error.message}\n${String(error.cause)}`;
}

export default async function* report(source) {
  const files = new Map();
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const started = Date.now();
  const short = file => file.replace(`${process.cwd()}/`, '');
  const of = file => {
    const known = files.get(file) ?? { passed: 0, failed: 0, skipped: 0 };
    files.set(file, known);
    return known;
  };
  const count = (file, what) => {
    of(file)[what]++;
    total[what]++;
  };
  for await (const { type, data } of source) {
    if (type === 'test:stderr' || type === 'test:stdout') {
      if (process.env.ATOLL_TEST_OUTPUT) yield data.message;
      continue;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const file = data.file ?? data.name;
    // The entry for a whole file or suite is no test of its own; a file that crashes is.
    const isTest = data.details.type !== 'suite' && data.name !== file;
    if (type === 'test:fail') {
      if (data.details.error?.failureType === 'subtestsFailed') continue;
      count(file, 'failed');
      const text = errorText(data.details.error).replace(/^/gm, '    ');
      const [first = '', second = ''] = text.split('\n').filter(line => line.trim() !== '');
      failures.push(`${short(file)}:${data.line ?? ''}  ${data.name}\n${first.slice(0, 300)}\n${second.slice(0, 300)}`);
      yield `\n✖ ${data.name}  (${basename(file)}:${data.line ?? ''})\n${text}\n\n`;
    } else if (isTest) {
      count(file, data.skip !== undefined || data.todo !== undefined ? 'skipped' : 'passed');
    }
  }
  const width = Math.max(0, ...[...files.keys()].map(file => short(file).length));
  for (const [file, r] of [...files].sort()) {
    const failed = r.failed > 0 ? `, ${r.failed} failed` : '';
    const skipped = r.skipped > 0 ? `, ${r.skipped} skipped` : '';
    yield `${r.failed > 0 ? '✖' : '✔'} ${short(file).padEnd(width)}  ${String(r.passed).padStart(4)} passed${failed}${skipped}\n`;
  }
  const counts = process.env.ATOLL_TEST_COUNTS;
  if (counts) writeFileSync(counts, JSON.stringify({ ...total, failures, seconds: (Date.now() - started) / 1000 }));
}
