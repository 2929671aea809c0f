/**
 * Work that is not the agent's: each as a transient unit of systemd, so that it has its own memory, survives a restart of the agent and is
 * found in the journal by its name (systemd-run(1)).
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { StatusError } from '../../api/status.ts';

export interface UnitStarter {
  /**
   * Starts `atoll WORDS…` as the unit `name` and returns when it has begun; one of that name at a time. `systemd`: more options of
   * systemd-run(1).
   * @throws StatusError 409 while it runs, 501 where there is no systemd
   */
  start(name: string, words: readonly string[], systemd?: readonly string[]): Promise<void>;
  /**
   * Runs `atoll WORDS…` to its end; it is ended when `signal` aborts.
   * @throws StatusError 501 where there is no systemd, 504 when it takes longer than `mostMs`
   */
  run(words: readonly string[], mostMs: number, signal: AbortSignal): Promise<Finished>;
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const COMMAND = '/usr/bin/atoll';
const START_MS = 20_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** It works beside the pods, not before them. */
const PROPERTIES = ['--property=Nice=10'];

export const systemdUnits: UnitStarter = {
  async start(name, words, systemd = PROPERTIES) {
    const { code, stderr } = await execute(
      [`--unit=${name}`, '--collect', '--quiet', '--no-ask-password', ...systemd, '--', COMMAND, ...words],
      AbortSignal.timeout(START_MS),
    );
    if (code === 0) return;
    if (/already loaded|already exists/.test(stderr))
      throw new StatusError(409, 'Conflict', `${name}.service is at work already: look at it, or wait for its end`);
    throw new StatusError(
      500,
      'InternalError',
      `systemd did not start ${name}.service: ${stderr.trim() || `code ${code}`}`,
    );
  },
  async run(words, mostMs, signal) {
    const unit = `atoll-asked-${randomUUID()}`;
    const late = AbortSignal.timeout(mostMs);
    const ended = AbortSignal.any([signal, late]);
    // systemd-run alone would end, and its unit go on: also where this process ends first.
    const properties = [...PROPERTIES, `--property=RuntimeMaxSec=${Math.ceil(mostMs / 1000)}`];
    const options = [`--unit=${unit}`, '--pipe', '--wait', '--collect', '--quiet', '--no-ask-password', ...properties];
    try {
      return await execute([...options, '--', COMMAND, ...words], ended);
    } catch (error) {
      if (!ended.aborted) throw error;
      execFile('systemctl', ['stop', '--no-block', unit], { timeout: START_MS }, () => undefined);
      if (signal.aborted) throw error;
      const minutes = Math.round(mostMs / 60_000);
      throw new StatusError(504, 'Timeout', `atoll ${words[0]} did not come to its end within ${minutes} minutes`);
    }
  },
};

function execute(args: readonly string[], signal: AbortSignal): Promise<Finished> {
  return new Promise((resolve, reject) => {
    execFile('systemd-run', [...args], { signal, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (error && 'code' in error && error.code === 'ENOENT')
        return reject(notAnAtollMachine('there is no systemd-run'));
      if (error && typeof error.code !== 'number')
        return reject(new StatusError(500, 'InternalError', `systemd-run: ${error.message.split('\n', 1)[0]}`));
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

export const notAnAtollMachine = (why: string): StatusError =>
  new StatusError(
    501,
    'NotImplemented',
    `this is not an Atoll machine: ${why}; only a node that runs an Atoll image does this`,
  );
