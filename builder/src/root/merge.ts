/**
 * Merges package archives into one tree. Debian packages share folders, never files: a file in two packages is an error.
 * Paths are put where a merged /usr has them.
 */
import { posix } from 'node:path';
import { BuildError } from '../errors.ts';
import type { TarMember } from '../formats/tar.ts';
import type { OpenArchive } from '../packages/archives.ts';
import type { RootTree } from './tree.ts';

/** `lib/x` → `usr/lib/x`; `lib` itself stays: it is base-files' symlink. */
export function mergedUsrPath(path: string): string {
  return path.replace(/^(bin|sbin|lib|lib32|lib64|libx32)\//, 'usr/$1/');
}

/** Folders of the old layout that merged-/usr and a systemd root replace by links. */
const droppedPaths = /^(var\/(run|lock)(\/|$)|(bin|sbin|lib|lib32|lib64|libx32)$)/;

function addMember(tree: RootTree, archive: OpenArchive, member: TarMember): void {
  const origin = archive.archive.name;
  const path = mergedUsrPath(member.path);
  if (path === '' || (member.type === 'directory' && droppedPaths.test(path))) return;
  const { mode, uid, gid } = member;
  const present = tree.get(path);
  if (member.type === 'directory') {
    if (!present) tree.add({ type: 'directory', path, mode, uid, gid, origin });
    return;
  }
  if (present) {
    throw new BuildError('PACKAGE_CONFLICT', `/${path} is in both ${present.origin} and ${origin}`, {
      hint: 'Leave one of the packages out in rootfs/packages.yaml.',
    });
  }
  if (member.type === 'file') {
    tree.add({
      type: 'file',
      path,
      mode,
      uid,
      gid,
      origin,
      sizeBytes: member.sizeBytes,
      read: () => archive.read(member),
    });
  } else if (member.type === 'symlink') {
    tree.symlink(path, member.target, { origin });
  } else if (member.type === 'hardlink') {
    tree.symlink(path, posix.relative(posix.dirname(path), mergedUsrPath(member.target)), { origin });
  } else {
    throw new BuildError('PACKAGE_CONFLICT', `${origin} holds a device or pipe at /${path}, which an image cannot`);
  }
}

export function mergeArchive(tree: RootTree, archive: OpenArchive): void {
  for (const member of archive.members) addMember(tree, archive, member);
}
