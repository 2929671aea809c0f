/** `GET logs`: the journal of this boot, as journalctl's JSON lines; bounded in lines, in bytes and in how many read at once. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { badRequest, StatusError, tooManyRequests } from '../../api/status.ts';
import { type Asked, JournalQuestionError, journalArguments } from '../journal.ts';
import { lines, type NodeRequest } from './request.ts';
import { notAnAtollMachine } from './units.ts';

const DEFAULT_LINES = 1_000;
const MAX_LINES = 20_000;
/** Of one answer that does not follow. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_READERS = 4;

export class Logs {
  #readers = 0;

  constructor(private readonly command = 'journalctl') {}

  /** `?part=&since=&lines=&follow=true` @throws StatusError 400, 429, 501 */
  async get(asked: NodeRequest): Promise<void> {
    const words = wordsOf(asked.query);
    if (this.#readers >= MAX_READERS) throw tooManyRequests(`${MAX_READERS} read the logs of this node already`, 5);
    this.#readers++;
    try {
      await this.#send(asked, words);
    } finally {
      this.#readers--;
    }
  }

  async #send(asked: NodeRequest, words: readonly string[]): Promise<void> {
    const journal = spawn(this.command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    await new Promise<void>((resolve, reject) => {
      journal.once('spawn', resolve);
      journal.once('error', error =>
        reject(
          'code' in error && error.code === 'ENOENT'
            ? notAnAtollMachine('there is no journalctl')
            : new StatusError(500, 'InternalError', `journalctl: ${error.message}`),
        ),
      );
    });
    journal.stderr.resume();
    const { write, signal } = lines(asked);
    const kill = (): void => void journal.kill();
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
    let bytes = 0;
    try {
      for await (const line of createInterface({ input: journal.stdout })) {
        bytes += line.length;
        if (bytes > MAX_BYTES && asked.query.get('follow') !== 'true') break;
        await write(line);
      }
    } finally {
      kill();
      asked.response.end();
    }
  }
}

function wordsOf(query: URLSearchParams): string[] {
  const [part, since, many] = [query.get('part'), query.get('since'), query.get('lines')];
  const count = many === null ? DEFAULT_LINES : Number(many);
  if (!Number.isInteger(count) || count < 0 || count > MAX_LINES)
    throw badRequest(`lines: "${many}" is not a whole number from 0 to ${MAX_LINES}`);
  const asked: Asked = {
    ...(part === null ? {} : { part }),
    ...(since === null ? {} : { since }),
    follow: query.get('follow') === 'true',
    lines: count,
  };
  try {
    return journalArguments(asked);
  } catch (error) {
    if (error instanceof JournalQuestionError) throw badRequest(error.message);
    throw error;
  }
}
