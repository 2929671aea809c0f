/**
 * One installation at a time on a machine. The lock is a socket in the kernel's abstract names: it ends with its process, however that
 * ends, and leaves nothing behind that could be taken for a lock.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { hasCode } from '../../lib/files.ts';
import { UpgradeError } from './upgradeError.ts';

/** @throws UpgradeError BUSY. Disposed: free again. */
export async function exclusive(runDir: string): Promise<AsyncDisposable> {
  const name = createHash('sha256').update(resolve(runDir)).digest('hex').slice(0, 32);
  const server = createServer(socket => socket.destroy());
  await new Promise<void>((done, reject) => {
    server.once('error', cause =>
      reject(
        hasCode(cause, 'EADDRINUSE')
          ? new UpgradeError(
              'BUSY',
              'an upgrade is being installed already',
              '`atoll upgrade status` shows how far it is',
              { cause },
            )
          : cause,
      ),
    );
    server.listen(`\0atoll-upgrade-${name}`, done);
  });
  server.unref();
  return { [Symbol.asyncDispose]: () => new Promise<void>(done => server.close(() => done())) };
}
