/** A tree as a tar stream: sorted, one time for all, so equal trees give equal bytes. */
import { tarEnd, tarHeader, tarPadding } from '../formats/tar.ts';
import type { RootTree } from './tree.ts';

/** @param mtime seconds since 1970 of every member. */
export async function* treeTar(tree: RootTree, mtime: number): AsyncGenerator<Buffer> {
  yield tarHeader({ path: '', type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime, sizeBytes: 0, target: '' });
  for (const node of tree.list()) {
    const { path, type, mode, uid, gid } = node;
    const sizeBytes = node.type === 'file' ? node.sizeBytes : 0;
    yield tarHeader({
      path,
      type,
      mode,
      uid,
      gid,
      mtime,
      sizeBytes,
      target: node.type === 'symlink' ? node.target : '',
    });
    if (node.type === 'file') {
      yield await node.read();
      yield tarPadding(sizeBytes);
    }
  }
  yield tarEnd;
}
