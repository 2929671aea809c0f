/**
 * A bundle on a web server: stretches of it by Range, resumed where they stopped.
 *
 * Always true:
 * - all stretches are of one file: the entity tag (else the date, else the size) of the first answer is compared with every other,
 *   and sent as If-Range;
 * - whoever takes bytes slowly (a slow card, the bandwidth limit) is not counted against the server: only waiting for it is;
 * - faults that may pass are tried again with growing pauses until nothing came for `retryForMs`. One byte more begins that time anew, unless the
 *   server is slower than the minimum.
 *
 * A server without ranges is read from the beginning every time something earlier is needed ({@link Source.sequential}); of the
 * first pass the end is kept, where signature and tables are.
 */
import { Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileIfExists } from '../../../lib/files.ts';
import { Litter } from '../../../lib/litter.ts';
import { UpgradeError } from '../upgradeError.ts';
import { type Answered, exchange, explained, Passing, retryAfterMs, shownUrl } from './httpExchange.ts';
import { LastBytes } from './lastBytes.ts';
import type { RateLimit } from './rate.ts';
import type { Source } from './source.ts';
import { Speed } from './speed.ts';

export interface HttpLimits {
  /** Until the answer begins, and between any two pieces of it. */
  readonly silenceMs: number;
  /** How long nothing may come before it is given up; pauses between attempts included. */
  readonly retryForMs: number;
  readonly redirects: number;
  /** Less than `bytesPerSecond` over `overMs` is a connection to be begun anew. */
  readonly minimum: { readonly bytesPerSecond: number; readonly overMs: number };
  /** First pause between attempts; it doubles up to `mostPauseMs`. */
  readonly firstPauseMs: number;
  readonly mostPauseMs: number;
}

export const httpLimits: HttpLimits = {
  silenceMs: 30_000,
  retryForMs: 5 * 60_000,
  redirects: 5,
  minimum: { bytesPerSecond: 512, overMs: 60_000 },
  firstPauseMs: 500,
  mostPauseMs: 30_000,
};

export interface HttpOptions {
  readonly limits?: Partial<HttpLimits>;
  /** Authorities in PEM, instead of the machine's. */
  readonly caPem?: string;
  readonly rate?: RateLimit;
  /** Told of every pause, for people: why, and how long. */
  readonly onPause?: (reason: string, pauseMs: number) => void;
}

/** What this machine trusts, `ca_certs` of its configuration with it; without the file it is what Node.js brings. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';
const keptConnections = { keepAlive: true, maxSockets: 2, timeout: 60_000 };

/** Enough for signature, hash tree and tables of a bundle of 250 MB. */
const keptEndBytes = 4 << 20;
/** What may lie around of pieces that were taken. Node.js reads each into one Buffer and copies it into another. */
const litterBytes = 2 << 20;

/** @throws UpgradeError where the file is not there or the server stays away */
export async function openHttpSource(url: URL, signal: AbortSignal, options: HttpOptions = {}): Promise<Source> {
  const source = new HttpSource(url, options);
  try {
    await source.begin(signal);
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** A file in one piece, for what is small and without a signature to wait for: a channel, a revocation list. */
export async function fetchSmall(
  url: URL,
  mostBytes: number,
  signal: AbortSignal,
  options: HttpOptions = {},
): Promise<Buffer> {
  const source = new HttpSource(url, options);
  try {
    await source.begin(signal);
    if (source.sizeBytes > mostBytes)
      throw new UpgradeError(
        'HTTP',
        `${source.shown} has ${source.sizeBytes} bytes, more than the ${mostBytes} such a file may have`,
      );
    const pieces: Buffer[] = [];
    for await (const piece of source.stream(0, source.sizeBytes, signal)) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  } finally {
    await source.close();
  }
}

/** A running answer and the place in the file where its next byte belongs. */
interface Pass {
  readonly response: IncomingMessage;
  readonly pieces: AsyncIterator<Buffer>;
  at: number;
  /** What was read and not taken. */
  rest: Buffer;
}

class HttpSource implements Source {
  readonly shown: string;
  sizeBytes = 0;
  receivedBytes = 0;
  sequential = false;
  readonly #limits: HttpLimits;
  readonly #agents: { readonly http: HttpAgent; https: HttpsAgent };
  readonly #options: HttpOptions;
  /** Where redirects led; asked first, until it refuses. */
  #at: URL;
  #tag: string | undefined;
  #modified: string | undefined;
  /** Of a server without ranges: the answer that is being read, and the end of the file as far as it was seen. */
  #pass: Pass | undefined;
  #end: LastBytes | undefined;
  #goodMs = performance.now();
  readonly #speed = new Speed();
  readonly #litter = new Litter(litterBytes);

  constructor(
    private readonly url: URL,
    options: HttpOptions,
  ) {
    this.shown = shownUrl(url);
    this.#at = url;
    this.#options = options;
    this.#limits = { ...httpLimits, ...options.limits };
    this.#agents = { http: new HttpAgent(keptConnections), https: new HttpsAgent(keptConnections) };
  }

  get bytesPerSecond(): number | undefined {
    return this.#speed.bytesPerSecond;
  }

  /** Learns the size, which file it is, and whether there are ranges. */
  async begin(signal: AbortSignal): Promise<void> {
    const ca = this.#options.caPem ?? (await readFileIfExists(systemAuthorities).catch(() => undefined));
    if (ca && ca.length > 0) this.#agents.https = new HttpsAgent({ ...keptConnections, ca });
    this.#goodMs = performance.now();
    await this.#persist(signal, async () => {
      const { response } = await this.#ask({ range: 'bytes=0-0' }, signal);
      this.#tag = strong(response.headers.etag);
      this.#modified = response.headers['last-modified'];
      if (response.statusCode === 206) {
        const range = contentRange(response);
        this.receivedBytes += Number(response.headers['content-length'] ?? 0);
        response.resume();
        if (range?.total === undefined)
          throw new UpgradeError('HTTP', `${this.shown} answers without saying how large the file is`);
        this.sizeBytes = range.total;
        return;
      }
      this.sequential = true;
      await this.#readToEnd(response, signal);
    });
  }

  async *stream(offset: number, lengthBytes: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    let done = 0;
    const [beganMs, receivedBefore] = [performance.now(), this.receivedBytes];
    this.#goodMs = beganMs;
    while (done < lengthBytes) {
      const kept = this.#end?.at(offset + done, lengthBytes - done);
      if (kept) {
        done += kept.length;
        yield kept;
        continue;
      }
      // Between two pieces the taker may do anything, so the attempts are counted here and not around a callback.
      const pass = await this.#persist(signal, () => this.#passAt(offset + done, lengthBytes - done, signal));
      const began = { bytes: 0, waitedMs: 0 };
      const before = done;
      try {
        while (done < lengthBytes) {
          const piece = await this.#next(pass, lengthBytes - done, began);
          if (!piece) {
            if (done === before || this.sequential) throw new Passing(`${this.shown} ended at byte ${pass.at}`);
            break;
          }
          await this.#options.rate?.take(piece.length, signal);
          done += piece.length;
          yield piece;
        }
        // The end of the answer is heard, so that its connection serves the next request.
        if (done === lengthBytes && !this.sequential) await this.#next(pass, 1, began);
      } catch (error) {
        this.#drop(pass);
        if (signal.aborted) throw signal.reason;
        const fault = explained(error, this.shown);
        if (!(fault instanceof Passing)) throw fault;
        if (done < lengthBytes) await this.#pause(fault, signal);
      } finally {
        // Also where the taker goes away in the middle.
        if (!this.sequential) this.#drop(pass);
      }
    }
    this.#speed.add(this.receivedBytes - receivedBefore, performance.now() - beganMs);
  }

  async beside(name: string, mostBytes: number, signal: AbortSignal): Promise<Buffer | undefined> {
    const url = new URL(this.#at);
    url.pathname = url.pathname.replace(/[^/]*$/, name);
    const limits = { ...this.#limits, retryForMs: 0, silenceMs: Math.min(10_000, this.#limits.silenceMs) };
    try {
      return await fetchSmall(url, mostBytes, signal, { ...this.#options, limits });
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  close(): Promise<void> {
    if (this.#pass) this.#drop(this.#pass);
    this.#agents.http.destroy();
    this.#agents.https.destroy();
    return Promise.resolve();
  }

  /** Does `what` until it succeeds, or a fault that does not pass, or none that passed for too long. */
  async #persist<T>(signal: AbortSignal, what: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await what();
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const fault = explained(error, this.shown);
        if (!(fault instanceof Passing)) throw fault;
        await this.#pause(fault, signal);
      }
    }
  }

  #failures = 0;

  /** @throws UpgradeError UNREACHABLE when the patience is at its end */
  async #pause(fault: Passing, signal: AbortSignal): Promise<void> {
    const { firstPauseMs, mostPauseMs, retryForMs } = this.#limits;
    const spentMs = performance.now() - this.#goodMs;
    // Half of it at random: many machines lose one server at the same time.
    const backOff =
      Math.min(mostPauseMs, firstPauseMs * 2 ** Math.min(this.#failures++, 20)) * (0.5 + Math.random() / 2);
    const pauseMs = Math.max(backOff, fault.afterMs ?? 0);
    if (spentMs + pauseMs > retryForMs) {
      const asked = fault.afterMs === undefined ? '' : `, and asks to come back in ${seconds(fault.afterMs)}`;
      const tried = retryForMs === 0 ? '' : `, and nothing came for ${seconds(spentMs)}`;
      throw new UpgradeError(
        'UNREACHABLE',
        `${fault.message}${asked}${tried}`,
        'what has been written is kept: the same command goes on from here; --retry-for waits longer',
      );
    }
    this.#options.onPause?.(fault.message, pauseMs);
    await sleep(pauseMs, undefined, { signal });
  }

  /** Asks; an answer that is neither a stretch nor the file is thrown. */
  async #ask(headers: Record<string, string>, signal: AbortSignal): Promise<Answered> {
    const { silenceMs, redirects } = this.#limits;
    const common = { 'user-agent': 'atoll-upgrade', accept: '*/*', 'accept-encoding': 'identity' };
    const ask = (url: URL): Promise<Answered> =>
      exchange({ url, headers: { ...common, ...headers }, agents: this.#agents, silenceMs, redirects, signal });
    let answered = await ask(this.#at);
    // What a redirect led to may be good for a while only: asked once more from where it began.
    if ([400, 401, 403, 404, 410].includes(answered.response.statusCode ?? 0) && this.#at !== this.url) {
      answered.response.destroy();
      answered = await ask(this.url);
    }
    this.#check(answered.response);
    this.#at = answered.at.href === this.url.href ? this.url : answered.at;
    return answered;
  }

  #check(response: IncomingMessage): void {
    const { statusCode: status = 0, headers } = response;
    if (status === 200 || status === 206) {
      const encoding = headers['content-encoding'];
      if (encoding === undefined || encoding === 'identity') return;
      response.destroy();
      throw new UpgradeError(
        'HTTP',
        `${this.shown} is sent compressed (${encoding}), which was not asked for`,
        'turn that off for .raucb',
      );
    }
    response.destroy();
    const said = `${this.shown} answered with HTTP ${status}${response.statusMessage ? ` ${response.statusMessage}` : ''}`;
    if (status === 408 || status === 425 || status === 429 || status >= 500)
      throw new Passing(said, retryAfterMs(headers['retry-after'], Date.now()));
    if (status === 416 && this.sizeBytes > 0) throw this.#replaced('it is shorter now');
    if (status === 416) throw new UpgradeError('NOT_A_BUNDLE', `${this.shown} is empty`);
    throw new UpgradeError(
      'HTTP',
      said,
      status === 404 || status === 410 ? 'is the address right? the server has no such file' : undefined,
    );
  }

  #replaced(how: string): UpgradeError {
    return new UpgradeError(
      'REPLACED',
      `${this.shown} was replaced while it was downloaded: ${how}`,
      'start again: what has been written is kept where the new one has the same',
    );
  }

  /** An answer whose next byte is the one at `offset`. */
  async #passAt(offset: number, lengthBytes: number, signal: AbortSignal): Promise<Pass> {
    if (this.sequential) return this.#sequentialAt(offset, signal);
    const condition = this.#tag ?? (this.#modified || undefined);
    const { response } = await this.#ask(
      {
        range: `bytes=${offset}-${offset + lengthBytes - 1}`,
        ...(condition === undefined ? {} : { 'if-range': condition }),
      },
      signal,
    );
    try {
      this.#same(response);
      if (response.statusCode === 206) {
        const range = contentRange(response);
        if (range?.first !== offset) throw new Passing(`${this.shown} sent another stretch than it was asked for`);
        if (range.total !== undefined && range.total !== this.sizeBytes)
          throw this.#replaced(`it has ${range.total} bytes, and had ${this.sizeBytes}`);
        return passOf(response, offset);
      }
      const length = Number(response.headers['content-length'] ?? this.sizeBytes);
      if (length !== this.sizeBytes) throw this.#replaced(`it has ${length} bytes, and had ${this.sizeBytes}`);
      // The same file from its beginning: a server (or what stands before it) that gives ranges only sometimes.
      this.sequential = true;
      this.#pass = passOf(response, 0);
      return await this.#sequentialAt(offset, signal);
    } catch (error) {
      response.destroy();
      throw error;
    }
  }

  /** @throws UpgradeError REPLACED */
  #same({ headers }: IncomingMessage): void {
    const tag = strong(headers.etag);
    if (this.#tag !== undefined && tag !== undefined) {
      if (tag !== this.#tag) throw this.#replaced(`its entity tag is ${tag}, and was ${this.#tag}`);
    } else if (
      this.#modified !== undefined &&
      headers['last-modified'] !== undefined &&
      headers['last-modified'] !== this.#modified
    )
      throw this.#replaced(`it was changed at ${headers['last-modified']}`);
  }

  async #sequentialAt(offset: number, signal: AbortSignal): Promise<Pass> {
    if (this.#pass && this.#pass.at > offset) this.#drop(this.#pass);
    let pass = this.#pass;
    if (!pass) {
      const { response } = await this.#ask({}, signal);
      this.#same(response);
      const length = Number(response.headers['content-length'] ?? this.sizeBytes);
      if (length !== this.sizeBytes) throw this.#replaced(`it has ${length} bytes, and had ${this.sizeBytes}`);
      pass = passOf(response, 0);
      this.#pass = pass;
    }
    const began = { bytes: 0, waitedMs: 0 };
    try {
      while (pass.at < offset) {
        const piece = await this.#next(pass, offset - pass.at, began);
        if (!piece) throw new Passing(`${this.shown} was cut off at byte ${pass.at} of ${this.sizeBytes}`);
        await this.#options.rate?.take(piece.length, signal);
      }
    } catch (error) {
      this.#drop(pass);
      throw error;
    }
    return pass;
  }

  /** The first pass of a server without ranges: how large it is, and what its end is. */
  async #readToEnd(response: IncomingMessage, signal: AbortSignal): Promise<void> {
    const pass = passOf(response, 0);
    const began = { bytes: 0, waitedMs: 0 };
    const told = response.headers['content-length'];
    const end = new LastBytes(keptEndBytes);
    const beganMs = performance.now();
    try {
      for (;;) {
        const piece = await this.#next(pass, Number.POSITIVE_INFINITY, began);
        if (!piece) break;
        await this.#options.rate?.take(piece.length, signal);
        end.take(piece);
      }
    } finally {
      this.#drop(pass);
    }
    if (told !== undefined && Number(told) !== pass.at)
      throw new Passing(`${this.shown} was cut off at byte ${pass.at} of ${told}`);
    this.sizeBytes = pass.at;
    this.#end = end;
    this.#speed.add(pass.at, performance.now() - beganMs);
  }

  /** The next piece, never longer than asked for; undefined at the answer's end. @throws Passing */
  async #next(pass: Pass, mostBytes: number, began: { bytes: number; waitedMs: number }): Promise<Buffer | undefined> {
    if (pass.rest.length === 0) {
      const { silenceMs, minimum } = this.#limits;
      const sinceMs = performance.now();
      const timer = setTimeout(() => {
        pass.response.destroy(new Passing(`${this.shown} stopped sending for ${silenceMs / 1000} s`));
      }, silenceMs);
      const step = await pass.pieces.next().finally(() => clearTimeout(timer));
      if (step.done === true) {
        if (pass.response.complete) return undefined;
        throw new Passing(`${this.shown} was cut off at byte ${pass.at}`);
      }
      pass.rest = step.value;
      this.receivedBytes += step.value.length;
      began.bytes += step.value.length;
      this.#litter.add(step.value.length);
      began.waitedMs += performance.now() - sinceMs;
      if (began.waitedMs > minimum.overMs) {
        if (began.bytes * 1000 < minimum.bytesPerSecond * began.waitedMs)
          throw new Passing(`${this.shown} sends less than ${minimum.bytesPerSecond} bytes/s`);
        began.bytes = 0;
        began.waitedMs = 0;
      }
      // A trickle is no sign of life, nor are the few bytes that each new connection begins with.
      if (began.bytes >= minimum.bytesPerSecond && began.bytes * 1000 >= began.waitedMs * minimum.bytesPerSecond) {
        this.#goodMs = performance.now();
        this.#failures = 0;
      }
    }
    const piece = pass.rest.subarray(0, mostBytes);
    pass.rest = pass.rest.subarray(piece.length);
    pass.at += piece.length;
    return piece;
  }

  #drop(pass: Pass): void {
    // An answer that was read to its end leaves its connection for the next request.
    if (!pass.response.complete || pass.rest.length > 0) pass.response.destroy();
    if (this.#pass === pass) this.#pass = undefined;
  }
}

function passOf(response: IncomingMessage, at: number): Pass {
  // Whoever destroys it in the middle hears of it by other ways.
  response.on('error', () => {});
  return { response, pieces: response[Symbol.asyncIterator]() as AsyncIterator<Buffer>, at, rest: Buffer.alloc(0) };
}

const strong = (tag: string | undefined): string | undefined =>
  tag === undefined || tag.startsWith('W/') ? undefined : tag;

/** RFC 9110, 14.4. */
function contentRange({ headers }: IncomingMessage): { first: number; total: number | undefined } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
  if (!match) return undefined;
  return { first: Number(match[1]), total: match[2] === '*' ? undefined : Number(match[2]) };
}

const seconds = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
