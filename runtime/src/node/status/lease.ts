/** The node's heartbeat: a Lease in kube-node-lease, renewed every 10 s of 40 s (KEP-589). */
import type { Lease } from '../../api/generated/types/coordination.v1.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../client/apiError.ts';
import type { Client } from '../../client/client.ts';
import { Leases } from '../../client/resources.ts';

const NAMESPACE = 'kube-node-lease';
const DURATION_SECONDS = 40;
export const RENEW_MS = 10_000;

export class NodeLease {
  readonly #client: Client;
  readonly #nodeName: string;
  #lease: Lease | undefined;

  constructor(client: Client, nodeName: string) {
    this.#client = client;
    this.#nodeName = nodeName;
  }

  /** @throws the client's error; call it again later. */
  async renew(nodeUid: string, now: number): Promise<void> {
    const wanted = this.#wanted(nodeUid, now);
    try {
      this.#lease = this.#lease ? await this.#client.update(Leases, wanted) : await this.#client.create(Leases, wanted);
    } catch (error) {
      if (isAlreadyExists(error) || isConflict(error)) {
        this.#lease = await this.#client.get(Leases, { namespace: NAMESPACE, name: this.#nodeName });
        this.#lease = await this.#client.update(Leases, this.#wanted(nodeUid, now));
      } else {
        if (isNotFound(error)) this.#lease = undefined;
        throw error;
      }
    }
  }

  #wanted(nodeUid: string, now: number): Lease {
    const owner = { apiVersion: 'v1', kind: 'Node', name: this.#nodeName, uid: nodeUid };
    const metadata = this.#lease?.metadata ?? { namespace: NAMESPACE, name: this.#nodeName };
    return {
      metadata: { ...metadata, ownerReferences: [owner] },
      spec: {
        holderIdentity: this.#nodeName,
        leaseDurationSeconds: DURATION_SECONDS,
        renewTime: new Date(now).toISOString().replace('Z', '000Z'),
      },
    };
  }
}
