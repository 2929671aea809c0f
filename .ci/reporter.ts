/**
 * A node:test reporter made to be read: one line a test file, failures in full as they happen, the counts in the file
 * named by ATOLL_TEST_COUNTS for the runner to add up.
 */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

interface FileResult {
  passed: number;
  failed: number;
  skipped: number;
  startedAt: number;
}

const errorText = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const cause: unknown = error.cause;
  if (cause instanceof Error) return cause.stack ?? cause.message;
  return cause === undefined ? (error.stack ?? error.message) : `${error.message}\n${String(cause)}`;
};

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files = new Map<string, FileResult>();
  const total = { passed: 0, failed: 0, skipped: 0 };
  const started = Date.now();
  const of = (file: string | undefined): FileResult => {
    const key = file ?? '?';
    const known = files.get(key) ?? { passed: 0, failed: 0, skipped: 0, startedAt: Date.now() };
    files.set(key, known);
    return known;
  };
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { data } = event;
      const isSuite = data.details.type === 'suite';
      // The test runner's entry for a whole file is not a test.
      const isFile = data.file === undefined || (data.nesting === 0 && data.name === data.file);
      const result = of(data.file ?? data.name);
      if (event.type === 'test:fail') {
        const error = event.data.details.error;
        const isParent = 'failureType' in error && error.failureType === 'subtestsFailed';
        if (!isParent) {
          result.failed++;
          total.failed++;
          yield `\n✖ ${data.name}  (${basename(data.file ?? '')}:${data.line ?? ''})\n${errorText(error).replace(/^/gm, '    ')}\n\n`;
        }
      } else if (!isSuite && !isFile) {
        if (data.skip !== undefined || data.todo !== undefined) {
          result.skipped++;
          total.skipped++;
        } else {
          result.passed++;
          total.passed++;
        }
      }
    } else if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      if (process.env.ATOLL_TEST_OUTPUT) yield event.data.message;
    }
  }
  const width = Math.max(0, ...[...files.keys()].map(f => f.replace(`${process.cwd()}/`, '').length));
  for (const [file, r] of [...files].sort()) {
    const mark = r.failed > 0 ? '✖' : '✔';
    yield `${mark} ${file.replace(`${process.cwd()}/`, '').padEnd(width)}  ${String(r.passed).padStart(4)} passed${r.failed > 0 ? `, ${r.failed} failed` : ''}${r.skipped > 0 ? `, ${r.skipped} skipped` : ''}\n`;
  }
  const counts = process.env.ATOLL_TEST_COUNTS;
  if (counts) writeFileSync(counts, JSON.stringify({ ...total, seconds: (Date.now() - started) / 1000 }));
}
