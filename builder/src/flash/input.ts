/** The bytes of an image, from a raw file or out of a compressed one, with what they are checked by. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { PassThrough, pipeline, Transform } from 'node:stream';
import { BuildError } from '../errors.ts';
import { tool } from '../tools.ts';

/** At most so much is read at once. */
export const chunkBytes: number = 4 * 1024 ** 2;

export const damaged = (path: string, why: string, cause?: unknown): BuildError =>
  new BuildError('IMAGE_DAMAGED', `${path} ${why}`, {
    hint: 'Build or download it again.',
    ...(cause === undefined ? {} : { cause }),
  });

export interface Input {
  /** Fewer only where the image ends. */
  bytes(offset: number, sizeBytes: number): Promise<Buffer>;
  /** Checks what can only be known at the end. */
  end(): Promise<void>;
  /** The reason behind an early end. */
  explain(otherwise: BuildError): Promise<BuildError>;
  close(): Promise<void>;
}

export class RawFile implements Input {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #expected: string | undefined;
  /** Only of an image without a map, which is read from end to end. */
  readonly #hash = createHash('sha256');

  private constructor(file: FileHandle, path: string, expected: string | undefined) {
    this.#file = file;
    this.#path = path;
    this.#expected = expected;
  }

  static async open(path: string, expected: string | undefined): Promise<RawFile> {
    return new RawFile(await open(path, 'r'), path, expected);
  }

  async bytes(offset: number, sizeBytes: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(sizeBytes), 0, sizeBytes, offset);
    const bytes = buffer.subarray(0, bytesRead);
    if (this.#expected !== undefined) this.#hash.update(bytes);
    return bytes;
  }

  end(): Promise<void> {
    if (this.#expected === undefined || this.#hash.digest('hex') === this.#expected) return Promise.resolve();
    return Promise.reject(damaged(this.#path, 'is not the one SHA256SUMS names'));
  }

  explain(otherwise: BuildError): Promise<BuildError> {
    return Promise.resolve(otherwise);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** A stream that is read forwards only; what lies between two reads is skipped. */
export class Decompressed implements Input {
  readonly #path: string;
  readonly #stop = new AbortController();
  readonly #output = new PassThrough({ highWaterMark: chunkBytes });
  readonly #iterator: AsyncIterator<Buffer>;
  readonly #running: Promise<unknown>;
  readonly #hash = createHash('sha256');
  readonly #expected: string | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(path: string, expected: string | undefined, signal: AbortSignal) {
    this.#path = path;
    this.#expected = expected;
    this.#iterator = this.#output[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const hash = this.#hash;
    const hashed = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    // Destroys both when either ends; what went wrong is seen where the stream is read.
    pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hashed, () => undefined);
    this.#running = tool(['zstd', '--decompress', '--stdout', '--quiet'], {
      input: hashed,
      output: this.#output,
      signal: AbortSignal.any([signal, this.#stop.signal]),
    });
    // Told when it is asked for: by explain() or end().
    this.#running.catch(() => this.#output.end());
  }

  async bytes(offset: number, sizeBytes: number): Promise<Buffer> {
    await this.#skip(offset - this.#at);
    const parts: Buffer[] = [];
    for (let missing = sizeBytes; missing > 0; ) {
      const part = await this.#take(missing);
      if (part.length === 0) break;
      parts.push(part);
      missing -= part.length;
    }
    const [only] = parts;
    return parts.length === 1 && only ? only : Buffer.concat(parts);
  }

  async #skip(sizeBytes: number): Promise<void> {
    for (let missing = sizeBytes; missing > 0; ) {
      const part = await this.#take(missing);
      if (part.length === 0) return;
      missing -= part.length;
    }
  }

  /** At most so many bytes; none at the end. */
  async #take(most: number): Promise<Buffer> {
    if (this.#rest.length === 0) {
      const next = await this.#iterator.next();
      if (next.done) return Buffer.alloc(0);
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    this.#at += part.length;
    return part;
  }

  async end(): Promise<void> {
    await this.#skip(Number.POSITIVE_INFINITY);
    await this.#running.catch((cause: unknown) => {
      throw this.#failure(cause);
    });
    if (this.#expected !== undefined && this.#hash.digest('hex') !== this.#expected)
      throw damaged(this.#path, 'is not the one SHA256SUMS names');
  }

  #failure(cause: unknown): unknown {
    if (!(cause instanceof BuildError) || cause.code !== 'TOOL_FAILED') return cause;
    return damaged(this.#path, `cannot be decompressed: ${(cause.tail ?? cause.message).replace(/^.*?: /, '')}`, cause);
  }

  async explain(otherwise: BuildError): Promise<BuildError> {
    const cause = await this.#running.then(
      () => undefined,
      (error: unknown) => this.#failure(error),
    );
    return cause instanceof BuildError ? cause : otherwise;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#output.destroy();
    await this.#running.catch(() => undefined);
  }
}
