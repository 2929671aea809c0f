/**
 * Looking at a channel by itself: one timer, one small conditional request, and nothing in between. What is installed, and whether, is
 * `atoll upgrade`'s to say; here is only when it is asked.
 *
 * Always true: at most one timer; outside the window nobody is asked and nothing is begun, nor does the machine restart for what was begun
 * here; a version that was refused here, or that failed to install in this boot for a reason that asking again does not mend, is not tried
 * again by itself. A server that is away is never given up.
 */
import { createHash } from 'node:crypto';
import type { NodeProgress } from '../../api/nodeUpgrade.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { opensInMs, type TimeWindow } from '../../lib/timeWindow.ts';
import { compareVersions } from './loader/versionOrder.ts';
import { PollFailures } from './pollFailures.ts';
import type { ChannelAnswer } from './pollRequest.ts';
import type { Refusal } from './types.ts';

/** `/etc/atoll/upgrade.json`: the configuration's `upgrade`. */
export interface PollSettings {
  /** URL of a `channel.json`. */
  readonly channel: string;
  readonly everyMs: number;
  /** At most so much is added to each wait, at random: not all nodes ask at once. */
  readonly jitterMs: number;
  readonly window?: TimeWindow | undefined;
  /** Of the nodes, in percent, that may have a version by themselves; the channel's own counts, too. Default 100. */
  readonly rolloutPercent: number;
  /** Bytes a second, as `--limit` takes it. */
  readonly limit?: string | undefined;
}

export interface Offer {
  readonly version: string;
  readonly roothash?: string | undefined;
  readonly rolloutPercent: number;
  readonly minimumVersion?: string | undefined;
}

export interface Known {
  readonly running: { readonly version: string; readonly roothash?: string | undefined };
  readonly refused: readonly Pick<Refusal, 'version' | 'roothash' | 'reason'>[];
  /** Versions that could not be installed in this boot. */
  readonly failed: ReadonlySet<string>;
  /** Something is being installed, or on trial. */
  readonly busy: boolean;
  readonly machineId: string;
}

export type Verdict = { readonly install: true } | { readonly install: false; readonly why: string };

/** 0 to 99.99, always the same for a machine and a version, and spread evenly over machines: 25 % are others for each version. */
export function placeOf(machineId: string, version: string): number {
  const hash = createHash('sha256').update(`${machineId.trim()}\n${version}`).digest();
  return (hash.readUInt32BE(0) % 10_000) / 100;
}

/** Pure. */
export function judge(
  offer: Offer | undefined,
  { rolloutPercent }: Pick<PollSettings, 'rolloutPercent'>,
  known: Known,
): Verdict {
  const no = (why: string): Verdict => ({ install: false, why });
  if (!offer) return no('the channel has nothing for this image');
  const { version, roothash, minimumVersion } = offer;
  const { running } = known;
  if (roothash !== undefined && roothash === running.roothash) return no(`${version} runs already`);
  if (compareVersions(version, running.version) <= 0)
    return no(`${version} is no newer than ${running.version}, which runs`);
  if (minimumVersion !== undefined && compareVersions(running.version, minimumVersion) < 0)
    return no(`${version} takes ${minimumVersion} at least, and ${running.version} runs: upgrade to that first`);
  const refusal = known.refused.find(one =>
    roothash === undefined ? one.version === version : one.roothash === roothash,
  );
  if (refusal) return no(`${version} was refused here: ${refusal.reason}`);
  if (known.busy) return no('an upgrade is under way');
  if (known.failed.has(keyOf(offer))) return no(`${version} could not be installed in this boot`);
  const share = Math.min(offer.rolloutPercent, rolloutPercent);
  const place = placeOf(known.machineId, version);
  return place < share
    ? { install: true }
    : no(`${version} is for ${share} % of the nodes, and this one is at ${place} %`);
}

const keyOf = ({ version, roothash }: Offer): string => `${version} ${roothash ?? ''}`;

/** Until the next look: a period and its jitter, and never outside the window. Pure but for `random`. */
export function nextLookMs(
  { everyMs, jitterMs, window }: Pick<PollSettings, 'everyMs' | 'jitterMs' | 'window'>,
  nowMs: number,
  random: () => number,
  first = false,
): number {
  const jitter = random() * jitterMs;
  // After a start the first look is early, but not everybody's after a power cut at once.
  const waitMs = (first ? Math.min(FIRST_MS, everyMs) : everyMs) + jitter;
  if (!window) return Math.round(waitMs);
  const shutMs = opensInMs(window, nowMs + waitMs);
  return Math.round(shutMs === 0 ? waitMs : waitMs + shutMs + jitter);
}
const FIRST_MS = 2 * 60_000;

export interface PollOptions {
  readonly settings: PollSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** A conditional GET: undefined where nothing has changed since `etag`. */
  readonly ask: (url: string, etag: string | undefined, signal: AbortSignal) => Promise<ChannelAnswer | undefined>;
  readonly known: () => Omit<Known, 'failed'> & {
    /** Of the last installation of this boot, whoever asked for it. */
    readonly progress?: Pick<NodeProgress, 'pid' | 'phase' | 'mayPass'> | undefined;
  };
  readonly image: () => string;
  /** Starts the upgrade as a unit. `stays`: it is installed, and {@link restart} comes when the window lets it. */
  readonly start: (source: string, limit: string | undefined, stays: boolean, version: string) => Promise<void>;
  /** What became of what was started so, also by an agent before this one of the same boot; undefined: nothing that waits for a restart. */
  readonly staying: () => 'at work' | 'armed' | undefined;
  readonly restart: () => Promise<void>;
}

/** How soon an installation that has to restart in the window is looked at again. */
const STAYING_MS = 60_000;
/** After a window opens the machines that have waited for it do not restart all at once. */
const MAX_RESTART_JITTER_MS = 10 * 60_000;

/** Runs until `signal` aborts. */
export function pollChannel(options: PollOptions, signal: AbortSignal): void {
  const { settings, clock, random, logger } = options;
  const failures = new PollFailures(settings.everyMs);
  let etag: string | undefined;
  let offer: Offer | undefined;
  let said = '';
  let begun = false;
  let restarting = false;
  let cancel = (): void => undefined;
  const say = (level: 'info' | 'warn', message: string): void => {
    if (message === said) return;
    said = message;
    logger[level]({ channel: shown(settings.channel) }, message);
  };
  const look = async (): Promise<void> => {
    // The clock may have been set, or summer time begun, since the timer was.
    if (shutMs() > 0) return;
    const answer = await options.ask(settings.channel, etag, signal);
    if (answer) {
      etag = answer.etag;
      offer = answer.offers[options.image()];
    }
    const { progress, ...known } = options.known();
    if (!known.busy) failures.look(progress, clock.now());
    const verdict = judge(offer, settings, { ...known, failed: failures.final });
    if (!verdict.install || !offer) {
      say('info', verdict.install ? '' : verdict.why);
      return;
    }
    if (clock.now() < failures.againMs) return;
    begun = settings.window !== undefined;
    await options.start(settings.channel, settings.limit, begun, offer.version);
    failures.begun(keyOf(offer), progress?.pid);
    say('info', `${offer.version} is being installed`);
  };
  const shutMs = (): number => (settings.window ? opensInMs(settings.window, clock.now()) : 0);
  /** What was begun in a window restarts in one. */
  const restart = async (): Promise<void> => {
    if (shutMs() > 0 || options.staying() !== 'armed') return;
    restarting = true;
    say('info', 'the window is open: the machine restarts into what was installed');
    await options.restart();
  };
  const next = (first: boolean): { readonly inMs: number; readonly what: () => Promise<void> } => {
    // Just begun: its unit may have said nothing yet.
    const staying = begun ? 'at work' : settings.window && options.staying();
    begun = false;
    if (staying === 'at work' || restarting) return { inMs: STAYING_MS, what: restart };
    if (staying !== 'armed') return { inMs: nextLookMs(settings, clock.now(), random, first), what: look };
    const untilMs = shutMs();
    if (untilMs === 0) return { inMs: 0, what: restart };
    say('info', 'what was installed is tried when the window opens');
    return { inMs: untilMs + random() * Math.min(settings.jitterMs, MAX_RESTART_JITTER_MS), what: restart };
  };
  const arm = (first = false): void => {
    const { inMs, what } = next(first);
    cancel = clock.after(inMs, () => {
      what()
        .catch((error: unknown) => {
          const failed = what === look ? 'the channel cannot be asked' : 'the machine cannot be restarted';
          if (!signal.aborted) say('warn', `${failed}: ${error instanceof Error ? error.message : String(error)}`);
        })
        .finally(() => {
          if (!signal.aborted) arm();
        });
    });
  };
  if (signal.aborted) return;
  signal.addEventListener('abort', () => cancel(), { once: true });
  arm(true);
}

/** Without what may be a password. */
export function shown(url: string): string {
  if (!URL.canParse(url)) return url;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
