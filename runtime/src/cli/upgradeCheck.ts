/** `atoll upgrade --check`: what a bundle is, whether it may be installed here, and how much of it is missing. */

import type { Bundle } from '../machine/upgrade/bundle/bundle.ts';
import { openBundle } from '../machine/upgrade/bundle/find.ts';
import { RateLimit } from '../machine/upgrade/bundle/rate.ts';
import { type Estimate, estimate } from '../machine/upgrade/estimate.ts';
import { missingPartitions, thisMachine, upgradePlaces } from '../machine/upgrade/onMachine.ts';
import { admit, type Machine, type Plan, planInstall } from '../machine/upgrade/plan.ts';
import type { BundleManifest } from '../machine/upgrade/types.ts';
import type { CommandContext } from './command.ts';
import { formatBytes, formatDuration } from './statusPage.ts';
import type { Request } from './upgrade.ts';
import { untilAsked } from './upgradeSignal.ts';

/** Opens what was named, with this machine's trust and the asked-for rate. The caller closes it. */
export const bundleOf = (
  { source, bytesPerSecond, retryForMs }: Request,
  machine: Machine,
  signal: AbortSignal,
): Promise<Bundle> =>
  openBundle(
    source,
    {
      trust: machine.places,
      compatible: machine.compatible,
      http: {
        ...(bytesPerSecond === undefined ? {} : { rate: new RateLimit(bytesPerSecond) }),
        ...(retryForMs === undefined ? {} : { limits: { retryForMs } }),
      },
    },
    signal,
  );

/** What the bundle says of itself, for people. */
export function aboutBundle(manifest: BundleManifest, signer: string, running: Machine['running']): string {
  const same = manifest.roothash === running.roothash ? ', which is what runs' : '';
  const rows = [
    ['Version', `${manifest.version}${same} (${running.version} runs in slot ${running.slot})`],
    ['Built', manifest.built],
    ['Signed by', signer],
    ...(manifest.notes.trim() === ''
      ? []
      : [
          [
            'Notes',
            manifest.notes
              .trim()
              .split('\n')
              .join(`\n${' '.repeat(14)}`),
          ],
        ]),
  ];
  return rows.map(([label = '', text = '']) => `  ${label.padEnd(11)} ${text}\n`).join('');
}

export async function upgradeCheck(request: Request, { values, stdout }: CommandContext): Promise<number> {
  const signal = untilAsked();
  const machine = await thisMachine();
  const bundle = await bundleOf(request, machine, signal);
  let plan: Plan | undefined;
  try {
    const missing = missingPartitions(upgradePlaces);
    const beganMs = performance.now();
    if (missing.length === 0) plan = await planInstall(bundle, machine, request, signal);
    else admit(bundle.manifest, machine, request);
    const json = (values.optional('output') ?? values.optional('o')) === 'json';
    const took = plan && estimate(plan, bundle.source, performance.now() - beganMs);
    stdout(
      json ? `${JSON.stringify(checked(bundle, machine, plan, took))}\n` : checkedText(bundle, machine, plan, took),
    );
    return 0;
  } finally {
    await plan?.close();
    await bundle.close();
  }
}

function checkedText(bundle: Bundle, { running }: Machine, plan: Plan | undefined, took: Estimate | undefined): string {
  const about = aboutBundle(bundle.manifest, bundle.signer, running);
  const row = (label: string, text: string): string => `  ${label.padEnd(11)} ${text}\n`;
  if (!plan || !took) return `${about}${row('Slot', 'the other slot is missing; atoll upgrade makes it again')}${MAY}`;
  if (plan.runs) return `${about}\nNothing is to be done.\n`;
  const { downloadBytes, bundleBytes, writeBytes, slot } = plan;
  const share = ((downloadBytes / bundleBytes) * 100).toFixed(1);
  const download = `${formatBytes(downloadBytes)} of ${formatBytes(bundleBytes)} (${share} %); the rest is here already`;
  const rows = [
    row('Download', download),
    row('Write', `${formatBytes(writeBytes)}, slot ${slot}`),
    row('Time', timeText(took)),
  ];
  return `${about}${rows.join('')}${MAY}`;
}

/** How long it will take, as far as that can be told. */
export function timeText({ transferBytes, bytesPerSecond = 0, transferSeconds, diskSeconds }: Estimate): string {
  const unknown = 'not known for the download (too little came to measure it)';
  const rate =
    bytesPerSecond >= MIB ? `${(bytesPerSecond / MIB).toFixed(1)} MiB/s` : `${Math.round(bytesPerSecond / 1024)} KiB/s`;
  const download =
    transferSeconds === undefined ? unknown : `about ${formatDuration(transferSeconds)} for the download at ${rate}`;
  const disk = `about ${formatDuration(diskSeconds)} for comparing and reading back; besides what writing takes`;
  return transferBytes === 0 ? disk : `${download}, ${disk}`;
}

const MIB = 1024 * 1024;

const MAY = '\nIt can be installed: the same without --check.\n';

function checked(bundle: Bundle, { running }: Machine, plan: Plan | undefined, took: Estimate | undefined): object {
  const { version, built, notes, roothash, compatible } = bundle.manifest;
  return {
    ...{ version, built, notes, roothash, compatible, signer: bundle.signer, running },
    bundleBytes: bundle.sizeBytes,
    ...(plan
      ? { runs: plan.runs, downloadBytes: plan.downloadBytes, writeBytes: plan.writeBytes, slot: plan.slot }
      : {}),
    ...(took === undefined || plan?.runs ? {} : took),
  };
}
