/** A port of the host that QEMU could not have: which, and why, as QEMU says neither whose it is nor what is wrong with it. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { BuildError } from '../../../builder/src/errors.ts';

const refusal = /Could not set up host forwarding rule 'tcp:127\.0\.0\.1:(\d+)-:(\d+)'/;

/** @returns BuildError USAGE for a machine that did not start for its port; anything else as it is */
export async function portExplained(error: unknown): Promise<unknown> {
  const [, host, guest] = refusal.exec(error instanceof Error ? error.message : '') ?? [];
  if (host === undefined || guest === undefined) return error;
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program has it',
    EACCES: 'it is below those that you may use',
  };
  const code = await listening(Number(host));
  return new BuildError('USAGE', `-p ${host}:${guest}: port ${host} of 127.0.0.1 cannot be had: ${why[code] ?? code}`, {
    hint: `Free it, give another, or leave it to QEMU: -p ${guest}.`,
    cause: error,
  });
}

/** Tries it. @returns the code of what is wrong */
async function listening(port: number): Promise<string> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return 'QEMU did not get it; it is free now';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    server.close();
  }
}
