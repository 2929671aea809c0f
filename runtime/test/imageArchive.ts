/** An OCI image as one tar (image layout: opencontainers/image-spec, image-layout.md), small enough to be made on the fly. */
import { createHash } from 'node:crypto';

export interface TarEntry {
  readonly path: string;
  /** Octal permissions; default 0o644 for files, 0o755 for directories. */
  readonly mode?: number;
  readonly content?: Buffer | string;
  readonly linkTo?: string;
}

/** ustar (POSIX.1-1988). A path that ends with `/` is a directory. Paths are below 100 bytes here. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, mode, content = '', linkTo } of entries) {
    const data = Buffer.from(content);
    const directory = path.endsWith('/');
    const header = Buffer.alloc(512);
    header.write(path, 0, 100);
    header.write(`${(mode ?? (directory ? 0o755 : 0o644)).toString(8).padStart(7, '0')}\0`, 100);
    header.write('0000000\0'.repeat(2), 108);
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.fill(' ', 148, 156);
    header.write(directory ? '5' : linkTo === undefined ? '0' : '2', 156);
    header.write(linkTo ?? '', 157, 100);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, octet) => total + octet, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    blocks.push(header, data, Buffer.alloc((512 - (data.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export interface Image {
  /** As `docker.io/library/busybox:latest`. */
  readonly name: string;
  readonly files: readonly TarEntry[];
  readonly command: readonly string[];
  readonly environment?: readonly string[];
}

/** The archive `ctr images import` takes. */
export function imageArchive(images: readonly Image[]): Buffer {
  const blobs = new Map<string, Buffer>();
  const blob = (mediaType: string, content: Buffer): { mediaType: string; digest: string; size: number } => {
    const hash = createHash('sha256').update(content).digest('hex');
    blobs.set(`blobs/sha256/${hash}`, content);
    return { mediaType, digest: `sha256:${hash}`, size: content.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const architecture = { x64: 'amd64', arm64: 'arm64', arm: 'arm' }[process.arch as string] ?? process.arch;
  const manifests = images.map(({ name, files, command, environment = ['PATH=/bin'] }) => {
    const layer = blob('application/vnd.oci.image.layer.v1.tar', tar(files));
    const config = blob(
      'application/vnd.oci.image.config.v1+json',
      json({
        architecture,
        os: 'linux',
        config: { Cmd: command, Env: environment },
        rootfs: { type: 'layers', diff_ids: [layer.digest] },
      }),
    );
    const manifest = json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers: [layer],
    });
    return {
      ...blob('application/vnd.oci.image.manifest.v1+json', manifest),
      annotations: { 'io.containerd.image.name': name },
      platform: { architecture, os: 'linux' },
    };
  });
  return tar([
    { path: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', content: json({ schemaVersion: 2, manifests }) },
    ...[...blobs].map(([path, content]) => ({ path, content })),
  ]);
}
