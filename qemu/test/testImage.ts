/** A container image for the boot tests: busybox that sleeps, as a layer and as an archive of `docker save`. */
import { createHash } from 'node:crypto';
import { tarEnd, tarHeader, tarPadding } from '../../builder/src/formats/tar.ts';

function tarOf(files: Readonly<Record<string, Buffer>>, mode: number): Buffer {
  const parts = Object.entries(files).flatMap(([path, content]) => [
    tarHeader({ path, type: 'file', mode, uid: 0, gid: 0, mtime: 0, sizeBytes: content.length, target: '' }),
    content,
    tarPadding(content.length),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}

/** @param busybox a static one */
export const busyboxLayer = (busybox: Buffer): Buffer => tarOf({ 'bin/busybox': busybox }, 0o755);

/** What `docker save name` writes (moby's image/spec/spec.md, "Combined Image JSON + Filesystem Changeset Format"). */
export function dockerArchive(name: string, layer: Buffer): Buffer {
  const digest = createHash('sha256').update(layer).digest('hex');
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['/bin/busybox', 'sleep', '1000000'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    }),
  );
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }];
  return tarOf(
    { 'manifest.json': Buffer.from(JSON.stringify(manifest)), 'config.json': config, 'layer.tar': layer },
    0o644,
  );
}
