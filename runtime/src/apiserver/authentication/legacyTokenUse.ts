/**
 * Writes down at Secrets when their tokens were last used, by the day (KEP-2799), so that those that nobody uses can go.
 *
 * Always true: a Secret is written at most once a day, by one write at a time; a failed write is tried at the next use.
 */
import type { Secret } from '../../api/generated/types/core.v1.ts';
import { findResource } from '../../api/resources.ts';
import { StatusError } from '../../api/status.ts';
import type { User } from '../../lib/exchange.ts';
import type { Parts } from '../context.ts';
import { contextFor } from '../internal.ts';
import { updateObject } from '../registry.ts';

const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const DAY_MS = 24 * 3600 * 1000;

export class LegacyTokenUse {
  readonly #writing = new Set<string>();

  constructor(
    private readonly parts: Parts,
    private readonly user: User,
  ) {}

  /** Does not wait for the write: whoever asks has nothing to do with it. */
  record({ metadata }: Secret): void {
    const { uid = '', labels, namespace = '', name = '' } = metadata;
    const nowMs = this.parts.clock.now();
    const today = dayOf(nowMs);
    // Tomorrow: of a server whose clock is ahead.
    const lastUsed = labels?.[LAST_USED];
    if (lastUsed === today || lastUsed === dayOf(nowMs + DAY_MS) || this.#writing.has(uid)) return;
    this.#writing.add(uid);
    this.#write(namespace, name, uid, today)
      .catch((error: unknown) => {
        if (error instanceof StatusError && (error.code === 404 || error.code === 409)) return;
        this.parts.logger.warn(
          { err: error, secret: `${namespace}/${name}` },
          'a token’s last use could not be written',
        );
      })
      .finally(() => this.#writing.delete(uid));
  }

  async #write(namespace: string, name: string, uid: string, today: string): Promise<void> {
    const secrets = findResource('', 'v1', 'secrets');
    if (!secrets) return;
    const context = contextFor(this.parts, this.user, secrets, namespace, name);
    await updateObject(context, name, {
      subresource: '',
      change: old => {
        if (old.metadata.uid !== uid) return old; // another of the same name
        return { ...old, metadata: { ...old.metadata, labels: { ...old.metadata.labels, [LAST_USED]: today } } };
      },
    });
  }
}

/** `2026-11-21`, in UTC. */
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
