/** A line about this node's upgrades among the cluster's Events, once the API takes it. */

import { Client } from '../../client/client.ts';
import { EventRecorder } from '../../client/events.ts';
import type { HttpTransportOptions } from '../../client/http.ts';
import { httpTransport } from '../../client/http.ts';
import { Nodes } from '../../client/resources.ts';
import { delay } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { release } from '../release.ts';
import { isUnknown, type Unknown } from './observation.ts';

export interface NodeEvent {
  readonly type: 'Normal' | 'Warning';
  /** `UpgradeBlessed`, `UpgradeFailed`, `UpgradeSetAside` */
  readonly reason: string;
  readonly message: string;
}

const RETRY_MS = 5_000;

/** @returns false when the API took none of it within the time. @param ask how the API is reached, and as which node, now */
export async function tellCluster(
  events: readonly NodeEvent[],
  ask: () => { readonly access: HttpTransportOptions | Unknown; readonly nodeName: string | undefined },
  { logger, timeoutMs, signal }: { readonly logger: Logger; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  for (const until = Date.now() + timeoutMs; Date.now() < until && !signal.aborted; await delay(RETRY_MS, signal)) {
    const { access, nodeName } = ask();
    if (isUnknown(access) || nodeName === undefined) continue;
    const transport = httpTransport(access);
    try {
      const client = new Client(transport, { userAgent: `atoll-health/${release().version}`, timeoutMs: 10_000 });
      const node = await client.get(Nodes, { name: nodeName });
      const recorder = new EventRecorder({ client, logger, component: 'atoll-health', host: nodeName });
      for (const { type, reason, message } of events) recorder.event(Nodes, node, type, reason, message.slice(0, 1024));
      await recorder.close();
      return true;
    } catch (error) {
      logger.info({ reason: error instanceof Error ? error.message : String(error) }, 'the cluster cannot be told yet');
    } finally {
      transport.close();
    }
  }
  return false;
}
