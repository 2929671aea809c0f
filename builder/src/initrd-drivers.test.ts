import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceTreeBlob, type TreeSource } from './formats/device-tree.fixture.ts';
import { parseDeviceTree } from './formats/device-tree.ts';
import { lateDisks, lateSuppliers, parseDeviceAliases } from './initrd-drivers.ts';

const aliases = parseDeviceAliases(`# Aliases extracted from modules themselves.
alias fs-ext4 ext4
alias devname:loop-control loop
alias vmbus:d96361baa104294db60572e2ffb1dc7f hv_storvsc
alias xen:vbd xen_blkfront
alias pci:v*d*sv*sd*bc01sc08i02* nvme
alias scsi:t-0x05* sr_mod
alias mmc:block mmc_block
alias of:N*T*Cvendor,sdhciC* sdhci-vendor
alias of:N*T*Cvendor,sdhci sdhci-vendor
alias of:N*T*Cregulator-fixedC* fixed
alias of:N*T*Cregulator-fixed fixed
alias of:N*T*Cregulator-gpio gpio_regulator
alias of:N*T*Cvendor,gpio gpio_vendor
alias of:N*T*Cvendor,gpio gpio_other
alias of:N*T*Cvendor,clock clk_vendor
alias of:N*T*Cvendor,pins pinctrl_vendor
alias of:N*T*Cvendor,bus vendor_bus
alias of:N*T*Cvendor,irq irq_vendor
alias of:NpowerT*Cvendor,power pm_vendor
alias of:N*T*Cmmc-pwrseq-simple pwrseq_simple
`);

const driver = (folder: string, name: string): string => `kernel/drivers/${folder}/${name}.ko.xz`;

for (const [what, root, initrd, excused, late] of [
  [
    "a hypervisor's bus",
    [driver('scsi', 'hv_storvsc'), driver('block', 'xen-blkfront')],
    [],
    [],
    'hv_storvsc xen_blkfront',
  ],
  ["a card's blocks", [driver('mmc/core', 'mmc_block')], [], [], 'mmc_block'],
  ['what the initrd has', [driver('scsi', 'hv_storvsc'), driver('nvme/host', 'nvme')], ['nvme'], [], 'hv_storvsc'],
  ['what is excused', [driver('scsi', 'sr_mod'), driver('nvme/host', 'nvme')], [], ['sr_mod'], 'nvme'],
  ['no devices of its own', [driver('block', 'loop'), driver('scsi', 'scsi_mod')], [], [], ''],
  ['no disk', [driver('net', 'hv_storvsc'), 'kernel/fs/ext4/ext4.ko.xz'], [], [], ''],
] as const) {
  test(`late disks: ${what}`, () =>
    assert.equal(lateDisks(root, new Set(initrd), new Set(excused), aliases).join(' '), late));
}

/** A card's slot, and what may be around it. */
const slot = (properties: TreeSource, around: TreeSource = {}): TreeSource => ({
  '/mmc@1': { compatible: ['vendor,new-sdhci', 'vendor,sdhci'], ...properties },
  '/vcc': { compatible: ['regulator-fixed'], phandle: [1] },
  '/io': { compatible: ['regulator-gpio'], phandle: [2], gpios: [3, 4, 0] },
  '/gpio': { compatible: ['vendor,gpio'], phandle: [3], '#gpio-cells': [2] },
  '/clock': { compatible: ['vendor,clock'], phandle: [4], '#clock-cells': [1] },
  '/pins': { compatible: ['vendor,pins'], '/card': { phandle: [5] } },
  '/irq': { compatible: ['vendor,irq'], phandle: [6] },
  '/built-in': { compatible: ['vendor,built-in'], phandle: [7] },
  '/power': { compatible: ['vendor,power'], phandle: [8], status: ['disabled'], '#power-domain-cells': [0] },
  ...around,
});

for (const [what, tree, initrd, late] of [
  ['nothing', slot({}), [], ''],
  ['a regulator', slot({ 'vmmc-supply': [1] }), [], '/vcc:fixed'],
  ['a regulator that the initrd has', slot({ 'vmmc-supply': [1] }), ['fixed'], ''],
  [
    'what the regulator is switched by',
    slot({ 'vqmmc-supply': [2] }),
    ['gpio_regulator'],
    '/gpio:gpio_vendor,gpio_other',
  ],
  ['one of two drivers is enough', slot({ 'cd-gpios': [3, 5, 1] }), ['gpio_other'], ''],
  ['cells are no phandles', slot({ clocks: [4, 1, 7] }), [], '/clock:clk_vendor'],
  ['pins are of a device', slot({ 'pinctrl-0': [5] }), [], '/pins:pinctrl_vendor'],
  ['no driver, or one built in', slot({ 'vmmc-supply': [7] }), [], ''],
  ['a supplier that is not there', slot({ 'power-domains': [8] }), [], ''],
  ['interrupts, by what is above', slot({ interrupts: [1] }, { 'interrupt-parent': [6] }), [], '/irq:irq_vendor'],
  ['a device that is not there', slot({ 'vmmc-supply': [1], status: ['disabled'] }), [], ''],
  ['a radio is no card', slot({ 'vmmc-supply': [1], 'non-removable': [], '/wifi': { compatible: ['x'] } }), [], ''],
  ['eMMC is a card', slot({ 'vmmc-supply': [1], 'non-removable': [] }), [], '/vcc:fixed'],
  [
    'the bus it is on',
    { '/bus': { compatible: ['vendor,bus'], '/mmc@1': { compatible: ['vendor,sdhci'] } } },
    [],
    '/bus:vendor_bus',
  ],
] as const) {
  test(`late suppliers: ${what}`, () => {
    const found = lateSuppliers(parseDeviceTree(deviceTreeBlob(tree)), new Set(['sdhci_vendor', ...initrd]), aliases);
    assert.equal(found.map(({ supplier, modules }) => `${supplier}:${modules}`).join(' '), late);
  });
}

test('a controller without a driver in the initrd is not looked at', () =>
  assert.deepEqual(
    lateSuppliers(parseDeviceTree(deviceTreeBlob(slot({ 'vmmc-supply': [1] }))), new Set(), aliases),
    [],
  ));
