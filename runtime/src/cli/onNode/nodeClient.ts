/** Asking a node through the cluster. */

import { setTimeout as pause } from 'node:timers/promises';
import { type NodeUpgradeReport, nodePath } from '../../api/nodeUpgrade.ts';
import { ApiError } from '../../client/apiError.ts';
import type { Client } from '../../client/client.ts';
import { linesOf } from '../../client/lines.ts';

export class NodeClient {
  constructor(
    readonly client: Client,
    readonly name: string,
  ) {}

  get<Out>(path: string): Promise<Out> {
    return this.client.rawJson<Out>({ method: 'GET', path: nodePath(this.name, path) });
  }

  post<Out>(path: string, body: object, timeoutMs?: number): Promise<Out> {
    const headers = { 'content-type': 'application/json' };
    const request = {
      method: 'POST',
      path: nodePath(this.name, path),
      headers,
      body: Buffer.from(JSON.stringify(body)),
    };
    return this.client.rawJson<Out>(request, { timeoutMs });
  }

  /** As {@link post}, of what may restart the node before its answer is through. @throws ApiError where the node said no */
  async start(path: string, body: object): Promise<void> {
    try {
      await this.post(path, body);
    } catch (error) {
      if (error instanceof ApiError && (error.code < 500 || error.code === 501 || error.reason === 'InternalError'))
        throw error;
    }
  }

  /** What comes, line by line, until it ends or `signal` aborts. @throws ApiError, or the transport's error when the connection is lost */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const { body } = await this.client.raw({ method: 'GET', path: nodePath(this.name, path), signal });
    if (Buffer.isBuffer(body)) {
      yield* body
        .toString('utf8')
        .split('\n')
        .filter(line => line !== '');
      return;
    }
    for await (const line of linesOf(body)) yield line.toString('utf8');
  }

  /**
   * Reports of the node as they change, also over its restarts and those of the server; ends when `signal` aborts.
   * `undefined`: it does not answer now, and `why`.
   */
  async *reports(
    signal: AbortSignal,
    againMs = AGAIN_MS,
  ): AsyncGenerator<{ readonly report: NodeUpgradeReport } | { readonly report: undefined; readonly why: string }> {
    while (!signal.aborted) {
      let why = 'the node ended the connection';
      // A node whose power was cut says nothing; it would have said something by then.
      const silent = new AbortController();
      let cancel = (): void => undefined;
      const heard = (): void => {
        cancel();
        const timer = setTimeout(() => silent.abort(new Error('it says nothing any more')), SILENT_MS);
        cancel = () => clearTimeout(timer);
      };
      try {
        heard();
        for await (const line of this.lines('upgrade?follow=true', AbortSignal.any([signal, silent.signal]))) {
          heard();
          yield { report: JSON.parse(line) as NodeUpgradeReport };
        }
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
      } finally {
        cancel();
      }
      if (signal.aborted) return;
      yield { report: undefined, why };
      // Nothing else keeps this process while it waits.
      await pause(againMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

const AGAIN_MS = 2_000;
/** Three of the node's beats. */
const SILENT_MS = 30_000;
