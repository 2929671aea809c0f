/** A write load on ConfigMaps through the API, which remembers what was acknowledged. */
import { statSync } from 'node:fs';
import { AcknowledgedWrites } from '../src/acknowledged.ts';
import type { Api } from '../src/api.ts';

export const namespace = 'power-cuts';
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;

export class WriteLoad {
  readonly acknowledged = new AcknowledgedWrites();
  readonly #writeLog: string;
  #ended = false;

  /** @param writeLog the disk's write log: its size is the clock */
  constructor(writeLog: string) {
    this.#writeLog = writeLog;
  }

  /** Makes the namespace; call it once. */
  async prepare(api: Api): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await api.send({ method: 'POST', path: '/api/v1/namespaces', body });
  }

  /**
   * Creates, updates and deletes with so many writers until {@link end}. An error ends its writer: after a cut there is nothing
   * but errors, and before it every one is a fault.
   * @param prefix of the names: another one for each run
   * @returns the errors
   */
  async run(api: Api, writers: number, prefix: string): Promise<unknown[]> {
    this.#ended = false;
    const ends = await Promise.allSettled(
      Array.from({ length: writers }, (_, index) => this.#writer(api, `${prefix}${index}`)),
    );
    return ends.flatMap(end => (end.status === 'rejected' ? [end.reason] : []));
  }

  end(): void {
    this.#ended = true;
  }

  async #writer(api: Api, writer: string): Promise<void> {
    for (let round = 0; !this.#ended; round++) {
      const name = `${writer}-${round}`;
      await this.#write(api, 'POST', name, 'created');
      await this.#write(api, 'PUT', name, 'updated');
      if (round % 4 === 3) {
        await this.#write(api, 'DELETE', name, undefined);
      }
      // One key that changes all the time.
      await this.#write(api, round === 0 ? 'POST' : 'PUT', `${writer}-counter`, String(round));
    }
  }

  async #write(api: Api, method: 'POST' | 'PUT' | 'DELETE', name: string, state: string | undefined): Promise<void> {
    const path = method === 'POST' ? configMaps : `${configMaps}/${name}`;
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { state } };
    const acknowledge = this.acknowledged.begin(name, state);
    await api.send({ method, path, ...(method === 'DELETE' ? {} : { body }) });
    acknowledge(statSync(this.#writeLog).size);
  }
}

/** What the API lists. */
export async function listedStates(api: Api): Promise<Map<string, string>> {
  const { body } = await api.send({ path: configMaps });
  return states(body.items as unknown[]);
}

/** ConfigMap name → its value. */
export function states(objects: readonly unknown[]): Map<string, string> {
  const maps = objects as { metadata: { name: string }; data?: { state?: string } }[];
  return new Map(maps.map(({ metadata, data }) => [metadata.name, data?.state ?? '']));
}
