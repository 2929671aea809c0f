/** What the node's `/metrics` tells of the machine. Everything is read when it is asked for; nothing is counted in between. */
import { MetricRegistry, type Samples } from '../../lib/metrics.ts';
import { certificateEnds } from '../certificates.ts';
import type { Flash } from '../flash.ts';
import type { Release } from '../release.ts';
import type { TimeReport } from '../time.ts';
import type { LoaderEntry } from '../upgrade/types.ts';
import { healthReport, type ReportPlaces, runningSlot, upgradeReport, upgradeState } from './reports.ts';

export interface MachineMetricsOptions {
  readonly places: ReportPlaces;
  readonly dataDir: string;
  readonly release: () => Release;
  readonly time: () => TimeReport;
  /** Seconds, see `ntp.ts`. */
  readonly clockOffset: () => Promise<number | undefined>;
  readonly flash: Flash;
  /** What the loader has; undefined: it cannot be asked. */
  readonly entries: () => Promise<readonly LoaderEntry[] | undefined>;
}

/** Slots change with an upgrade: the boot partition is not read for every scrape. */
const ENTRIES_MS = 5 * 60_000;
/** A time server is not asked more often than that (timesyncd.conf(5), PollIntervalMinSec=). */
const OFFSET_MS = 30_000;

export function machineMetrics(options: MachineMetricsOptions): () => Promise<string> {
  const { places, dataDir, release, time, flash } = options;
  const registry = new MetricRegistry();
  let entries: readonly LoaderEntry[] | undefined;
  let entriesAt = Number.NEGATIVE_INFINITY;
  let offset: number | undefined;
  let offsetAt = Number.NEGATIVE_INFINITY;
  const one = (value: number | undefined): Samples => (value === undefined ? [] : [[[], value]]);
  const gauge = (name: string, help: string, labels: readonly string[], read: () => Samples): void =>
    registry.collect('gauge', name, help, labels, read);

  gauge(
    'atoll_build_info',
    'What runs: the image, its version, the Kubernetes version it serves.',
    ['version', 'image', 'kubernetes', 'slot'],
    () => {
      const { version, image, kubernetes } = release();
      return [[[version, image, kubernetes, runningSlot(places) ?? ''], 1]];
    },
  );
  gauge('atoll_slot_info', 'What is in each slot, and how the boot loader has it.', ['slot', 'version', 'state'], () =>
    (entries ?? []).map(({ slot, version, triesLeft }) => {
      const state = triesLeft === undefined ? 'blessed' : triesLeft > 0 ? 'trial' : 'refused';
      return [[slot, version, state], 1] as const;
    }),
  );
  gauge('atoll_upgrade_trial', '1 while a version is armed or on trial.', ['version'], () => {
    const { trial } = upgradeState(places);
    return trial ? [[[trial.version], 1]] : [];
  });
  gauge('atoll_upgrade_in_progress', '1 while an upgrade is being installed.', [], () =>
    one(upgradeReport(places, release(), 0).busy ? 1 : 0),
  );
  gauge('atoll_upgrade_refused_versions', 'Versions that are not tried again by themselves.', [], () =>
    one(upgradeState(places).refused.length),
  );
  gauge('atoll_upgrade_events', 'What became of upgrades, as far as is remembered (the newest 100).', ['event'], () => {
    const counts = new Map<string, number>(
      ['installed', 'blessed', 'fell-back', 'rolled-back'].map(event => [event, 0]),
    );
    for (const { event } of upgradeState(places).history) counts.set(event, (counts.get(event) ?? 0) + 1);
    return [...counts].map(([event, count]) => [[event], count] as const);
  });
  gauge('atoll_upgrade_last_event_timestamp_seconds', 'When that happened last.', ['event'], () => {
    const last = new Map<string, number>();
    for (const { event, at } of upgradeState(places).history)
      if (!last.has(event)) last.set(event, Date.parse(at) / 1000);
    return [...last].filter(([, at]) => Number.isFinite(at)).map(([event, at]) => [[event], at] as const);
  });
  gauge(
    'atoll_health_check',
    'Checks of the trial in this boot: 1 for the state each was in when it was looked at last; it is not looked at again after its end.',
    ['check', 'state'],
    () => (healthReport(places)?.checks ?? []).map(({ check, state }) => [[check, state], 1] as const),
  );
  gauge('atoll_health_check_timestamp_seconds', 'When those checks were looked at last.', [], () => {
    const at = Date.parse(healthReport(places)?.at ?? '') / 1000;
    return one(Number.isFinite(at) ? at : undefined);
  });
  const bytes = (which: 'sinceBootBytes' | 'inAllBytes') => (): Samples => {
    const written = flash.written();
    return written ? [[[written.disk], written[which]]] : [];
  };
  const disk = 'to the disk that holds the data';
  registry.collect(
    'counter',
    'atoll_disk_written_bytes_total',
    `Bytes written ${disk}, since the boot.`,
    ['disk'],
    bytes('sinceBootBytes'),
  );
  registry.collect(
    'counter',
    'atoll_disk_written_bytes_ever_total',
    `Bytes written ${disk}, in all boots.`,
    ['disk'],
    bytes('inAllBytes'),
  );
  gauge('atoll_certificate_expiry_timestamp_seconds', 'When each certificate of this machine ends.', ['name'], () =>
    certificateEnds(dataDir).map(({ name, expires }) => [[name], Date.parse(expires) / 1000] as const),
  );
  gauge('atoll_clock_synchronized', '1 when a time server has set the clock in this boot.', [], () =>
    one(time().synchronized ? 1 : 0),
  );
  gauge('atoll_clock_last_sync_timestamp_seconds', 'When a time server set the clock last.', [], () => {
    const { lastSync } = time();
    return one(lastSync === undefined ? undefined : Date.parse(lastSync) / 1000);
  });
  gauge('atoll_clock_offset_seconds', 'How far a time server was ahead of the clock when it was last asked.', [], () =>
    one(offset),
  );

  return async () => {
    const now = performance.now();
    if (now - entriesAt > ENTRIES_MS) {
      entries = await options.entries().catch(() => undefined);
      entriesAt = now;
    }
    // Before a server has answered there is nothing to ask for.
    if (now - offsetAt > OFFSET_MS && time().synchronized) {
      offset = await options.clockOffset();
      offsetAt = now;
    }
    return registry.text();
  };
}
