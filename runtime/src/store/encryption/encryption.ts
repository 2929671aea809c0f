/**
 * Encryption at rest as the running server has it: the ring of keys in its file, the codec the store writes and reads with, and
 * the work of a rotation.
 *
 * Invariants:
 * - the file is the truth: `atoll secrets-encrypt` changes it, we follow (inotify; nothing polls), also after a restart;
 * - a ring that lost a key we still need is not taken: the last good one stays in use, and the log says so;
 * - while a stage of reencryption is in the file only the server writes the file.
 */
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '../../lib/files.ts';
import type { Logger } from '../../lib/log.ts';
import type { Store } from '../store.ts';
import { finished, type KeyRing, newKeyRing, noKeyRing, readKeyRing, reencrypting, writeKeyRing } from './keyRing.ts';
import { reencrypt, type StoredRows } from './reencrypt.ts';
import { Sealer } from './sealer.ts';

/** A reencryption that failed, for want of space for one, is begun again. */
const RETRY_MS = 60_000;

export interface EncryptionOptions {
  /** `/var/lib/atoll/server/cred/encryption-config.json` */
  readonly path: string;
  /** Whether a store that has no keys yet gets one. */
  readonly enabled: boolean;
  /** What is encrypted: `secrets`. */
  readonly resources: readonly string[];
  readonly logger: Logger;
  readonly now: () => Date;
  /** Everything is encrypted anew; what else needs the old keys (snapshots) must be gone when this resolves: then they go. */
  readonly onReencrypted?: () => Promise<void>;
  /** Told whenever another ring is in use: its {@link ringHash}. */
  readonly onUse?: (hash: string) => void;
}

/** Says which ring it is, nothing about its keys. */
export const ringHash = (ring: KeyRing): string =>
  createHash('sha256').update(JSON.stringify(ring)).digest('hex').slice(0, 16);

export class Encryption {
  readonly codec: Sealer;
  readonly #options: EncryptionOptions;
  readonly #abort = new AbortController();
  #store: (Store & StoredRows) | undefined;
  #watcher: FSWatcher | undefined;
  #working: Promise<void> | undefined;
  #again = false;
  /** Whether the file was there. */
  #present: boolean;

  private constructor(options: EncryptionOptions, ring: KeyRing | undefined) {
    this.#options = options;
    this.#present = ring !== undefined;
    this.codec = new Sealer(ring ?? noKeyRing(options.resources), options.path);
  }

  /** Reads the keys; the store is opened with `codec` next. @throws KeyRingError */
  static async load(options: EncryptionOptions): Promise<Encryption> {
    return new Encryption(options, await readKeyRing(options.path));
  }

  /** The store is open, so every key it needs is there: makes the first key where there is none, and goes on with a rotation. */
  async start(store: Store & StoredRows): Promise<void> {
    const { path, enabled, resources, now, logger } = this.#options;
    this.#store = store;
    const { ring } = this.codec;
    if (!this.#present && enabled) {
      const first = newKeyRing(resources, now());
      await this.#save(store.revision() > 1 ? { ...first, plain: true } : first);
      logger.info({ path, resources, key: this.codec.ring.write }, 'secrets are encrypted at rest from now on');
    } else if (this.#present && ring.resources.join() !== resources.join()) {
      await this.#save({ ...ring, resources, plain: true });
      logger.info(
        { resources },
        'what is encrypted has changed; `atoll secrets-encrypt reencrypt` changes what is there',
      );
    }
    if (this.#present && enabled !== (this.codec.ring.write !== null)) {
      logger.warn(
        { path },
        `--secrets-encryption=${enabled} is for the first start; now \`atoll secrets-encrypt ${enabled ? 'enable' : 'disable'}\` does it`,
      );
    }
    await makeDirectory(dirname(path), 0o700);
    this.#watcher = watch(dirname(path), { persistent: false }, () => this.#wake());
    this.#watcher.on('error', error => logger.error({ err: error, path }, 'changes of the keys are not noticed'));
    this.#options.onUse?.(ringHash(this.codec.ring));
    this.#wake();
  }

  /** Ends; a reencryption is broken off and goes on at the next start. */
  async close(): Promise<void> {
    this.#watcher?.close();
    this.#abort.abort(new Error('the server is stopping'));
    await this.#working;
  }

  #wake(): void {
    if (this.#abort.signal.aborted) return;
    this.#again = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      // In the same breath as the last look: no change is missed.
      if (this.#again) this.#wake();
    });
  }

  async #work(): Promise<void> {
    const { logger, path } = this.#options;
    while (this.#again && !this.#abort.signal.aborted) {
      this.#again = false;
      try {
        await this.#follow();
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        logger.error({ err: error, path }, 'the keys are as they were; `atoll secrets-encrypt status` shows them');
        if (this.codec.ring.stage === 'reencrypt_active') setTimeout(() => this.#wake(), RETRY_MS).unref();
      }
    }
  }

  async #follow(): Promise<void> {
    const { path, logger } = this.#options;
    const ring = await readKeyRing(path);
    if (ring === undefined) {
      if (this.#present)
        logger.error({ path }, 'the file of the encryption keys is gone: put it back, or back up the secrets');
      return;
    }
    this.#present = true;
    const lost = this.codec.ring.keys.filter(known => !ring.keys.some(key => sameKey(key, known)));
    if (lost.length > 0 && ring.stage !== 'reencrypt_finished') {
      throw new Error(`${path} lacks the key ${lost.map(({ name }) => name).join(', ')}, which is in use; put it back`);
    }
    this.#use(ring);
    if (ring.stage === 'reencrypt_request' || ring.stage === 'reencrypt_active') await this.#reencrypt(ring);
  }

  async #reencrypt(ring: KeyRing): Promise<void> {
    const { logger } = this.#options;
    if (this.#store === undefined) return;
    const active = reencrypting(ring);
    await this.#save(active);
    const began = performance.now();
    const { rewritten } = await reencrypt(this.#store, this.codec, this.#abort.signal);
    await this.#options.onReencrypted?.();
    await this.#save(finished(active));
    logger.info(
      { rewritten, key: ring.write, ms: Math.round(performance.now() - began) },
      'secrets have been reencrypted',
    );
  }

  /** Keys come into use when they are durable, and go when what needed them is. */
  async #save(ring: KeyRing): Promise<void> {
    await writeKeyRing(this.#options.path, ring);
    this.#present = true;
    this.#use(ring);
  }

  #use(ring: KeyRing): void {
    const changed = ringHash(ring) !== ringHash(this.codec.ring);
    this.codec.use(ring);
    if (changed) this.#options.onUse?.(ringHash(ring));
  }
}

const sameKey = (a: KeyRing['keys'][number], b: KeyRing['keys'][number]): boolean =>
  a.name === b.name && a.secret === b.secret;
