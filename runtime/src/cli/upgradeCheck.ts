/** `atoll upgrade --check`: what a bundle is, whether it may be installed here, and how much of it is missing. */

import type { Bundle } from '../machine/upgrade/bundle/bundle.ts';
import { openBundle } from '../machine/upgrade/bundle/find.ts';
import { RateLimit } from '../machine/upgrade/bundle/rate.ts';
import { missingPartitions, thisMachine, upgradePlaces } from '../machine/upgrade/onMachine.ts';
import { admit, type Machine, type Plan, planInstall } from '../machine/upgrade/plan.ts';
import type { BundleManifest } from '../machine/upgrade/types.ts';
import type { CommandContext } from './command.ts';
import { formatBytes } from './statusPage.ts';
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
    if (missing.length === 0) plan = await planInstall(bundle, machine, request, signal);
    else admit(bundle.manifest, machine, request);
    const json = (values.optional('output') ?? values.optional('o')) === 'json';
    stdout(json ? `${JSON.stringify(checked(bundle, machine, plan))}\n` : checkedText(bundle, machine, plan));
    return 0;
  } finally {
    await plan?.close();
    await bundle.close();
  }
}

function checkedText(bundle: Bundle, { running }: Machine, plan: Plan | undefined): string {
  const about = aboutBundle(bundle.manifest, bundle.signer, running);
  const row = (label: string, text: string): string => `  ${label.padEnd(11)} ${text}\n`;
  if (!plan) return `${about}${row('Slot', 'the other slot is missing; atoll upgrade makes it again')}${MAY}`;
  if (plan.runs) return `${about}\nNothing is to be done.\n`;
  const { downloadBytes, bundleBytes, writeBytes, slot } = plan;
  const share = ((downloadBytes / bundleBytes) * 100).toFixed(1);
  const download = `${formatBytes(downloadBytes)} of ${formatBytes(bundleBytes)} (${share} %); the rest is here already`;
  return `${about}${row('Download', download)}${row('Write', `${formatBytes(writeBytes)}, slot ${slot}`)}${MAY}`;
}

const MAY = '\nIt can be installed: the same without --check.\n';

function checked(bundle: Bundle, { running }: Machine, plan: Plan | undefined): object {
  const { version, built, notes, roothash, compatible } = bundle.manifest;
  return {
    ...{ version, built, notes, roothash, compatible, signer: bundle.signer, running },
    bundleBytes: bundle.sizeBytes,
    ...(plan
      ? { runs: plan.runs, downloadBytes: plan.downloadBytes, writeBytes: plan.writeBytes, slot: plan.slot }
      : {}),
  };
}
