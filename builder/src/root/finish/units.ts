import { BuildError } from '../../errors.ts';
import type { RootTree } from '../tree.ts';
import type { FinishingStep } from './step.ts';

const unitFolder = '/usr/lib/systemd/system';

/** Values of a key in a unit's `[Install]` section, in order; an empty assignment clears. */
export function installValues(unit: string, key: string): string[] {
  let inside = false;
  let values: string[] = [];
  for (const line of unit.split('\n')) {
    const section = /^\[(.+)\]\s*$/.exec(line);
    if (section) inside = section[1] === 'Install';
    const assignment = /^(\w+)=(.*)$/.exec(line);
    if (!inside || assignment?.[1] !== key) continue;
    const words = (assignment[2] ?? '')
      .trim()
      .split(/\s+/)
      .filter(word => word !== '');
    values = words.length === 0 ? [] : [...values, ...words];
  }
  return values;
}

/**
 * What `systemctl enable` does (systemctl(1), systemd.unit(5) "[Install] Section Options"): links for WantedBy, RequiredBy,
 * UpheldBy and Alias, and the same for what Also names.
 */
export async function enableUnit(tree: RootTree, unit: string, seen: Set<string> = new Set()): Promise<void> {
  if (seen.has(unit)) return;
  seen.add(unit);
  const template = unit.replace(/@[^.]+\./, '@.');
  const path = `${unitFolder}/${template}`;
  if (!tree.has(path)) throw new BuildError('ROOT_INCONSISTENT', `cannot enable ${unit}: there is no ${path}`);
  const text = await tree.text(path);
  const origin = 'units';
  for (const [key, suffix] of [
    ['WantedBy', 'wants'],
    ['RequiredBy', 'requires'],
    ['UpheldBy', 'upholds'],
  ] as const) {
    for (const target of installValues(text, key)) {
      tree.symlink(`etc/systemd/system/${target}.${suffix}/${unit}`, path, { origin });
    }
  }
  for (const alias of installValues(text, 'Alias')) tree.symlink(`etc/systemd/system/${alias}`, path, { origin });
  for (const other of installValues(text, 'Also'))
    if (tree.has(`${unitFolder}/${other}`)) await enableUnit(tree, other, seen);
}

/** `enable X`, `disable X`, `mask X` lines of rootfs/overlay/usr/lib/systemd/system-preset/; `mask` is ours, in 00-atoll.mask. */
export function presetLines(text: string, verb: 'enable' | 'mask'): string[] {
  return text.split('\n').flatMap(line => {
    const [word, unit] = line.trim().split(/\s+/);
    return word === verb && unit !== undefined ? [unit] : [];
  });
}

export const units: FinishingStep = {
  name: 'units',
  why: 'deb-systemd-helper in every postinst: which units start; the list is the overlay’s preset file',
  async apply(tree) {
    const presets = await tree.text('/usr/lib/systemd/system-preset/00-atoll.preset');
    for (const unit of presetLines(presets, 'enable')) await enableUnit(tree, unit);
    const masks = await tree.text('/usr/lib/systemd/system-preset/00-atoll.mask');
    for (const unit of presetLines(masks, 'mask')) {
      tree.remove(`etc/systemd/system/${unit}`);
      tree.symlink(`etc/systemd/system/${unit}`, '/dev/null', { origin: 'units' });
    }
    tree.remove('/usr/lib/systemd/system-preset/00-atoll.mask');
  },
};
