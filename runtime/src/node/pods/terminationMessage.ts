/**
 * What a container said of its end: the file at `terminationMessagePath`, or the tail of its log
 * (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/).
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { ContainerStatus } from '../cri/types.ts';
import { TERMINATION_MESSAGE_PATH, TERMINATION_MESSAGE_POLICY } from '../labels.ts';

export const MAX_MESSAGE_BYTES = 4096;
const MAX_LOG_BYTES = 2048;
const MAX_LOG_LINES = 80;

/** Falls back to the runtime's message. Never throws: a pod's status does not depend on a file a container may remove. */
export async function terminationMessage(status: ContainerStatus): Promise<string> {
  const path = status.annotations[TERMINATION_MESSAGE_PATH];
  const file = status.mounts.find(m => path !== undefined && m.containerPath === path)?.hostPath;
  const written = file ? await read(file, 'start', MAX_MESSAGE_BYTES) : '';
  if (written) return written;
  const fallback = status.annotations[TERMINATION_MESSAGE_POLICY] === 'FallbackToLogsOnError' && status.exitCode !== 0;
  const log = fallback && status.logPath ? logText(await read(status.logPath, 'end', 4 * MAX_LOG_BYTES)) : '';
  return log || status.message;
}

/** The last lines of a CRI log (`<time> <stream> <P|F> <text>`), without their heads. */
export function logText(log: string): string {
  const text = log
    .split('\n')
    .map(line => /^\S+ (?:stdout|stderr) ([PF])\S* ?(.*)$/s.exec(line))
    .filter(match => match !== null)
    .map(match => (match[1] === 'P' ? match[2] : `${match[2]}\n`))
    .join('');
  return text
    .split('\n')
    .slice(-MAX_LOG_LINES - 1)
    .join('\n')
    .slice(-MAX_LOG_BYTES);
}

async function read(path: string, from: 'start' | 'end', limitBytes: number): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, limitBytes));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from === 'end' ? size - buffer.length : 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return '';
  } finally {
    await file?.close();
  }
}
