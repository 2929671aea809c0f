/** What the agent says and does of the machine it runs on; each part is loaded when it is asked for the first time. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { readConfigStatus } from '../machine/config/status.ts';
import { Flash } from '../machine/flash.ts';
import type { NodeInterface } from '../machine/interface/answer.ts';
import { machineLabels } from '../machine/interface/node.ts';
import {
  type ReportPlaces,
  runningSlot,
  stayingOf,
  upgradeReport,
  upgradeState,
} from '../machine/interface/reports.ts';
import { release } from '../machine/release.ts';
import { timeReport } from '../machine/time.ts';
import { pollSettingsOf, readUpgradeSection } from '../machine/upgrade/pollSettings.ts';
import type { MachineAnswer } from '../node/streaming/server.ts';

export interface AgentMachineOptions {
  readonly nodeName: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface AgentMachine {
  readonly labels: Readonly<Record<string, string>>;
  readonly machine: MachineAnswer;
  readonly metrics: () => Promise<string>;
  /** Counts what the disk takes, and looks at the channel where there is one, until `signal` aborts. */
  run(signal: AbortSignal): void;
}

export function agentMachine(options: AgentMachineOptions): AgentMachine {
  const { dataDir, runDir, clock, logger } = options;
  const places: ReportPlaces = { stateDir: join(dataDir, 'upgrade'), runDir };
  const flash = new Flash(join(dataDir, 'agent'));
  const section = readUpgradeSection();
  let own: Promise<NodeInterface> | undefined;
  const ownApi = (): Promise<NodeInterface> => {
    own ??= openInterface(options, places, section?.channel);
    return own;
  };
  let metrics: Promise<() => Promise<string>> | undefined;
  return {
    labels: machineLabels(release(), runningSlot(places)),
    machine: async (...asked) => (await ownApi()).answer(...asked),
    metrics: async () => {
      metrics ??= openMetrics(options, places, flash);
      return (await metrics)();
    },
    run(signal) {
      flash.keepWhile(clock, signal);
      let settings: ReturnType<typeof pollSettingsOf>;
      try {
        settings = pollSettingsOf(section);
      } catch (error) {
        logger.error({ err: error }, 'the channel is not looked at: the configuration of upgrades is wrong');
      }
      if (!settings || release().image === 'none') return;
      const given = settings;
      // Of this boot: which version of the channel's restarts in the window. A person's own --no-reboot stays until a person restarts.
      const staying = join(runDir, 'restart-in-window');
      import('../machine/upgrade/poll.ts').then(
        ({ pollChannel }) =>
          pollChannel(
            {
              settings: given,
              clock,
              random: Math.random,
              logger: logger.child({ part: 'upgrade' }),
              image: () => release().image,
              ask: async (...of) => (await import('../machine/upgrade/pollRequest.ts')).askChannel(...of),
              start: async (source, limit, stays, version) => {
                const wanted = {
                  source,
                  ...(limit === undefined ? {} : { limit }),
                  ...(stays ? { noReboot: true } : {}),
                };
                await (await ownApi()).upgrades.begin(wanted);
                if (stays) writeFileSync(staying, version);
              },
              staying: () => stayingOf(upgradeReport(places, release(), clock.now()), textOf(staying)),
              restart: async () => {
                await promisify(execFile)('systemctl', ['reboot']);
              },
              known: () => {
                const { running, busy, trial, progress } = upgradeReport(places, release(), clock.now());
                const { refused } = upgradeState(places);
                return { running, refused, busy: busy || trial !== undefined, machineId: machineId(), progress };
              },
            },
            signal,
          ),
        error => logger.error({ err: error }, 'the channel is not looked at'),
      );
    },
  };
}

async function openInterface(
  { nodeName, dataDir, runDir, clock }: AgentMachineOptions,
  places: ReportPlaces,
  channel: string | undefined,
): Promise<NodeInterface> {
  const [{ nodeInterface }, { systemdUnits }] = await Promise.all([
    import('../machine/interface/answer.ts'),
    import('../machine/interface/units.ts'),
  ]);
  return nodeInterface({
    nodeName,
    places,
    units: systemdUnits,
    release,
    clock,
    channel: () => channel,
    status: async () => (await import('./status.ts')).machineStatus({ dataDir, runDir }),
    configuration: () => readConfigStatus(runDir),
  });
}

async function openMetrics(
  { dataDir }: AgentMachineOptions,
  places: ReportPlaces,
  flash: Flash,
): Promise<() => Promise<string>> {
  const [{ machineMetrics }, { clockOffset }] = await Promise.all([
    import('../machine/interface/metrics.ts'),
    import('../machine/ntp.ts'),
  ]);
  return machineMetrics({
    places,
    dataDir,
    release,
    time: timeReport,
    clockOffset,
    flash,
    entries: async () => {
      if (release().image === 'none') return undefined;
      const { openLoader } = await import('../machine/upgrade/loader/index.ts');
      return (await openLoader('/efi')).entries();
    },
  });
}

/** machine-id(5): kept over upgrades; the same machine has the same place in every rollout of a version. */
const machineId = (): string => textOf('/etc/machine-id');

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
