/** Writing the kernel's initramfs format: cpio "newc". Source: Documentation/driver-api/early-userspace/buffer-format.rst. */

export interface CpioMember {
  /** Relative path without a leading slash. Folders must come before what is in them. */
  readonly path: string;
  /** File type and permission bits, as `0o100755`, `0o040755`, `0o120777`, `0o020600`. */
  readonly mode: number;
  readonly content?: Uint8Array;
  /** For device nodes. */
  readonly device?: { readonly major: number; readonly minor: number };
}

const aligned = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);

function record(inode: number, member: CpioMember): Buffer {
  const name = Buffer.from(`${member.path}\0`);
  const content = Buffer.from(member.content ?? []);
  const links = (member.mode & 0o170000) === 0o040000 ? 2 : 1;
  const fields = [
    inode,
    member.mode,
    0,
    0,
    links,
    0,
    content.length,
    0,
    0,
    member.device?.major ?? 0,
    member.device?.minor ?? 0,
  ];
  const numbers = [...fields, name.length, 0].map(value => value.toString(16).toUpperCase().padStart(8, '0')).join('');
  const head = Buffer.concat([Buffer.from(`070701${numbers}`), name]);
  return Buffer.concat([head, aligned(head.length), content, aligned(content.length)]);
}

/** The archive: owner root, time zero, inode numbers in order, so equal members give equal bytes. */
export function cpioArchive(members: readonly CpioMember[]): Buffer {
  const records = members.map((member, index) => record(index + 1, member));
  return Buffer.concat([...records, record(0, { path: 'TRAILER!!!', mode: 0 })]);
}
