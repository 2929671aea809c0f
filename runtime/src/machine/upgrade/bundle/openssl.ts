/** The image's openssl, for what Node.js does not do: CMS and revocation lists. */
import { spawn } from 'node:child_process';
import { UpgradeError } from '../upgradeError.ts';

/** So much may be signed: a manifest has 1–2 KiB. */
const mostSaid = 1 << 20;

export interface Said {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** @param input of its standard input @throws UpgradeError TOOL where there is none; what `signal` was aborted with */
export function openssl(argv: readonly string[], input: Buffer | undefined, signal: AbortSignal): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn('openssl', argv, { stdio: 'pipe', signal, env: { PATH: process.env.PATH, LC_ALL: 'C' } });
    const said: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    let bytes = 0;
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > mostSaid) child.kill('SIGKILL');
        else said[name].push(piece);
      });
    child.on('error', cause =>
      reject(
        signal.aborted
          ? signal.reason
          : new UpgradeError('TOOL', `openssl cannot be run: ${cause.message}`, 'it belongs to the image', { cause }),
      ),
    );
    child.on('close', code =>
      resolve({ code, stdout: Buffer.concat(said.stdout), stderr: Buffer.concat(said.stderr).toString() }),
    );
    // Whoever ends early closes its input: its exit status tells the story better.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
