/**
 * What a person sees of a build: on a terminal one live line per running step with its elapsed time; elsewhere (CI, a pipe)
 * one plain line when a step starts to matter and one when it ends.
 */

export interface ProgressLine {
  readonly note: (text: string) => void;
  readonly done: () => void;
  readonly fail: () => void;
}

export interface Progress {
  start(step: string, title: string): ProgressLine;
  /** A step whose result was in the cache. */
  cached(step: string, title: string): void;
  /** A line that stays. */
  say(text: string): void;
  /** Stops drawing; call once, always. */
  close(): void;
}

/** The part of a `WriteStream` that is used. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

class PlainProgress implements Progress {
  private readonly stream: ProgressStream;
  private readonly now: () => number;

  constructor(stream: ProgressStream, now: () => number) {
    this.stream = stream;
    this.now = now;
  }

  start(step: string, title: string): ProgressLine {
    const started = this.now();
    this.say(`${step}: ${title}`);
    const end = (word: string) => (): void => this.say(`${step}: ${word} after ${seconds(this.now() - started)}`);
    return { note: () => undefined, done: end('done'), fail: end('FAILED') };
  }

  cached(step: string): void {
    this.say(`${step}: unchanged`);
  }

  say(text: string): void {
    this.stream.write(`${text}\n`);
  }

  close(): void {}
}

interface LiveLine {
  readonly step: string;
  readonly title: string;
  readonly started: number;
  note: string;
}

class LiveProgress implements Progress {
  private readonly stream: ProgressStream;
  private readonly now: () => number;
  private readonly lines = new Set<LiveLine>();
  private drawn = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(stream: ProgressStream, now: () => number) {
    this.stream = stream;
    this.now = now;
    this.timer = setInterval(() => this.draw(''), 200);
    this.timer.unref();
  }

  start(step: string, title: string): ProgressLine {
    const line: LiveLine = { step, title, started: this.now(), note: '' };
    this.lines.add(line);
    this.draw('');
    const end = (mark: string) => (): void => {
      this.lines.delete(line);
      this.draw(`${mark} ${line.title}  \x1b[2m${seconds(this.now() - line.started)}\x1b[0m\n`);
    };
    return {
      note: text => {
        line.note = text;
      },
      done: end('\x1b[32m✓\x1b[0m'),
      fail: end('\x1b[31m✗\x1b[0m'),
    };
  }

  cached(_step: string, title: string): void {
    this.draw(`\x1b[2m· ${title} (unchanged)\x1b[0m\n`);
  }

  say(text: string): void {
    this.draw(`${text}\n`);
  }

  close(): void {
    clearInterval(this.timer);
    this.draw('');
  }

  /** Replaces the live lines by `above` (text that stays) and the live lines as they are now. */
  private draw(above: string): void {
    const width = (this.stream.columns ?? 80) - 1;
    const live = [...this.lines].map(line => {
      const text = `… ${line.title}  ${seconds(this.now() - line.started)}${line.note ? `  ${line.note}` : ''}`;
      return `${[...text].slice(0, width).join('')}\n`;
    });
    const erase = this.drawn > 0 ? `\x1b[${this.drawn}A\x1b[0J` : '';
    if (erase === '' && above === '' && live.length === 0) return;
    this.stream.write(erase + above + live.join(''));
    this.drawn = live.length;
  }
}

/** Live lines if the stream is a terminal (and `CI` is not set), plain ones otherwise. */
export function createProgress(
  stream: ProgressStream,
  env: NodeJS.ProcessEnv = process.env,
  now: () => number = () => performance.now(),
): Progress {
  const live = stream.isTTY === true && !env.CI && env.TERM !== 'dumb';
  return live ? new LiveProgress(stream, now) : new PlainProgress(stream, now);
}
