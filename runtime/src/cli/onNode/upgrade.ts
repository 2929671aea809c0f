/** `atoll --node NAME upgrade …` and `rollback`: asked for through the cluster, and shown as on the machine, over its restart. */
import {
  ASK_CHECK_MS,
  type BeforeUpgrade,
  beforeUpgrade,
  type NodeUpgradeCheck,
  type NodeUpgradeReport,
  type NodeUpgradeRequest,
  upgradeOutcome,
} from '../../api/nodeUpgrade.ts';
import type { Progress, UpgradeState } from '../../machine/upgrade/types.ts';
import { type CommandContext, UsageError } from '../command.ts';
import { type Paint, painted, plain } from '../statusPage.ts';
import { PlainProgress, progressLine } from '../upgradeProgress.ts';
import type { NodeClient } from './nodeClient.ts';

/** Without a word of the node: its own deadline, and a slow board's start on top. */
const BEYOND_MS = 15 * 60_000;
/** A unit that has been started says what it does by then. */
const QUIET_MS = 60_000;

export interface Showing {
  readonly columns?: number | undefined;
  readonly isTerminal: boolean;
  readonly paint: Paint;
  readonly nowMs: () => number;
  readonly againMs?: number;
}

const ownShowing = (): Showing => ({
  columns: process.stdout.columns,
  isTerminal: process.stdout.isTTY === true,
  paint: process.stdout.isTTY && !process.env.NO_COLOR ? painted : plain,
  nowMs: Date.now,
});

const isJson = ({ values }: CommandContext): boolean => (values.optional('output') ?? values.optional('o')) === 'json';

export async function upgradeOnNode(
  node: NodeClient,
  context: CommandContext,
  showing = ownShowing(),
): Promise<number> {
  const { rest, values, stdout } = context;
  const [what, ...more] = rest;
  if (more.length > 0) throw new UsageError(`atoll upgrade takes one source; "${more[0]}" was given, too`);
  if (what === 'status') {
    const report = await node.get<NodeUpgradeReport>('upgrade');
    stdout(isJson(context) ? `${JSON.stringify(report)}\n` : reportText(node.name, report, showing));
    return 0;
  }
  if (what === 'history') {
    const { history, refused } = await node.get<NodeUpgradeReport>('upgrade');
    const { historyText } = await import('../upgradeStatus.ts');
    // What is not sent, the page does not need: where logs are kept is on the machine.
    const state = { format: 1, history, refused } as unknown as UpgradeState;
    stdout(isJson(context) ? `${JSON.stringify({ history, refused })}\n` : historyText(state, showing.paint));
    return 0;
  }
  const wanted = requestOf(what, context);
  if (values.has('check')) {
    const found = await node.post<NodeUpgradeCheck>('upgrade/check', wanted, ASK_CHECK_MS);
    stdout(isJson(context) ? `${JSON.stringify(found)}\n` : `${node.name}: ${found.message}\n`);
    return 0;
  }
  const before = await node.get<NodeUpgradeReport>('upgrade');
  await node.start('upgrade', wanted);
  stdout(`${node.name} runs ${before.running.version}; it is being upgraded.\n`);
  return follow(node, beforeUpgrade(before), { ...showing, stdout, stays: wanted.noReboot === true });
}

function requestOf(source: string | undefined, { values }: CommandContext): NodeUpgradeRequest {
  const [limit, retryFor, deadline] = ['limit', 'retry-for', 'deadline'].map(name => values.optional(name));
  return {
    ...(source === undefined ? {} : { source }),
    ...(limit === undefined ? {} : { limit }),
    ...(retryFor === undefined ? {} : { retryFor }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(values.has('downgrade') ? { allowDowngrade: true } : {}),
    ...(values.has('force') ? { retryRefused: true } : {}),
    ...(values.has('no-reboot') ? { noReboot: true } : {}),
  };
}

export async function rollbackOnNode(
  node: NodeClient,
  context: CommandContext,
  showing = ownShowing(),
): Promise<number> {
  const { values, stdout } = context;
  if (values.has('no-reboot')) throw new UsageError('atoll rollback --no-reboot works on the machine only');
  if (!values.has('yes'))
    throw new UsageError(
      `atoll --node ${node.name} rollback --yes goes back to the version in the other slot, and restarts the node`,
    );
  const before = await node.get<NodeUpgradeReport>('upgrade');
  await node.start('rollback', values.has('force') ? { force: true } : {});
  stdout(`${node.name} runs ${before.running.version}; it goes back to the version before.\n`);
  return follow(node, beforeUpgrade(before), { ...showing, stdout, stays: false, back: before });
}

interface Followed extends Showing {
  readonly stdout: (text: string) => void;
  /** It does not restart by itself. */
  readonly stays: boolean;
  /** A rollback is what was asked for; what the node said before. */
  readonly back?: NodeUpgradeReport;
}

/** @returns 0 when it has come to what was asked for */
export async function follow(node: NodeClient, before: BeforeUpgrade, shown: Followed): Promise<number> {
  const { stdout, nowMs, isTerminal } = shown;
  const lines = new PlainProgress();
  let onLine = false;
  let said = '';
  const say = (text: string): void => {
    if (text === said) return;
    said = text;
    stdout(`${onLine ? '\r\u001b[K' : ''}${text}\n`);
    onLine = false;
  };
  const stop = new AbortController();
  const leave = (): void => stop.abort();
  process.once('SIGINT', leave);
  let heardMs = nowMs();
  let allowedMs = BEYOND_MS;
  const beganMs = nowMs();
  try {
    for await (const now of node.reports(stop.signal, shown.againMs)) {
      if (!now.report) {
        if (nowMs() - heardMs > allowedMs) {
          say(`${node.name} has not answered for ${Math.round(allowedMs / 60_000)} minutes: ${now.why}`);
          return 1;
        }
        say(`Waiting for ${node.name} to come back`);
        continue;
      }
      const { report } = now;
      heardMs = nowMs();
      const outcome = upgradeOutcome(report, before);
      switch (outcome.is) {
        case 'installing':
          // Its last word comes at once.
          if (outcome.progress.phase === 'failed') break;
          if (isTerminal) {
            stdout(`\r\u001b[K${progressLine(outcome.progress as Progress, shown.columns ?? 80, shown.paint)}`);
            onLine = true;
          } else for (const line of lines.next(outcome.progress as Progress)) stdout(`${line}\n`);
          break;
        case 'installed':
          if (!shown.stays) break;
          say(`Installed: it is tried when ${node.name} restarts next.`);
          return 0;
        case 'trial':
          allowedMs = outcome.trial.deadlineSeconds * 1000 + BEYOND_MS;
          if (shown.stays) {
            say(`Installed: ${outcome.trial.version} is tried when ${node.name} restarts next.`);
            return 0;
          }
          if (report.bootId === before.bootId) say(`${node.name} restarts into ${outcome.trial.version}`);
          else
            say(`${node.name} runs ${report.running.version} on trial: it is blessed when it is as healthy as before`);
          break;
        case 'blessed':
          say(
            `${node.name} runs ${report.running.version}: blessed${outcome.entry.message ? ` (${outcome.entry.message})` : ''}.`,
          );
          return 0;
        case 'rolled-back':
          if (shown.back && report.bootId === before.bootId) {
            say(`${node.name} restarts`);
            break;
          }
          say(`${node.name} went back to ${report.running.version}: ${outcome.entry.message}`);
          return shown.back ? 0 : 1;
        case 'fell-back':
          say(
            `${node.name} fell back to ${report.running.version}, because ${outcome.entry.version} was not healthy: ${outcome.entry.message}`,
          );
          return 1;
        case 'failed':
          say(`${node.name} still runs ${report.running.version}: ${outcome.message}`);
          return 1;
        case 'quiet':
          if (report.bootId !== before.bootId || nowMs() - beganMs < QUIET_MS) break;
          say(`${node.name} does nothing: atoll --node ${node.name} logs upgrade tells more`);
          return 1;
      }
    }
  } finally {
    process.off('SIGINT', leave);
  }
  stdout(`\nIt goes on: atoll --node ${node.name} upgrade status shows how far it is.\n`);
  return 0;
}

/** For people. */
function reportText(name: string, report: NodeUpgradeReport, { paint, columns }: Showing): string {
  const { running, trial, refused, history, progress, busy, image } = report;
  const rows: [string, string][] = [
    ['Node', `${name}, ${image === 'none' ? 'which is no Atoll machine' : image}`],
    ['Runs', `${paint.strong(running.version)}${running.slot ? `, slot ${running.slot}` : ''}`],
    ...(trial ? [['Trial', `${trial.version}, armed ${trial.armedAt}`] as [string, string]] : []),
    ...refused.map(({ version, reason }): [string, string] => ['Refused', `${paint.bad(version)}: ${reason}`]),
    ...history
      .slice(0, 1)
      .map(({ at, event, version, message }): [string, string] => ['Last', `${at} ${event} ${version}: ${message}`]),
  ];
  const text = rows.map(([label, value]) => `  ${paint.faint(label.padEnd(8))} ${value}\n`).join('');
  return busy && progress ? `${text}\n${progressLine(progress as Progress, columns ?? 100, paint)}\n` : text;
}
