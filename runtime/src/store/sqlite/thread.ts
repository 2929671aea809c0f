/**
 * The entry point of the store's threads: the writer, which lives as long as the store, and the short-lived one of a snapshot.
 * A file of its own because a bundle needs it as a second output (`store-thread.js`, see `link.ts`).
 */
import { constants, setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { withStableFiles, writeBackup } from '../backup/create.ts';
import type { BackupFile } from '../backup/format.ts';
import { isNoSpace, threadError } from './errors.ts';
import { openStoreFile } from './file.ts';
import type { FromThread, PackedResults, ThreadRole, WriterRequest, WriterRole } from './protocol.ts';
import { Reserve } from './reserve.ts';
import { Writer } from './writer.ts';

async function main(port: MessagePort, role: ThreadRole): Promise<void> {
  const say = (message: FromThread, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  try {
    if (role.role === 'snapshot') {
      // Everybody else first. In Linux this is the thread's own.
      setPriority(0, constants.priority.PRIORITY_LOW);
      const write = (files: readonly BackupFile[]) => writeBackup(role.target, role, files, role.about);
      const { keysOf } = role;
      say({ ok: true, snapshot: await (keysOf === undefined ? write([]) : withStableFiles(keysOf, write)) });
      return;
    }
    const reserve = new Reserve(`${role.path}-reserve`, role.reserveBytes);
    const { database, recovery } = await opened(role, reserve);
    const writer = new Writer(database, role.quotaBytes, reserve);
    port.on('message', (request: WriterRequest) => {
      try {
        const results = answer(writer, request);
        if (results === undefined) say({ ok: true, reply: { state: writer.state } });
        else say({ ok: true, reply: { state: writer.state, results } }, buffersOf(results));
        if (request.kind === 'close') port.close();
      } catch (error) {
        say({ ok: false, error: threadError(error) });
      }
    });
    say({ ok: true, reply: { state: writer.state, ...(recovery === undefined ? {} : { recovery }) } });
    // Nobody waits for this one.
    reserve.restore();
  } catch (error) {
    say({ ok: false, error: threadError(error) });
  }
}

/** A log has to be made to open the store at all: on a full disk that is what the reserve is for. */
async function opened(role: WriterRole, reserve: Reserve): ReturnType<typeof openStoreFile> {
  try {
    return await openStoreFile(role);
  } catch (error) {
    if (!isNoSpace(threadError(error).code) || !reserve.release()) throw error;
    return openStoreFile(role);
  }
}

function answer(writer: Writer, request: WriterRequest): PackedResults | undefined {
  switch (request.kind) {
    case 'commit':
      return writer.commit(request.batch);
    case 'compact':
      return void writer.compact(request.target);
    case 'checkpoint':
      return void writer.checkpoint();
    case 'rewrite':
      return void writer.rewrite();
    case 'truncateLog':
      return void writer.truncateLog();
    case 'vacuum':
      return void writer.vacuum(request.pages);
    case 'close':
      return void writer.close();
  }
}

const buffersOf = ({ numbers, bytes }: PackedResults): ArrayBuffer[] =>
  [numbers.buffer, bytes.buffer].filter(buffer => buffer instanceof ArrayBuffer);

// Not awaited: it answers for all its errors itself, and the thread lives on through its port.
if (parentPort !== null) void main(parentPort, workerData as ThreadRole);
