/** Upgrades over the node's API: what is so, what would be, and starting it. */
import { watch } from 'node:fs';
import {
  CHECK_MS,
  type NodeUpgradeCheck,
  type NodeUpgradeReport,
  type NodeUpgradeRequest,
} from '../../api/nodeUpgrade.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import { type Clock, delay } from '../../lib/clock.ts';
import type { Release } from '../release.ts';
import { USB } from '../upgrade/bundle/stick.ts';
import { UPGRADE_UNIT, upgradeUnitArguments } from '../upgrade/unit.ts';
import { type ReportPlaces, upgradeReport } from './reports.ts';
import { answer, bodyOf, fieldsOf, lines, type NodeRequest } from './request.ts';
import { type Finished, notAnAtollMachine, type UnitStarter } from './units.ts';

export interface UpgradesOptions {
  readonly places: ReportPlaces;
  readonly units: UnitStarter;
  readonly release: () => Release;
  readonly clock: Clock;
  /** Of the node's configuration: where upgrades come from when nobody says. */
  readonly channel: () => string | undefined;
}

export const ROLLBACK_UNIT = 'atoll-rollback';
/** Between two lines of a report that is followed. */
const PACE_MS = 300;
/** Also when nothing changes: whoever waits learns that the connection is good. */
const BEAT_MS = 10_000;

const requestShape = {
  source: 'string',
  version: 'string',
  allowDowngrade: 'boolean',
  retryRefused: 'boolean',
  limit: 'string',
  retryFor: 'string',
  deadline: 'string',
  noReboot: 'boolean',
} as const;

export class Upgrades {
  readonly #options: UpgradesOptions;

  constructor(options: UpgradesOptions) {
    this.#options = options;
  }

  report(): NodeUpgradeReport {
    const { places, release, clock } = this.#options;
    return upgradeReport(places, release(), clock.now());
  }

  /** `GET upgrade`; `?follow=true`: a line for each change. */
  async get(asked: NodeRequest): Promise<void> {
    if (asked.query.get('follow') !== 'true') return answer(asked, 200, this.report());
    const { clock, places } = this.#options;
    const { write, signal } = lines(asked);
    let wake = (): void => undefined;
    let changed = true;
    const watchers = [places.runDir, places.stateDir].flatMap(directory => {
      try {
        const watcher = watch(directory, (_, name) => {
          if (name !== null && !['upgrade.json', 'state.json', 'health.json'].includes(name)) return;
          changed = true;
          wake();
        });
        watcher.on('error', () => watcher.close());
        return [watcher];
      } catch {
        return []; // nothing can change where there is no directory
      }
    });
    try {
      while (!signal.aborted) {
        changed = false;
        await write(JSON.stringify(this.report()));
        await delay(PACE_MS, signal, clock);
        if (changed || signal.aborted) continue;
        const beat = new AbortController();
        wake = () => beat.abort();
        await delay(BEAT_MS, AbortSignal.any([signal, beat.signal]), clock);
      }
    } finally {
      for (const watcher of watchers) watcher.close();
      asked.response.end();
    }
  }

  /** `POST upgrade` @throws StatusError 400, 409, 422, 501 */
  async start(asked: NodeRequest): Promise<void> {
    const wanted = fieldsOf(await bodyOf(asked), requestShape);
    await this.begin(wanted);
    answer(asked, 202, this.report());
  }

  /** @throws StatusError 409 where something is under way, 422 without a source, 501 outside an image */
  async begin(wanted: NodeUpgradeRequest): Promise<void> {
    this.#mustBeImage();
    const { busy, trial } = this.report();
    if (busy) throw new StatusError(409, 'Conflict', 'an upgrade is under way on this node: wait for its end');
    if (trial)
      throw new StatusError(
        409,
        'Conflict',
        `this node is trying ${trial.version}: it is blessed or refused within ${trial.deadlineSeconds} s of its start`,
      );
    await this.#options.units.start(UPGRADE_UNIT, upgradeWords(this.#sourced(wanted)), upgradeUnitArguments);
  }

  /** `POST upgrade/check` @throws StatusError 400, 422, 501 */
  async check(asked: NodeRequest): Promise<void> {
    const wanted = this.#sourced(fieldsOf(await bodyOf(asked), requestShape));
    this.#mustBeImage();
    const gone = new AbortController();
    asked.response.once('close', () => gone.abort());
    const finished = await this.#options.units.run(
      upgradeWords(wanted, ['--check', '--output=json']),
      CHECK_MS,
      gone.signal,
    );
    answer(asked, 200, checkOf(finished, this.report().running.version));
  }

  /** `POST rollback` @throws StatusError 409, 501 */
  async rollback(asked: NodeRequest): Promise<void> {
    const { force } = fieldsOf(await bodyOf(asked), { force: 'boolean' });
    this.#mustBeImage();
    if (this.report().busy)
      throw new StatusError(409, 'Conflict', 'an upgrade is under way on this node: wait for its end');
    await this.#options.units.start(ROLLBACK_UNIT, ['rollback', ...(force ? ['--force'] : []), '--yes']);
    answer(asked, 202, this.report());
  }

  #mustBeImage(): void {
    const { image } = this.#options.release();
    if (image === 'none') throw notAnAtollMachine('its agent runs outside an image');
  }

  #sourced(wanted: NodeUpgradeRequest): NodeUpgradeRequest & { readonly source: string } {
    const source = wanted.source ?? this.#options.channel();
    if (source === undefined)
      throw new StatusError(
        422,
        'Invalid',
        'nothing says where the upgrade is: give source, or set upgrade: channel: in the configuration of the node',
      );
    if (source !== USB && !/^(?:https?:\/\/|\/)/.test(source))
      throw badRequest(`source: "${source}" is neither a URL, nor a path of this node that begins with /, nor usb`);
    if (source === USB && wanted.version !== undefined)
      throw badRequest('version: of a stick it is the newest for this image; leave version out');
    if (wanted.version !== undefined && !/^[\w.+~-]{1,128}$/.test(wanted.version))
      throw badRequest(`version: "${wanted.version}" is no version`);
    const { image } = this.#options.release();
    return { ...wanted, source: wanted.version === undefined ? source : bundleOf(source, image, wanted.version) };
  }
}

/** Of a channel or a directory, which may have several, the bundle of this version (its name: docs/upgrades.md). */
export function bundleOf(source: string, image: string, version: string): string {
  if (source.endsWith('.raucb')) return source;
  const file = `${image}-${version}.raucb`;
  return source.startsWith('/') ? `${source.replace(/\/$/, '')}/${file}` : new URL(file, source).href;
}

/** The command line of the same. */
export function upgradeWords(
  wanted: NodeUpgradeRequest & { readonly source: string },
  more: readonly string[] = ['--yes'],
): string[] {
  const { source, limit, retryFor, deadline, allowDowngrade, retryRefused, noReboot } = wanted;
  return [
    'upgrade',
    ...(limit === undefined ? [] : [`--limit=${limit}`]),
    ...(retryFor === undefined ? [] : [`--retry-for=${retryFor}`]),
    ...(deadline === undefined ? [] : [`--deadline=${deadline}`]),
    ...(allowDowngrade ? ['--downgrade'] : []),
    ...(retryRefused ? ['--force'] : []),
    ...(noReboot ? ['--no-reboot'] : []),
    ...more,
    '--',
    source,
  ];
}

/** What `atoll upgrade --check -o json` says. */
interface Checked {
  readonly version?: string;
  readonly running?: { readonly version?: string };
  /** It is what runs; absent: a slot is missing, and it would be installed whole. */
  readonly runs?: boolean;
  readonly downloadBytes?: number;
  readonly bundleBytes?: number;
  readonly transferSeconds?: number;
}

/** @throws StatusError 422 with the command's own words where it found nothing that could be installed */
export function checkOf({ code, stdout, stderr }: Finished, current: string): NodeUpgradeCheck {
  if (code !== 0) {
    const why = stderr.trim().replace(/^atoll(?: upgrade)?: /, '');
    throw new StatusError(422, 'Invalid', why || 'atoll upgrade --check did not say why');
  }
  const found = JSON.parse(stdout) as Checked;
  const { version, runs = false, downloadBytes, bundleBytes, transferSeconds } = found;
  const running = found.running?.version ?? current;
  const size = downloadBytes === undefined ? '' : `; ${downloadBytes} of ${bundleBytes} bytes are to be downloaded`;
  const time = size === '' || transferSeconds === undefined ? '' : `, in about ${transferSeconds} s`;
  return {
    current: running,
    ...(version === undefined ? {} : { version }),
    wanted: !runs,
    message: runs ? `${version} runs already` : `${version} can be installed over ${running}${size}${time}`,
  };
}
