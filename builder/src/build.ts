/**
 * The build, top to bottom: definition → packages → kernel, initrd, runtime, container images → root → EROFS and verity → UKI →
 * ESP → disk → artefact. Every step's result is cached; see step.ts.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { publish, recover } from './artefact.ts';
import { type Architecture, architectures, type Board, boards } from './boards.ts';
import { bootMethods } from './boot/index.ts';
import { slotKernel } from './boot/method.ts';
import { type BundleOptions, makeBundle, publishToChannel } from './bundle.ts';
import { isVersion } from './channel.ts';
import { type LoadedDefinition, rejectProblems } from './definition/load.ts';
import { YamlReader } from './definition/yaml-reader.ts';
import { BuildError } from './errors.ts';
import { canonicalJson, type FileRef, fileRef, treeRef } from './files.ts';
import { firmwarePackages } from './firmware/board.ts';
import { ensureKeys, revocationLists, signerOf, trustOf } from './keys/keyring.ts';
import { type KeyKind, keysDirectory } from './keys/places.ts';
import { type BuildManifest, manifestText } from './manifest.ts';
import { deviceRepartFiles } from './on-device.ts';
import { osRelease, osReleasePath } from './os-release.ts';
import { mirrorsFrom } from './packages/apt.ts';
import { pruneArchives } from './packages/archives.ts';
import { freshIndex } from './packages/fresh-index.ts';
import { PackagesNotFound, type ResolvedPackage, readPackages, resolvePackages } from './packages/resolve.ts';
import { artefactPaths, bundleName, repositoryRoot, toolsTree } from './paths.ts';
import type { Progress } from './progress.ts';
import { spdxDocument } from './sbom.ts';
import { reasons } from './size/contents.ts';
import { StepRunner } from './step.ts';
import { fetchArchives } from './steps/archives.ts';
import { buildBlockMap } from './steps/block-map.ts';
import { buildCodeCache, daemonFlags } from './steps/code-cache.ts';
import { compressDisk, diskLevels } from './steps/compress.ts';
import { buildContainerImages } from './steps/container-images.ts';
import { buildDisk, partitionPlan } from './steps/disk.ts';
import { buildErofs } from './steps/erofs.ts';
import { zstdLevels } from './steps/erofs-layout.ts';
import { buildEsp } from './steps/esp.ts';
import { buildFirmware } from './steps/firmware.ts';
import { trimIcu } from './steps/icu.ts';
import { buildInitrd } from './steps/initrd.ts';
import { buildKernel } from './steps/kernel.ts';
import { convertToQcow2 } from './steps/qcow2.ts';
import { type Content, composeRoot, type RootReport } from './steps/root.ts';
import { bundleRuntime, type NpmPackage } from './steps/runtime.ts';
import { buildSqlite } from './steps/sqlite.ts';
import { buildUki } from './steps/uki.ts';
import { toolsVersion, toolVersion } from './tools-tree.ts';
import { sweepTemporary } from './workspace.ts';

export interface BuildOptions {
  readonly definition: LoadedDefinition;
  readonly cache: string;
  /** The folder that gets `<image>/`. */
  readonly out: string;
  /** Folder of the runtime's sources (`cli/bundle.ts` in it). */
  readonly runtime: string;
  readonly compress: boolean;
  /** Fetch the package index even if the one at hand is fresh. */
  readonly update: boolean;
  /** Default: package.json's. */
  readonly version?: string;
  /** Which keys the image trusts and the bundle is signed with. Default: development. */
  readonly keys?: KeyKind;
  /** Makes a bundle too, and puts it into the channel. */
  readonly bundle?: BundleOptions;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

export interface BuildResult {
  readonly directory: string;
  readonly manifest: BuildManifest;
  readonly durationMs: number;
  /** Names of the steps that ran. */
  readonly ran: readonly string[];
  /** False: the channel names a newer version. */
  readonly inChannel?: boolean;
}

const day = 24 * 3_600_000;

/** Where the runtime is in the root. */
const atoll = 'usr/lib/atoll';

/** A UUID (version 4 layout) that depends on the name alone: the same image has the same identifiers. */
export function fixedUuid(name: string): string {
  const hex = createHash('sha256').update(`atoll:${name}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Hex, 64 digits. */
export function fixedSalt(name: string): string {
  return createHash('sha256').update(`atoll:salt:${name}`).digest('hex');
}

function targetOf({ image }: LoadedDefinition): { architecture: Architecture; board: Board } {
  const architecture = architectures[image.architecture];
  const board = boards[image.board];
  if (!board) throw new BuildError('DEFINITION_INVALID', `no board ${image.board} for ${image.architecture}`);
  return { architecture, board };
}

async function readIds(path: string): Promise<Record<string, number>> {
  const reader = new YamlReader('rootfs/ids.yaml', await readFile(path, 'utf8'));
  const ids: Record<string, number> = {};
  for (const [name, value] of reader.root.entries(/^[a-z_][a-z0-9_-]*$/, 'a user or group name'))
    ids[name] = value.integer(1, 999);
  rejectProblems('rootfs/ids.yaml', reader.problems);
  return ids;
}

/** Resolves the packages; a name apt does not know is reported where the person wrote it. */
async function resolve(options: BuildOptions, steps: StepRunner): Promise<FileRef> {
  const { definition, cache, signal, progress } = options;
  const { image, lists } = definition;
  const { architecture, board } = targetOf(definition);
  const line = progress.start('index', 'Debian package index');
  const { apt, sources } = await freshIndex({
    cache,
    sources: {
      architecture: architecture.debian,
      suites: [...image.debian.suites, ...(image.kernel.suite ? [image.kernel.suite] : [])],
      components: image.debian.components,
      mirrors: mirrorsFrom(options.env ?? process.env),
    },
    mayLack: options.keys === 'release' ? [] : image.debian.mayLack,
    maximumAgeMs: options.update ? 0 : day,
    progress,
    signal,
  }).catch(error => {
    line.fail();
    throw error;
  });
  line.done();
  const ofBoard = board.firmware
    ? firmwarePackages(board.firmware).map(value => ({ value, where: `board ${image.board}` }))
    : [];
  const wanted = [...lists.install, image.kernel.package, ...image.packages, ...ofBoard];
  const inputs = {
    sources,
    index: await apt.indexHash(),
    install: wanted.map(({ value }) => value),
    leaveOut: [...lists.leaveOut.keys()],
    ...(image.kernel.suite ? { newer: { packages: 'linux-*', suite: image.kernel.suite } } : {}),
  };
  try {
    return (await steps.run(resolvePackages, inputs))['packages.json'];
  } catch (error) {
    if (!(error instanceof PackagesNotFound)) throw error;
    const places = wanted.filter(({ value }) => error.names.includes(value));
    const [first, ...rest] = places;
    throw new BuildError(
      'PACKAGE_NOT_FOUND',
      `there is no package ${first?.value ?? error.names.join(', ')} in ${sources.suites.join(', ')}`,
      {
        where: first?.where ?? 'rootfs/packages.yaml (leave-out)',
        hint: error.hint ?? '',
        ...(rest.length > 0
          ? { tail: rest.map(({ value, where }) => `${where}: nor is there ${value}`).join('\n') }
          : {}),
        cause: error,
      },
    );
  }
}

/** The kernel's packages: one, or since Linux 7 one for each of its parts; and those that only name them. */
const kernelPart = /^linux-(image|modules|binary|base)(-|$)/;

/** What the kernel is in. @throws BuildError PACKAGE_CONFLICT where there are several */
function kernelArchives(packages: readonly ResolvedPackage[], wanted: string): ResolvedPackage[] {
  const parts = packages.filter(({ name }) => kernelPart.test(name));
  const named = parts.filter(({ name }) => /^linux-image-\d/.test(name));
  const [kernel] = named.length > 0 ? named : parts.filter(({ name }) => name === wanted);
  if (!kernel || named.length > 1)
    throw new BuildError(
      'PACKAGE_CONFLICT',
      `${named.length} kernels among the packages: ${named.map(({ name }) => name).join(', ')}`,
    );
  const release = kernel.name.slice('linux-image-'.length);
  return parts.filter(({ name }) => name.endsWith(`-${release}`));
}

/** A package that every image has. */
function packageLike(packages: readonly ResolvedPackage[], name: RegExp): ResolvedPackage {
  const found = packages.find(one => name.test(one.name));
  if (found) return found;
  throw new BuildError('STEP_BROKEN', `there is no ${name.source} among the packages`, {
    hint: 'It, or what needs it, belongs into rootfs/packages.yaml.',
  });
}

async function readJson<T>(file: FileRef): Promise<T> {
  return JSON.parse(await readFile(file.path, 'utf8')) as T;
}

const readText = (file: FileRef): Promise<string> => readFile(file.path, 'utf8');

/** The manifest of the artefact at hand, if all its files are there with their sizes. */
async function standingManifest(image: string, out: string): Promise<BuildManifest | undefined> {
  const { manifest, directory } = artefactPaths(image, out);
  try {
    const found = JSON.parse(await readFile(manifest, 'utf8')) as BuildManifest;
    for (const [name, sizeBytes] of Object.entries(found.sizes)) {
      if ((await stat(join(directory, name))).size !== sizeBytes) return undefined;
    }
    return found;
  } catch {
    return undefined;
  }
}

const sameHashes = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  canonicalJson(a) === canonicalJson(b);

/** The root's figures with the runtime in it. */
function rootFigures({ files, bytes, bytesByOrigin }: RootReport, runtime: readonly FileRef[]): BuildManifest['root'] {
  const runtimeBytes = runtime.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    files: files + runtime.length,
    bytes: bytes + runtimeBytes,
    bytesByOrigin: { ...bytesByOrigin, atoll: (bytesByOrigin.atoll ?? 0) + runtimeBytes },
  };
}

async function versionOf({ version: given }: BuildOptions): Promise<string> {
  const { version = '' } = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8')) as {
    version?: string;
  };
  const wanted = given ?? version;
  if (isVersion(wanted)) return wanted;
  throw new BuildError('USAGE', `${wanted} is no version`, {
    hint: 'It takes three numbers, and a word for what comes before them: 0.2.0, 0.2.0~rc.1.',
  });
}

/**
 * Whether the tree's Node.js is the image's to the last revision. V8 refuses a code cache of another version or other flags, but not one
 * of another build, whose constants lie elsewhere in its memory (amd64's and arm64's differ in a few hundred bytes): it would run with the wrong ones.
 */
async function sameNode(tree: string, packages: readonly ResolvedPackage[], progress: Progress): Promise<boolean> {
  const { name, version } = packageLike(packages, /^libnode\d+$/);
  const ours = await toolVersion(tree, name);
  if (ours === version) return true;
  progress.say(
    `no code cache: the image has ${name} ${version}, the tools tree ${ours ?? 'none'}; remove ${dirname(tree)} to have a newer one made`,
  );
  return false;
}

/**
 * Builds an image and publishes it as `<out>/<image>/`.
 * @throws BuildError for what a person can mend; then `<out>/<image>` is what it was before.
 */
export async function buildImage(options: BuildOptions): Promise<BuildResult> {
  const { definition, cache, out, progress, signal } = options;
  const started = performance.now();
  const { image, classes, trim } = definition;
  const { architecture, board } = targetOf(definition);
  await mkdir(cache, { recursive: true });
  await sweepTemporary(join(cache, 'tmp'));
  await recover(image.name, out);
  const steps = new StepRunner({ cache, progress, signal });
  const tools = await toolsVersion(toolsTree(cache));
  const rootfs = join(repositoryRoot, 'rootfs');
  const inModules = (name: string): string => join(repositoryRoot, 'node_modules', name);
  const version = await versionOf(options);
  const kind = options.keys ?? 'development';
  const keys = keysDirectory(options.env);
  if (kind === 'development' && (await ensureKeys(kind, { keys })))
    progress.say(
      `made development keys in ${keys}: they are for trying out; \`make keys\` makes those for releases too`,
    );
  const trust = await trustOf(kind, keys);

  // The native module takes longest of all, and nothing else waits for it before the root is sealed; it needs no package of the image.
  const compileSqlite = async () =>
    steps.run(buildSqlite, {
      source: await treeRef(inModules('better-sqlite3'), name => name !== 'build'),
      gyp: await treeRef(inModules('node-gyp')),
      node: architecture.node,
      gnu: architecture.multiarch,
      compilerFlags: architecture.compilerFlags,
      tools,
    });
  const makeRoot = async () => {
    const packagesFile = await resolve(options, steps);
    const packages = await readPackages(packagesFile.path);
    const kernelPackages = kernelArchives(packages, image.kernel.package.value);
    const ofBoard = board.firmware ? firmwarePackages(board.firmware) : [];
    const loader = packageLike(packages, /^systemd-boot-efi$/);
    const epoch = Number(await readText((await steps.run(fetchArchives, { packages: packagesFile })).epoch));

    const kernel = await steps.run(buildKernel, {
      archives: kernelPackages,
      kernelPrefix: architecture.kernelPrefix,
      modules: image.kernel.modules.flatMap(({ value }) => classes.get(value) ?? []),
      initrd: board.initrdModules,
      rootlessDisks: Object.keys(board.rootlessDisks ?? {}),
      deviceTrees: board.firmware?.deviceTrees ?? [],
      tools,
    });
    const { initrd } = await steps.run(buildInitrd, {
      packages: packagesFile,
      modules: kernel['initrd.tar'],
      load: board.initrdModules,
      scripts: await treeRef(join(rootfs, 'initrd')),
      tools,
    });
    const icu = await steps.run(trimIcu, {
      archive: packageLike(packages, /^libicu\d+$/),
      gnu: architecture.multiarch,
      tools,
    });
    const containers = await steps.run(buildContainerImages, {
      sources: await treeRef(join(rootfs, 'containers')),
      packages: packagesFile,
      gnu: architecture.multiarch,
      oci: architecture.oci,
      tools,
    });
    const runtime = await steps.run(bundleRuntime, {
      sources: await treeRef(options.runtime),
      lock: await fileRef(join(repositoryRoot, 'package-lock.json')),
      version,
    });
    const codeCache =
      architecture.node === process.arch && (await sameNode(toolsTree(cache), packages, progress))
        ? await steps.run(buildCodeCache, {
            runtime: [runtime['atoll.js'], runtime['runtime.js']],
            config: [runtime['config.js'], runtime['config-bundle.js']],
            flags: daemonFlags,
            tools,
          })
        : undefined;

    const firmware = board.firmware
      ? await steps.run(buildFirmware, {
          firmware: board.firmware,
          packages: packages.filter(({ name }) => ofBoard.includes(name)),
          kernel: kernelPackages,
          written: await treeRef(join(rootfs, 'firmware')),
          tools,
        })
      : undefined;
    const plain = (file: FileRef): { file: FileRef; mode: number } => ({ file, mode: 0o644 });
    const root = await steps.run(composeRoot, {
      packages: packagesFile,
      notMerged: [...packages.map(({ name }) => name).filter(name => kernelPart.test(name)), ...ofBoard],
      architecture,
      overlays: await Promise.all([join(rootfs, 'overlay'), ...image.overlays].map(folder => treeRef(folder))),
      trim,
      ids: await readIds(join(rootfs, 'ids.yaml')),
      modules: kernel['modules.tar'],
      ...(firmware ? { boardFirmware: firmware['root.tar'] } : {}),
      firmware: kernel.firmware,
      files: {
        [await readText(icu.path)]: plain(icu['libicudata.so']),
        [`${atoll}/images.tar`]: plain(containers['images.tar']),
        [`${atoll}/images.list`]: plain(containers['images.list']),
      },
      // Which loader the device talks to, and the boots of a trial (runtime/src/machine/upgrade/loader/index.ts).
      texts: {
        ...deviceRepartFiles(image),
        'usr/lib/atoll/loader': `${image.boot.method} ${image.boot.tries}\n`,
      },
      epoch,
      tools,
    });
    return { packages, loader, epoch, kernel, initrd, runtime, codeCache, root, firmware };
  };
  const [sqlite, made] = await steps.together(compileSqlite, makeRoot);
  const { packages, loader, epoch, kernel, initrd, runtime, codeCache, root, firmware } = made;
  const runtimeFiles: Readonly<Record<string, FileRef>> = {
    [`${atoll}/atoll.js`]: runtime['atoll.js'],
    [`${atoll}/runtime.js`]: runtime['runtime.js'],
    ...(codeCache
      ? {
          [`${atoll}/runtime.cache`]: codeCache['runtime.cache'],
          [`${atoll}/config-bundle.cache`]: codeCache['config-bundle.cache'],
        }
      : {}),
    [`${atoll}/store-thread.js`]: runtime['store-thread.js'],
    [`${atoll}/config.js`]: runtime['config.js'],
    [`${atoll}/config-bundle.js`]: runtime['config-bundle.js'],
    [`${atoll}/better_sqlite3.node`]: sqlite['better_sqlite3.node'],
  };

  const { espBytes, rootBytes, verityBytes } = image.partitions;
  const salt = fixedSalt(image.name);
  const report = await readJson<RootReport>(root['root.json']);
  const erofs = await steps.run(buildErofs, {
    tar: root['root.tar'],
    libraries: report.libraries,
    runtime: runtimeFiles,
    texts: {
      [osReleasePath]: osRelease({ name: image.name, version, description: image.description }),
      [`${atoll}/ota/authorities.pem`]: trust.authorities,
      [`${atoll}/ota/revoked.crl.pem`]: trust.revoked,
    },
    architecture,
    epoch,
    uuid: fixedUuid(`${image.name}:root`),
    verityUuid: fixedUuid(`${image.name}:verity`),
    zstdLevel: zstdLevels[kind],
    salt,
    rootBytes,
    verityBytes,
    tools,
  });
  const roothash = await readText(erofs.roothash);
  const release = await readText(kernel.release);
  const uki = await steps.run(buildUki, {
    kernel: kernel.vmlinuz,
    initrd,
    release,
    roothash,
    rootBlocks: erofs['root.erofs'].sizeBytes / 4096,
    saltHex: salt,
    consoles: board.consoles,
    arguments: image.boot.cmdline,
    efi: architecture.efi,
    loader,
    version,
    image: image.name,
    tools,
  });
  const esp = await steps.run(buildEsp, {
    method: image.boot.method,
    script: await fileRef(join(rootfs, 'u-boot/boot.cmd')),
    uki: uki['image.efi'],
    ...(firmware ? { firmware: firmware['boot.tar'] } : {}),
    sizeBytes: espBytes,
    efi: architecture.efi,
    loader,
    version,
    epoch,
    tools,
  });
  const diskInputs = {
    esp: esp['esp.img'],
    root: erofs['root.erofs'],
    verity: erofs['root.verity'],
    sizes: { espBytes, rootBytes, verityBytes },
    types: { esp: bootMethods[image.boot.method].partitionType, ...architecture.partitionTypes },
    hybrid: board.firmware !== undefined,
  };
  const disk = (await steps.run(buildDisk, { ...diskInputs, seed: fixedUuid(`${image.name}:disk`), epoch, tools }))[
    'disk.raw'
  ];
  const bmap = (
    await steps.run(buildBlockMap, {
      disk,
      contentBytes: { 'root-a': erofs['root.erofs'].sizeBytes, 'verity-a': erofs['root.verity'].sizeBytes },
    })
  )['disk.raw.bmap'];
  const wants = (output: 'zst' | 'qcow2'): boolean => options.compress && image.outputs.includes(output);
  const [compressed, qcow2] = await steps.together(
    async () =>
      wants('zst')
        ? (await steps.run(compressDisk, { disk, level: diskLevels[kind], tools }))['disk.raw.zst']
        : undefined,
    async () => (wants('qcow2') ? (await steps.run(convertToQcow2, { disk, tools }))['disk.qcow2'] : undefined),
  );

  const bundle = options.bundle
    ? await makeBundle(steps, {
        image,
        version,
        epoch,
        roothash,
        signer: await signerOf(kind, keys),
        notes: options.bundle.notes,
        tools,
        root: erofs['root.erofs'],
        verity: erofs['root.verity'],
        uki: uki['image.efi'],
      })
    : undefined;

  const npm = await readJson<NpmPackage[]>(runtime['npm.json']);
  const sbom = `${JSON.stringify(spdxDocument({ image: image.name, version, packages, npm, epoch, roothash }), undefined, 1)}\n`;
  const ownFiles = Object.entries(runtimeFiles).map(([path, { sizeBytes }]): Content => [path, sizeBytes, 'atoll']);
  const asked = [...definition.lists.install, image.kernel.package, ...image.packages].map(({ value }) => value);
  const contents = `${JSON.stringify({ files: [...report.contents, ...ownFiles], why: reasons(packages, asked) })}\n`;
  const names = artefactPaths(image.name, out);
  const copies: Record<string, FileRef> = {
    [basename(names.raw)]: disk,
    ...(compressed ? { [basename(names.compressed)]: compressed } : {}),
    [basename(names.bmap)]: bmap,
    ...(qcow2 ? { [basename(names.qcow2)]: qcow2 } : {}),
    [basename(names.uki)]: uki['image.efi'],
    [basename(names.kernel)]: kernel.vmlinuz,
    [basename(names.initrd)]: initrd,
    ...(bundle ? { [bundleName(image.name, version)]: bundle } : {}),
  };
  const sha256 = Object.fromEntries([
    ...Object.entries(copies).map(([name, file]) => [name, file.sha256] as const),
    [basename(names.sbom), createHash('sha256').update(sbom).digest('hex')] as const,
    [basename(names.contents), createHash('sha256').update(contents).digest('hex')] as const,
  ]);
  const sizes = Object.fromEntries(Object.entries(copies).map(([name, file]) => [name, file.sizeBytes]));
  const manifest: BuildManifest = {
    image: image.name,
    version,
    architecture: image.architecture,
    board: image.board,
    boot: image.boot.method,
    kernel: release,
    roothash,
    commandLine: await readText(uki.cmdline),
    time: new Date(epoch * 1000).toISOString(),
    uki: slotKernel,
    partitions: partitionPlan(diskInputs).map(({ label, type, sizeBytes }, index) => ({
      label,
      type,
      sizeBytes,
      usedBytes:
        [uki['image.efi'].sizeBytes, erofs['root.erofs'].sizeBytes, erofs['root.verity'].sizeBytes][index] ?? 0,
    })),
    packages: packages.map(
      ({ name, version: packageVersion, architecture: packageArchitecture, sha256: hash, url }) => ({
        name,
        version: packageVersion,
        architecture: packageArchitecture,
        sha256: hash,
        url,
      }),
    ),
    root: rootFigures(report, Object.values(runtimeFiles)),
    sizes: {
      ...sizes,
      [basename(names.sbom)]: Buffer.byteLength(sbom),
      [basename(names.contents)]: Buffer.byteLength(contents),
    },
    sha256,
    timings: steps.timings,
  };
  const standing = await standingManifest(image.name, out);
  if (!standing || !sameHashes(standing.sha256, sha256)) {
    const line = progress.start('artefact', `Write ${names.directory}`);
    try {
      await publish({
        image: image.name,
        out,
        copies,
        texts: { [basename(names.sbom)]: sbom, [basename(names.contents)]: contents },
        manifest: manifestText(manifest),
        signal,
      });
      line.done();
    } catch (error) {
      line.fail();
      throw error;
    }
  }
  const inChannel =
    bundle && options.bundle
      ? await publishToChannel(options.bundle, {
          image,
          version,
          roothash,
          bundle,
          revoked: await revocationLists(kind, keys),
        })
      : undefined;
  await steps.prune(image.name);
  await pruneArchives(cache, await steps.kept(resolvePackages, 'packages.json'));
  const ran = steps.timings.filter(({ cached }) => !cached).map(({ step }) => step);
  return {
    directory: names.directory,
    manifest,
    durationMs: Math.round(performance.now() - started),
    ran,
    ...(inChannel === undefined ? {} : { inChannel }),
  };
}
