/** What of a container's log a client asked for, and how it is printed. */
import { fixedTimestamp, parseLogLine } from './line.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly stream: 'All' | 'Stdout' | 'Stderr';
  /** Only this many lines at the end of the file, before following it. */
  readonly tailLines?: number;
  /** Only what was written at that moment or later, ms since 1970. */
  readonly sinceMs?: number;
  /** Stop after so many octets of answer. */
  readonly limitBytes?: number;
}

/** A positive integer, or undefined where the text is none (the API server has refused those already). */
function count(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** `PodLogOptions` as query (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/, log). */
export function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const flag = (name: string): boolean => ['1', 't', 'T', 'true', 'TRUE', 'True', ''].includes(query.get(name) ?? '0');
  const tailLines = count(query.get('tailLines'));
  const limitBytes = count(query.get('limitBytes'));
  const sinceSeconds = count(query.get('sinceSeconds'));
  const sinceTime = Date.parse(query.get('sinceTime') ?? '');
  const sinceMs = sinceSeconds === undefined ? sinceTime : nowMs - sinceSeconds * 1000;
  const stream = query.get('stream');
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    stream: stream === 'Stdout' || stream === 'Stderr' ? stream : 'All',
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(Number.isNaN(sinceMs) ? {} : { sinceMs }),
  };
}

const NEWLINE = 0x0a;
const LINE_BREAK = Buffer.of(NEWLINE);

/** Turns the file's bytes, as they come, into the answer's. */
export class LogFormatter {
  readonly #options: LogOptions;
  #leftBytes: number;
  /** The beginning of a line whose end is not read yet. */
  #pending: Buffer = Buffer.alloc(0);
  #sinceReached: boolean;
  #atLineStart = true;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#leftBytes = options.limitBytes ?? Number.POSITIVE_INFINITY;
    this.#sinceReached = options.sinceMs === undefined;
  }

  /** The limit has been reached: nothing will come any more. */
  get done(): boolean {
    return this.#leftBytes <= 0;
  }

  /** The next bytes of the file. Returns what they become, possibly nothing. */
  push(bytes: Buffer): Buffer {
    const input = this.#pending.length > 0 ? Buffer.concat([this.#pending, bytes]) : bytes;
    const output: Buffer[] = [];
    let start = 0;
    for (let end = input.indexOf(NEWLINE); end >= 0; end = input.indexOf(NEWLINE, start)) {
      this.#line(input.subarray(start, end), output);
      start = end + 1;
    }
    this.#pending = Buffer.from(input.subarray(start)); // a copy: the caller reads into the same memory again
    const whole = Buffer.concat(output);
    const allowed = whole.length > this.#leftBytes ? whole.subarray(0, this.#leftBytes) : whole;
    this.#leftBytes -= allowed.length;
    return allowed;
  }

  /** Another file begins (rotation): what is unfinished stays so. */
  restart(): void {
    this.#pending = Buffer.alloc(0);
  }

  #line(raw: Buffer, output: Buffer[]): void {
    const line = parseLogLine(raw);
    if (!line) return;
    const { stream, sinceMs, timestamps } = this.#options;
    if (stream !== 'All' && stream.toLowerCase() !== line.stream) return;
    if (!this.#sinceReached && sinceMs !== undefined) {
      if (Date.parse(line.timestamp) < sinceMs) return;
      this.#sinceReached = true;
    }
    if (timestamps && this.#atLineStart) output.push(Buffer.from(`${fixedTimestamp(line.timestamp)} `, 'latin1'));
    output.push(line.text);
    if (!line.partial) output.push(LINE_BREAK);
    this.#atLineStart = !line.partial;
  }
}
