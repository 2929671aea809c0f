/**
 * The guest's admin kubeconfig, handed to whoever owns the hypervisor.
 *
 * The guest's unit `atoll-kubeconfig-port.service` writes the administrator's kubeconfig, wherever it is, to the virtio port `atoll.kubeconfig.0` at
 * each boot, if the machine has such a port, ended by YAML's end-of-document line `...`. Nothing secret is ever on the console. The
 * port gives nothing to anybody who could not read it anyway: the hypervisor's owner owns the disk and the memory.
 */
import type { Duplex } from 'node:stream';

/** Reads documents from the port; keeps the newest. */
export class KubeconfigPort {
  #received = '';
  #newest: string | undefined;
  #waiters: ((document: string) => void)[] = [];

  attach(stream: Duplex): void {
    this.#received = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => this.#take(chunk));
    stream.on('error', () => {});
  }

  /** Forgets what an earlier boot sent, or starts from what is known. */
  reset(known?: string): void {
    this.#received = '';
    this.#newest = known;
  }

  get newest(): string | undefined {
    return this.#newest;
  }

  /** The newest document, or the next one if there is none yet. The caller brings the deadline. */
  document(): Promise<string> {
    const known = this.#newest;
    return known === undefined ? new Promise(resolve => this.#waiters.push(resolve)) : Promise.resolve(known);
  }

  #take(chunk: string): void {
    const documents = (this.#received + chunk).split(/^\.\.\.\n/m);
    this.#received = documents.pop() ?? '';
    const newest = documents.at(-1);
    if (newest !== undefined) {
      this.#newest = newest;
      for (const resolve of this.#waiters.splice(0)) {
        resolve(newest);
      }
    }
  }
}

/**
 * The same kubeconfig for use on the host: the server's loopback address and guest port become the forwarded port. The
 * server's certificate covers 127.0.0.1, so verification stays on.
 */
export function forHost(kubeconfig: string, hostPort: number): string {
  return kubeconfig.replace(/^(\s*server:\s*)\S+$/m, `$1https://127.0.0.1:${hostPort}`);
}
