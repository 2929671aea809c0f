/** The root is sealed: one wrong byte in it is noticed, wherever it is read. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { findPartition } from '../src/gpt.ts';
import { Machine } from '../src/machine.ts';
import { artefacts, imageMachine } from './image.ts';

const minutes = 60_000;

/** EROFS: the superblock is at byte 1024; its block size (log2) at 12, its number of blocks at 36 (little-endian). */
async function rootBytes(disk: string, offset: number): Promise<number> {
  const handle = await open(disk, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(40), 0, 40, offset + 1024);
    assert.equal(buffer.readUInt32LE(0), 0xe0f5e1e2, 'the root is EROFS');
    return buffer.readUInt32LE(36) * 2 ** buffer.readUInt8(12);
  } finally {
    await handle.close();
  }
}

async function flipByte(disk: string, position: number): Promise<void> {
  const handle = await open(disk, 'r+');
  try {
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, position);
    await handle.write(Buffer.from([buffer.readUInt8(0) ^ 1]), 0, 1, position);
  } finally {
    await handle.close();
  }
}

describe('a root with one flipped byte', { timeout: 10 * minutes }, () => {
  it('is detected when that byte is read, and the machine stops rather than use it', async () => {
    const folder = join(cacheDirectory(), 'machines', `${process.pid}-flipped`);
    await mkdir(folder, { recursive: true });
    try {
      const disk = join(folder, 'flipped.raw');
      await promisify(execFile)('cp', ['--sparse=always', '--reflink=auto', '--', artefacts.raw, disk]);
      const root = await findPartition(disk, 'root-a');
      await flipByte(disk, root.offset + Math.floor((await rootBytes(disk, root.offset)) / 2));

      const options = imageMachine('flipped');
      await using machine = await Machine.start({ ...options, disks: [{ ...options.disks?.[0], file: disk }] });
      // Whatever the boot has not read by itself, this reads. The machine panics in the middle of it.
      const readAll = machine.shell.run('find / -xdev -type f -exec cat {} + > /dev/null', { timeoutMs: 4 * minutes });
      readAll.catch(() => {});
      await machine.console.waitFor(/verity: .*block \d+ is corrupted/, { timeoutMs: 5 * minutes });
      await machine.console.waitFor(/Kernel panic - not syncing: dm-verity device corrupted/, { timeoutMs: minutes });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
