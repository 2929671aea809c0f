/**
 * What an initrd needs to reach its disk, judged by the hardware and not by a list. Two rules:
 *
 * - A driver of disks that lies in the root only comes too late for a root on such a disk.
 * - A controller waits for what its device tree says it is fed by (regulators, clocks, pins…): a supplier whose driver lies in the root
 *   only is waited for in vain (-EPROBE_DEFER), although no symbol of it is asked for.
 */
import { cellsOf, type DeviceNode, isAvailable, nodesOf, stringsOf } from './formats/device-tree.ts';
import { moduleName } from './kernel-modules.ts';

/** Drivers of disks and of the buses that disks are on, as paths of modules. */
const diskDrivers =
  /^kernel\/drivers\/(ata|block|mmc|nvme|pci\/controller|scsi|ufs|usb\/(host|storage|dwc2|dwc3|chipidea|cdns3|musb))\//;

/** Module name → what devices it says it drives, as in modules.alias: `pci:v00008086d…`, `of:N*T*Cbrcm,bcm2835-mmc`. */
export function parseDeviceAliases(text: string): Map<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [keyword, alias, name] = line.split(' ');
    if (keyword !== 'alias' || alias === undefined || name === undefined || !/^(?!devname:)[a-z]+:/.test(alias))
      continue;
    const aliases = found.get(moduleName(name));
    if (aliases) aliases.push(alias);
    else found.set(moduleName(name), [alias]);
  }
  return found;
}

/**
 * Names of disk drivers that are in the root and not in the initrd. Libraries of drivers name no devices, and are not meant.
 * @param root paths of the modules in the root
 * @param initrd names of those in the initrd
 * @param excused names of drivers that no root is behind
 */
export function lateDisks(
  root: readonly string[],
  initrd: ReadonlySet<string>,
  excused: ReadonlySet<string>,
  aliases: ReadonlyMap<string, readonly string[]>,
): string[] {
  return root
    .filter(path => diskDrivers.test(path))
    .map(moduleName)
    .filter(name => aliases.has(name) && !initrd.has(name) && !excused.has(name))
    .sort();
}

export interface LateSupplier {
  /** Path of the controller in the device tree. */
  readonly device: string;
  /** Path of what it waits for. */
  readonly supplier: string;
  /** The supplier's drivers, any of which would do. */
  readonly modules: readonly string[];
}

/** What a device waits for, by property, and how many cells follow each phandle (Linux, drivers/of/property.c, `of_supplier_bindings`). */
const supplies: readonly (readonly [name: RegExp, cells: string | undefined])[] = [
  [/^clocks$/, '#clock-cells'],
  [/^mboxes$/, '#mbox-cells'],
  [/^power-domains$/, '#power-domain-cells'],
  [/^nvmem-cells$/, '#nvmem-cell-cells'],
  [/^phys$/, '#phy-cells'],
  [/^resets$/, '#reset-cells'],
  [/^msi-parent$/, '#msi-cells'],
  [/(^|-)gpios?$/, '#gpio-cells'],
  [/^interrupts-extended$/, '#interrupt-cells'],
  [/^pinctrl-\d+$/, undefined],
  [/-supply$/, undefined],
  // Not among Linux' bindings: the MMC core asks for it itself.
  [/^mmc-pwrseq$/, undefined],
  [/^usb-phy$/, undefined],
];

/** The controllers' suppliers, whose drivers are in `modules` and of which none is in the initrd. */
export function lateSuppliers(
  tree: DeviceNode,
  initrd: ReadonlySet<string>,
  aliases: ReadonlyMap<string, readonly string[]>,
): LateSupplier[] {
  const drivers = driversByCompatible(aliases);
  const nodes = nodesOf(tree);
  const byPhandle = new Map(nodes.flatMap(node => cellsOf(node, 'phandle').map(phandle => [phandle, node] as const)));
  const modulesOf = (node: DeviceNode): string[] =>
    stringsOf(node, 'compatible').flatMap(compatible => drivers.get(compatible) ?? []);
  const found = new Map<string, LateSupplier>();
  for (const device of nodes.filter(isAvailable)) {
    if (hasSoldered(device) || !modulesOf(device).some(name => initrd.has(name))) continue;
    const seen = new Set<DeviceNode>([device]);
    const waiting = [device];
    for (let node = waiting.pop(); node; node = waiting.pop()) {
      for (const supplier of suppliersOf(node, byPhandle)) {
        if (seen.has(supplier) || !isAvailable(supplier)) continue;
        seen.add(supplier);
        waiting.push(supplier);
        const modules = modulesOf(supplier);
        if (modules.length === 0 || modules.some(name => initrd.has(name))) continue;
        if (!found.has(supplier.path))
          found.set(supplier.path, { device: device.path, supplier: supplier.path, modules });
      }
    }
  }
  return [...found.values()];
}

/** What is soldered to a card's lines and is no card: a radio. No root is behind such a controller. */
const hasSoldered = (device: DeviceNode): boolean =>
  device.properties.has('non-removable') &&
  device.children.some(
    child => child.properties.has('compatible') && !stringsOf(child, 'compatible').includes('mmc-card'),
  );

function suppliersOf(node: DeviceNode, byPhandle: ReadonlyMap<number, DeviceNode>): DeviceNode[] {
  const named = [...node.properties.keys()].flatMap(property => {
    const [, count] = supplies.find(([pattern]) => pattern.test(property)) ?? [undefined, ''];
    return count === '' ? [] : referred(cellsOf(node, property), count, byPhandle);
  });
  const interrupts = node.properties.has('interrupts') ? interruptParent(node, byPhandle) : undefined;
  return [...named, ...(interrupts ? [interrupts] : []), ...(node.parent ? [node.parent] : [])].map(deviceOf);
}

/** Phandles in a list of them, each with as many cells behind it as the node it names wants. */
function referred(
  cells: readonly number[],
  count: string | undefined,
  byPhandle: ReadonlyMap<number, DeviceNode>,
): DeviceNode[] {
  const found: DeviceNode[] = [];
  for (let at = 0; at < cells.length; ) {
    const target = byPhandle.get(cells[at] ?? 0);
    at += 1;
    if (!target) continue;
    found.push(target);
    if (count !== undefined) at += cellsOf(target, count)[0] ?? 0;
  }
  return found;
}

function interruptParent(node: DeviceNode, byPhandle: ReadonlyMap<number, DeviceNode>): DeviceNode | undefined {
  const [phandle] = cellsOf(node, 'interrupt-parent');
  if (phandle !== undefined) return byPhandle.get(phandle);
  return node.parent && interruptParent(node.parent, byPhandle);
}

/** Pins and the like are parts of a device: the driver is the device's. */
const deviceOf = (node: DeviceNode): DeviceNode =>
  node.properties.has('compatible') || node.parent === undefined ? node : deviceOf(node.parent);

function driversByCompatible(aliases: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name, patterns] of aliases) {
    for (const pattern of patterns) {
      const [, compatible] = /^of:N[^T]*T[^C]*C([^*]+)$/.exec(pattern) ?? [];
      if (compatible === undefined) continue;
      const names = found.get(compatible);
      if (names) names.push(name);
      else found.set(compatible, [name]);
    }
  }
  return found;
}
