/** The real kubectl, in the versions the tests use: Debian 13's, which is in the image, and the API's own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { debianPackage } from './debianSource.ts';

export const kubectlVersions = ['1.32', '1.36'] as const;
export type KubectlVersion = (typeof kubectlVersions)[number];

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Its path. The older comes with the builder's tools tree; a machine without the tree may have its own. */
export async function kubectlPath(version: KubectlVersion = '1.32'): Promise<string> {
  if (version === '1.36') return join(await debianPackage('kubectl'), 'usr/bin/kubectl');
  const inTree = join(process.env.ATOLL_CACHE ?? join(homedir(), '.cache/atoll'), 'tools/current/usr/bin/kubectl');
  return existsSync(inTree) ? inTree : 'kubectl';
}

export interface KubectlResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One kubectl of one user. Lines are split at spaces; give a list where an argument has some. */
export class Kubectl {
  readonly path: string;
  private readonly options: readonly string[];
  private readonly env: NodeJS.ProcessEnv;

  /** @param cacheDir kubectl's own cache of discovery. */
  constructor(path: string, kubeconfig: string, cacheDir: string, env: NodeJS.ProcessEnv = process.env) {
    this.path = path;
    this.options = ['--kubeconfig', kubeconfig, '--cache-dir', cacheDir];
    this.env = env;
  }

  run(line: string | readonly string[], input?: string): Promise<KubectlResult> {
    const args = typeof line === 'string' ? line.split(' ') : line;
    return new Promise((resolve, reject) => {
      const child = execFile(
        this.path,
        [...this.options, ...args],
        { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, env: this.env },
        (error, out, err) => {
          if (error && typeof error.code !== 'number') reject(error);
          else resolve({ code: Number(error?.code ?? 0), out, err });
        },
      );
      child.stdin?.on('error', () => undefined); // It may end before it has read everything.
      child.stdin?.end(input ?? '');
    });
  }

  /** Must succeed. @returns its output */
  async ok(line: string | readonly string[], input?: string): Promise<string> {
    const { code, out, err } = await this.run(line, input);
    assert.equal(code, 0, `kubectl ${String(line)}: ${err}`);
    return out;
  }

  /** Must fail. @returns what it says */
  async fails(line: string | readonly string[], input?: string): Promise<string> {
    const { code, err } = await this.run(line, input);
    assert.notEqual(code, 0, `kubectl ${String(line)} should have failed`);
    return err;
  }
}
