/**
 * What a machine would start from, judged from its partitions as a cut left them: the entries on the ESP in the loader's order, the kernel the
 * first one leads to, and the slot that kernel's root hash opens. All of it is compared with what was built, byte for byte.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { tool } from '../../builder/src/tools.ts';
import { SystemdBoot } from '../../runtime/src/machine/upgrade/loader/systemdBoot.ts';
import type { LoaderEntry, SlotName } from '../../runtime/src/machine/upgrade/types.ts';

/** One version as it was built: hex SHA-256 of what it has on the disk, by the size of each. */
export interface KnownVersion {
  readonly version: string;
  readonly roothash: string;
  /** A kernel may be there with its padding (from a bundle) or without (as flashed): any of these. */
  readonly ukis: readonly string[];
  readonly root: Hashed;
  readonly verity: Hashed;
}

export interface Hashed {
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface Parts {
  /** Image of the ESP. */
  readonly esp: string;
  /** Images of a slot's partitions, or what it is known to hold where nothing wrote there. Asked only for the slot that would boot. */
  readonly slot: (name: SlotName) => Promise<{ readonly root: string; readonly verity: string } | KnownVersion>;
}

export interface Boots {
  readonly version: string;
  readonly slot: SlotName;
  /** Absent: blessed. */
  readonly triesLeft?: number;
  readonly entries: readonly LoaderEntry[];
}

/** Hex SHA-256 of a file, or of so many bytes of it. */
export async function sha256Of(path: string, sizeBytes?: number, offset = 0): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    const end = sizeBytes === undefined ? (await file.stat()).size : offset + sizeBytes;
    const buffer = Buffer.alloc(1024 * 1024);
    for (let at = offset; at < end; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at);
      if (bytesRead === 0) throw new Error(`${path} ends at byte ${at}, before ${end}`);
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/**
 * @param scratch a folder it may make, and removes again
 * @throws with what is wrong where what would boot is not one of the known versions, whole
 */
export async function whatBoots(parts: Parts, known: readonly KnownVersion[], scratch: string): Promise<Boots> {
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  try {
    await copyOut(parts.esp, scratch);
    const entries = await new SystemdBoot(scratch).entries();
    const first = entries[0];
    if (!first) throw new Error('the loader finds no entry of Atoll');
    const version = known.find(({ roothash }) => roothash === first.roothash);
    if (!version) throw new Error(`${first.id} leads to a kernel of a root nobody built: ${first.roothash}`);
    const uki = createHash('sha256')
      .update(await readFile(first.uki))
      .digest('hex');
    if (!version.ukis.includes(uki)) throw new Error(`the kernel of ${first.id} (${version.version}) is damaged`);
    const slot = await parts.slot(first.slot);
    if ('roothash' in slot) {
      if (slot.roothash !== first.roothash)
        throw new Error(`${first.id} leads to ${version.version}, and slot ${first.slot} holds ${slot.version}`);
    } else {
      for (const part of ['root', 'verity'] as const) {
        if ((await sha256Of(slot[part], version[part].sizeBytes)) !== version[part].sha256)
          throw new Error(`${first.id} leads to ${version.version}, and ${part}-${first.slot} does not hold it whole`);
      }
    }
    return {
      version: version.version,
      slot: first.slot,
      entries,
      ...(first.triesLeft === undefined ? {} : { triesLeft: first.triesLeft }),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What the loader looks at. A kernel that is being brought, and an entry that is being written, may be in pieces: nobody looks at them. */
async function copyOut(esp: string, to: string): Promise<void> {
  const mtools = async (...argv: [string, ...string[]]): Promise<string> =>
    (await tool(argv, { binds: [to], readOnly: [esp], env: { MTOOLS_SKIP_CHECK: '1' } })).stdout;
  for (const [folder, looked] of [
    ['EFI/atoll', /^[ab]\.efi$/],
    ['loader/entries', /^[^.].*\.conf$/],
  ] as const) {
    await mkdir(join(to, folder), { recursive: true });
    const listed = (await mtools('mdir', '-b', '-i', esp, `::/${folder}`))
      .split('\n')
      .map(line => basename(line.trim()));
    for (const name of listed.filter(one => looked.test(one)))
      await mtools('mcopy', '-n', '-i', esp, `::/${folder}/${name}`, join(to, folder));
  }
}

/** What the machine does before it mounts the boot partition. Changes the image. */
export async function mendBoot(esp: string): Promise<void> {
  await tool(['fsck.vfat', '-a', '-w', esp], { binds: [dirname(esp)], allowedExitCodes: [0, 1] });
}
