import assert from 'node:assert/strict';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { silentLogger } from '../../lib/log.ts';
import { withDirectory } from '../../store/sqlite/testing.ts';
import { AuditLog, type AuditLogOptions } from './log.ts';

const options = { maxSizeBytes: 0, maxBackups: 0, maxAgeDays: 0, clock: systemClock, logger: silentLogger };
const withLog = (
  given: Partial<AuditLogOptions>,
  body: (log: AuditLog, directory: string) => Promise<void>,
): Promise<void> =>
  withDirectory(async directory => {
    const log = await AuditLog.open({ ...options, path: join(directory, 'logs', 'audit.log'), ...given });
    try {
      await body(log, join(directory, 'logs'));
    } finally {
      await log.close();
    }
  });

describe('the audit log', () => {
  it('writes lines in order, for its owner alone', async () => {
    await withLog({}, async (log, directory) => {
      for (let i = 0; i < 1000; i++) log.write(`line ${i}`);
      await log.close();
      const text = await readFile(join(directory, 'audit.log'), 'utf8');
      assert.deepEqual(
        text.trimEnd().split('\n'),
        Array.from({ length: 1000 }, (_, i) => `line ${i}`),
      );
      assert.equal((await stat(join(directory, 'audit.log'))).mode & 0o777, 0o600);
    });
  });

  it('is rotated by size and keeps so many older files', async () => {
    await withLog({ maxSizeBytes: 100, maxBackups: 2 }, async (log, directory) => {
      for (let i = 0; i < 6; i++) {
        log.write(`${i} ${'x'.repeat(80)}`);
        // A batch is one write: these are to be several.
        while (!(await readFile(join(directory, 'audit.log'), 'utf8')).includes(`${i} x`)) {
          await new Promise(resolve => setTimeout(resolve, 2));
        }
      }
      await log.close();
      const files = (await readdir(directory)).sort();
      assert.equal(files.length, 3, files.join());
      assert.ok(
        files.slice(0, 2).every(name => /^audit-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}(\.\d+)?\.log$/.test(name)),
      );
      assert.match(await readFile(join(directory, 'audit.log'), 'utf8'), /^5 x+\n$/);
    });
  });

  it('goes on with the file that is there, and drops what is too old', async () => {
    await withDirectory(async directory => {
      const path = join(directory, 'audit.log');
      const old = join(directory, 'audit-2020-01-01T00-00-00.000.log');
      await writeFile(path, 'before\n');
      await writeFile(old, 'old\n');
      await writeFile(join(directory, 'other.log'), 'not ours\n');
      await utimes(old, new Date('2020-01-01'), new Date('2020-01-01'));
      const log = await AuditLog.open({ ...options, path, maxSizeBytes: 10, maxAgeDays: 7 });
      log.write('after this');
      await log.close();
      const files = (await readdir(directory)).sort();
      assert.equal(files.length, 3, files.join());
      assert.ok(!files.includes('audit-2020-01-01T00-00-00.000.log'));
      assert.equal(await readFile(path, 'utf8'), 'after this\n');
    });
  });

  it('loses lines rather than memory when the disk is slow', async () => {
    const lost: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void lost.push(fields) } as typeof silentLogger;
    await withLog({ logger }, async (log, directory) => {
      const line = 'x'.repeat(1024 * 1024 - 1);
      for (let i = 0; i < 10; i++) log.write(line);
      await log.close();
      assert.equal((await stat(join(directory, 'audit.log'))).size, 4 * 1024 * 1024);
      assert.deepEqual(lost, [{ lost: 6 }]);
    });
  });

  it('says at once that it cannot be written', async () => {
    await withDirectory(async directory => {
      await writeFile(join(directory, 'file'), '');
      await assert.rejects(AuditLog.open({ ...options, path: join(directory, 'file', 'audit.log') }), /ENOTDIR|EEXIST/);
    });
  });
});
