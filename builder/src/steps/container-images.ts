/**
 * Container images that are in the root, so that a node without a network starts pods: `pause` (every sandbox needs it) and
 * `demo`. `images.tar` is an OCI image layout with uncompressed layers (the root file system compresses them); `images.list`
 * names the images, after the archive's hash, for the agent. Source: OCI image-spec 1.1, image-layout.md.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Architecture } from '../boards.ts';
import { canonicalJson, type FileRef, type TreeRef } from '../files.ts';
import { tarEnd, tarHeader, tarPadding } from '../formats/tar.ts';
import { readFromArchive } from '../packages/archives.ts';
import { readPackages } from '../packages/resolve.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface ContainerImagesInputs {
  /** `rootfs/containers` */
  readonly sources: TreeRef;
  readonly packages: FileRef;
  /** Prefix of the target's compiler, as `aarch64-linux-gnu`. */
  readonly gnu: string;
  readonly oci: Architecture['oci'];
  /** What `busybox --list` prints. */
  readonly tools: string;
}

interface Entry {
  readonly path: string;
  readonly mode: number;
  readonly content?: Buffer;
  readonly target?: string;
}

/** A tar of files, folders and links, owner root, time zero. */
function tarOf(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = [];
  for (const { path, mode, content, target } of entries) {
    const type = target !== undefined ? 'symlink' : content ? 'file' : 'directory';
    const sizeBytes = content?.length ?? 0;
    parts.push(tarHeader({ path, type, mode, uid: 0, gid: 0, mtime: 0, sizeBytes, target: target ?? '' }));
    if (content) parts.push(content, tarPadding(sizeBytes));
  }
  return Buffer.concat([...parts, tarEnd]);
}

export interface ContainerImage {
  /** Fully qualified, as `docker.io/atoll/pause:1`. */
  readonly name: string;
  readonly layer: Buffer;
  /** The `config` object of the image configuration. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** The images as one OCI layout in a tar: one import brings them all. */
export function ociArchive(images: readonly ContainerImage[], platform: Architecture['oci']): Buffer {
  const blobs = new Map<string, Buffer>();
  const blob = (mediaType: string, content: Buffer): { mediaType: string; digest: string; size: number } => {
    const hex = createHash('sha256').update(content).digest('hex');
    blobs.set(hex, content);
    return { mediaType, digest: `sha256:${hex}`, size: content.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(canonicalJson(value));
  const manifests = images.map(image => {
    const layer = blob('application/vnd.oci.image.layer.v1.tar', image.layer);
    const config = blob(
      'application/vnd.oci.image.config.v1+json',
      json({
        created: '1970-01-01T00:00:00Z',
        ...platform,
        os: 'linux',
        config: image.config,
        rootfs: { type: 'layers', diff_ids: [layer.digest] },
        history: [{ created: '1970-01-01T00:00:00Z', created_by: 'atoll builder' }],
      }),
    );
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = blob(mediaType, json({ schemaVersion: 2, mediaType, config, layers: [layer] }));
    const tag = image.name.slice(image.name.lastIndexOf(':') + 1);
    const annotations = { 'io.containerd.image.name': image.name, 'org.opencontainers.image.ref.name': tag };
    return { ...manifest, annotations, platform: { ...platform, os: 'linux' } };
  });
  const index = json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests });
  const files = [...blobs].sort(([a], [b]) => (a < b ? -1 : 1));
  return tarOf([
    { path: 'oci-layout', mode: 0o644, content: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', mode: 0o644, content: index },
    { path: 'blobs', mode: 0o755 },
    { path: 'blobs/sha256', mode: 0o755 },
    ...files.map(([hex, content]) => ({ path: `blobs/sha256/${hex}`, mode: 0o644, content })),
  ]);
}

/** The names of the images in the root; the agent and containerd's configuration name the first. */
export const imageNames = { pause: 'docker.io/atoll/pause:1', demo: 'docker.io/atoll/demo:1' } as const;

const PATH = 'PATH=/bin:/usr/bin';

async function busybox(
  inputs: ContainerImagesInputs,
  context: Parameters<typeof buildContainerImages.run>[1],
): Promise<Buffer> {
  const archive = (await readPackages(inputs.packages.path)).find(({ name }) => name === 'busybox-static');
  if (!archive) throw new Error('busybox-static is not among the packages');
  return (await readFromArchive(archive, /^(usr\/)?bin\/busybox$/, context)).content;
}

/**
 * Compiles the sandboxes' first process.
 * @param options.gnu prefix of the compiler @param options.program where it goes: in a folder that is there
 */
export async function compilePause({
  source,
  gnu,
  program,
  signal,
}: {
  readonly source: string;
  readonly gnu: string;
  readonly program: string;
  readonly signal: AbortSignal;
}): Promise<void> {
  const plain = ['-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror', '-Wl,--build-id=none'];
  // ARM's system calls take their number in the register that Thumb code keeps its frame in.
  const withoutLibrary = ['-nostdlib', '-ffreestanding', '-fno-stack-protector', '-fomit-frame-pointer'];
  const small = ['-fno-asynchronous-unwind-tables', '-Wl,-z,noseparate-code'];
  await tool([`${gnu}-gcc`, ...plain, ...withoutLibrary, ...small, '-o', program, source], {
    binds: [dirname(program)],
    readOnly: [source],
    signal,
  });
}

export const buildContainerImages: Step<ContainerImagesInputs, 'images.tar' | 'images.list'> = {
  name: 'images',
  title: 'Container images of the root',
  module: import.meta.url,
  outputs: ['images.tar', 'images.list'],
  async run(inputs, context) {
    const { directory, scratch, signal } = context;
    const program = join(scratch, 'pause');
    await compilePause({ source: join(inputs.sources.path, 'pause/pause.c'), gnu: inputs.gnu, program, signal });
    const pause: ContainerImage = {
      name: imageNames.pause,
      layer: tarOf([{ path: 'pause', mode: 0o755, content: await readFile(program) }]),
      config: { Entrypoint: ['/pause'], User: '65535:65535', WorkingDir: '/' },
    };
    const { stdout } = await tool(['busybox', '--list'], { signal });
    const applets = stdout.split('\n').filter(name => name !== '' && name !== 'busybox');
    const text = (content: string): Buffer => Buffer.from(content);
    const folders = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'usr', 'usr/bin', 'var'].map(path => ({
      path,
      mode: 0o755,
    }));
    const demo: ContainerImage = {
      name: imageNames.demo,
      layer: tarOf([
        ...folders,
        { path: 'tmp', mode: 0o1777 },
        { path: 'bin/busybox', mode: 0o755, content: await busybox(inputs, context) },
        ...applets.map(name => ({ path: `bin/${name}`, mode: 0o777, target: 'busybox' })),
        { path: 'bin/hello', mode: 0o755, content: await readFile(join(inputs.sources.path, 'demo/hello')) },
        {
          path: 'etc/passwd',
          mode: 0o644,
          content: text('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'),
        },
        { path: 'etc/group', mode: 0o644, content: text('root:x:0:\nnogroup:x:65534:\n') },
      ]),
      config: { Cmd: ['/bin/hello'], Env: [PATH], WorkingDir: '/' },
    };
    const archive = ociArchive([pause, demo], inputs.oci);
    const digest = createHash('sha256').update(archive).digest('hex');
    await writeFile(join(directory, 'images.tar'), archive);
    await writeFile(join(directory, 'images.list'), `# ${digest}\n${pause.name}\n${demo.name}\n`);
  },
};
