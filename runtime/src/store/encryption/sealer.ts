/**
 * AES-256-GCM of single values, in the form kube-apiserver gives them in etcd:
 * `k8s:enc:aesgcm:v1:<key name>:` then 12 random bytes, the ciphertext, the tag; the storage key is authenticated with it, so that
 * a value cannot be moved to another object (https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/).
 *
 * Which values: those of the ring's resources. How they are read is in the value, so a change of resources or keys needs no flag day.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { ValueCodec } from '../sqlite/reader.ts';
import { StoreKeyError } from '../store.ts';
import type { KeyRing } from './keyRing.ts';

const HEAD = Buffer.from('k8s:enc:');
const METHOD = 'k8s:enc:aesgcm:v1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** More than any head with a key's name. */
export const HEAD_BYTES = 96;

export class Sealer implements ValueCodec {
  /** Where the keys are, for messages. */
  readonly #path: string;
  #ring: KeyRing;
  #prefixes: readonly string[] = [];
  #keys = new Map<string, KeyObject>();

  constructor(ring: KeyRing, path: string) {
    this.#path = path;
    this.#ring = ring;
    this.use(ring);
  }

  get ring(): KeyRing {
    return this.#ring;
  }

  /** From now on values are written and read with this ring. */
  use(ring: KeyRing): void {
    this.#ring = ring;
    this.#prefixes = ring.resources.map(prefixOfResource);
    this.#keys = new Map(ring.keys.map(({ name, secret }) => [name, createSecretKey(secret, 'base64')]));
  }

  get keyNames(): readonly string[] {
    return [...this.#keys.keys()];
  }

  get prefixes(): readonly string[] {
    return this.#prefixes;
  }

  /** How a value of this key begins when it is written now; undefined: as it is given. */
  headFor(key: string): string | undefined {
    const { write } = this.#ring;
    return write !== null && this.#prefixes.some(prefix => key.startsWith(prefix)) ? `${METHOD}${write}:` : undefined;
  }

  kindOf(stored: Buffer): string | undefined {
    return keyNameOf(stored);
  }

  seal(key: string, value: Buffer): Buffer {
    const head = this.headFor(key);
    const secret = head === undefined ? undefined : this.#keys.get(this.#ring.write ?? '');
    if (head === undefined || secret === undefined) return value;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.from(key));
    return Buffer.concat([Buffer.from(head), nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws StoreKeyError */
  open(key: string, stored: Buffer): Buffer {
    const name = keyNameOf(stored);
    if (name === undefined) return stored;
    const secret = this.#keys.get(name);
    if (secret === undefined) {
      const known = [...this.#keys.keys()];
      throw new StoreKeyError(
        `${key} is encrypted with key ${name}, which is not in ${this.#path} (${known.length === 0 ? 'there is none' : `it has ${known.join(', ')}`})`,
        name,
      );
    }
    const body = stored.subarray(METHOD.length + name.length + 1);
    try {
      const nonce = body.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.from(key));
      decipher.setAuthTag(body.subarray(body.length - TAG_BYTES));
      const opened = decipher.update(body.subarray(NONCE_BYTES, body.length - TAG_BYTES));
      return Buffer.concat([opened, decipher.final()]);
    } catch (error) {
      throw new StoreKeyError(
        `${key} cannot be decrypted: key ${name} in ${this.#path} is not the one it was encrypted with`,
        name,
        { cause: error },
      );
    }
  }
}

/** The key a stored value was written with; undefined: it is as it was given. Needs the first {@link HEAD_BYTES} only. */
export function keyNameOf(stored: Buffer): string | undefined {
  if (stored.length < HEAD.length || stored.compare(HEAD, 0, HEAD.length, 0, HEAD.length) !== 0) return undefined;
  const head = stored.toString('latin1', 0, HEAD_BYTES);
  const end = head.indexOf(':', METHOD.length);
  return head.startsWith(METHOD) && end > 0 ? head.slice(METHOD.length, end) : '(unknown)';
}

/** Where a resource's objects lie: `secrets`, `widgets.example.com` (docs/contracts.md, "Storage keys"). */
export function prefixOfResource(resource: string): string {
  const dot = resource.indexOf('.');
  const [name, group] = dot < 0 ? [resource, 'core'] : [resource.slice(0, dot), resource.slice(dot + 1)];
  return `/registry/${group}/${name}/`;
}
