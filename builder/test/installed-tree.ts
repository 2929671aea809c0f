/**
 * The judge of the composed root: the same packages, at the same versions, installed by mmdebstrap with all their maintainer
 * scripts, and what then is in the tree.
 *
 * It depends on the packages alone, so it is made once for a set of packages and kept in the cache as a list
 * (`<cache>/installed/<key>.json`); the archives come from where the builder's recorded list says and are checked against its
 * hashes, those of packages the root leaves out against the signed index.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, writeFileAtomic } from '../src/files.ts';
import { field, parseStanzas } from '../src/formats/deb822.ts';
import { readTarIndex, type TarMember } from '../src/formats/tar.ts';
import type { PrivateApt } from '../src/packages/apt.ts';
import { parseUris, type ResolvedPackage } from '../src/packages/resolve.ts';
import { run } from '../src/process.ts';
import { mergedUsrPath } from '../src/root/merge.ts';
import { tool } from '../src/tools.ts';
import { makeTemporary } from '../src/workspace.ts';

/** One path of a tree, reduced to what is compared. */
export interface Entry {
  readonly type: TarMember['type'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a symlink; of a hard link the other path. */
  readonly target: string;
  /** Hex SHA-256 of a file's bytes. */
  readonly sha256: string;
  /** Of files in /etc and /usr/lib/tmpfiles.d. */
  readonly text?: string;
}

/** Absolute path → what is there. */
export type Listing = Readonly<Record<string, Entry>>;

export interface InstalledTree {
  /** Everything installed, by name. */
  readonly packages: readonly string[];
  /** Absolute path (merged /usr) → the package it belongs to; what is not here was made by maintainer scripts. */
  readonly owners: Readonly<Record<string, string>>;
  readonly tree: Listing;
}

async function readMember(archive: FileHandle, { offset, sizeBytes }: TarMember): Promise<Buffer> {
  const content = Buffer.alloc(sizeBytes);
  await archive.read(content, 0, sizeBytes, offset);
  return content;
}

/** Reads a root file system in a tar. */
export async function listTar(path: string): Promise<Listing> {
  const archive = await open(path, 'r');
  try {
    const tree: Record<string, Entry> = {};
    for (const member of await readTarIndex(archive)) {
      const { type, mode, uid, gid, target } = member;
      const content = type === 'file' ? await readMember(archive, member) : undefined;
      const text = content && /^(etc|usr\/lib\/tmpfiles\.d)\//.test(member.path) ? content.toString() : undefined;
      tree[`/${member.path}`] = {
        ...{ type, mode, uid, gid, target: type === 'hardlink' ? `/${target}` : target },
        sha256: content ? createHash('sha256').update(content).digest('hex') : '',
        ...(text === undefined ? {} : { text }),
      };
    }
    return tree;
  } finally {
    await archive.close();
  }
}

/** Which package each path belongs to: dpkg's own lists. Folders belong to the first that has them. */
async function listOwners(path: string): Promise<Record<string, string>> {
  const archive = await open(path, 'r');
  try {
    const owners: Record<string, string> = {};
    for (const member of await readTarIndex(archive)) {
      const name = /^var\/lib\/dpkg\/info\/([^:/]+)(?::[^/]+)?\.list$/.exec(member.path)?.[1];
      if (!name) continue;
      const lines = (await readMember(archive, member)).toString().split('\n');
      for (const line of lines) owners[`/${mergedUsrPath(line.replace(/^\//, ''))}`] ??= name;
    }
    return owners;
  } finally {
    await archive.close();
  }
}

interface Archive {
  readonly name: string;
  readonly url: string;
  readonly file: string;
  readonly sha256: string;
}

/** Names of Debian's Essential packages (Policy 3.8), from the index. */
async function essentialPackages(apt: PrivateApt): Promise<string[]> {
  const lists = join(apt.directory, 'lists');
  const names = new Set<string>();
  for (const file of (await readdir(lists)).filter(name => name.endsWith('_Packages'))) {
    for (const stanza of (await readFile(join(lists, file), 'latin1')).split('\n\n'))
      if (/^Essential: yes$/m.test(stanza)) names.add(/^Package: (\S+)$/m.exec(stanza)?.[1] ?? '');
  }
  return [...names].sort();
}

/** Everything an installation of the root's packages needs, dpkg and shell included. */
async function archivesOf(apt: PrivateApt, wanted: readonly ResolvedPackage[]): Promise<Archive[]> {
  const names = [...(await essentialPackages(apt)), ...wanted.map(({ name, version }) => `${name}=${version}`)];
  const { stdout } = await apt.apt(['apt-get', '-qq', '-y', '--print-uris', 'install', ...names]);
  const archives = parseUris(stdout);
  const exact = archives.map(({ name, version }) => `${name}=${version}`);
  const described = parseStanzas((await apt.apt(['apt-cache', 'show', ...exact])).stdout);
  const hashes = new Map(
    described.map(stanza => [`${field(stanza, 'Package')}=${field(stanza, 'Version')}`, field(stanza, 'SHA256')]),
  );
  return archives.map(({ url, name, version, architecture }) => ({
    name,
    url,
    file: `${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`,
    sha256: hashes.get(`${name}=${version}`) ?? '',
  }));
}

/** A folder apt can read as a repository. The archives in it have been checked one by one, so it is trusted as it is. */
async function makeRepository(archives: readonly Archive[], folder: string): Promise<void> {
  await mkdir(folder);
  const triples = archives.flatMap(({ url, file, sha256 }) => [url, join(folder, file), `SHA256:${sha256}`]);
  const settings = ['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3'];
  await tool(['/usr/lib/apt/apt-helper', ...settings, 'download-file', ...triples], { binds: [folder] });
  const describe =
    'for f in *.deb; do dpkg-deb -f "$f"; echo "Filename: ./$f"; echo "Size: $(stat -c %s "$f")"; echo "SHA256: $(sha256sum "$f" | cut -c1-64)"; echo; done > Packages';
  await tool(['sh', '-ec', describe], { binds: [folder], cwd: folder });
}

/**
 * What mmdebstrap installs for these packages. Made once (about a minute, 150 MB fetched; several with emulation), then read from the cache.
 * @param architecture Debian's name; another than this machine's needs emulation (`builder/emulation.sh`)
 */
export async function installedTree(
  packages: readonly ResolvedPackage[],
  apt: PrivateApt,
  cache: string,
  architecture: string,
): Promise<InstalledTree> {
  const key = createHash('sha256')
    .update(canonicalJson(packages.map(({ name, sha256 }) => [name, sha256])))
    .update(await readFile(import.meta.filename))
    .digest('hex');
  const folder = join(cache, 'installed', architecture);
  const kept = join(folder, `${key.slice(0, 24)}.json`);
  if (existsSync(kept)) return JSON.parse(await readFile(kept, 'utf8')) as InstalledTree;
  const temporary = await makeTemporary(join(cache, 'tmp'));
  try {
    const repository = join(temporary, 'repository');
    const archives = await archivesOf(apt, packages);
    await makeRepository(archives, repository);
    const tar = join(temporary, 'installed.tar');
    const include = packages.map(({ name, version }) => `${name}=${version}`).join(',');
    const options = ['--variant=essential', '--quiet', '--format=tar', `--architectures=${architecture}`];
    options.push('--aptopt=APT::Install-Recommends "false"');
    await run(['mmdebstrap', ...options, `--include=${include}`, '', tar, `deb [trusted=yes] copy:${repository} ./`], {
      env: { ...process.env, LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: '1780000000' },
    });
    const tree = await listTar(tar);
    const installed = { packages: archives.map(({ name }) => name).sort(), owners: await listOwners(tar), tree };
    await rm(folder, { recursive: true, force: true });
    await writeFileAtomic(kept, JSON.stringify(installed));
    return installed;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
