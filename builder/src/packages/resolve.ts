/**
 * From names to archives: apt decides which packages and versions an installation of the wanted names needs; every one is
 * recorded with its hash from the signed index.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../errors.ts';
import { field, parseStanzas, type Stanza } from '../formats/deb822.ts';
import type { Step } from '../step.ts';
import { type AptSources, PrivateApt } from './apt.ts';

/** One package of the root, as `packages.json` lists them (sorted by name). */
export interface ResolvedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Where the archive is, complete. */
  readonly url: string;
  /** Source package and its version. */
  readonly source: string;
  readonly sourceVersion: string;
  readonly homepage?: string;
  readonly summary: string;
  /** Names of the packages it depends on, alternatives among them. */
  readonly needs: readonly string[];
}

export interface ResolveInputs {
  readonly sources: AptSources;
  /** `PrivateApt.indexHash()`. */
  readonly index: string;
  readonly install: readonly string[];
  /** Packages apt is told are installed. */
  readonly leaveOut: readonly string[];
  /** Packages, by a pattern, that are taken from this suite of the sources although they are older in the others. */
  readonly newer?: { readonly packages: string; readonly suite: string };
}

/** Thrown with the names apt does not know, so that whoever read them can say where they were written. */
export class PackagesNotFound extends BuildError {
  readonly names: readonly string[];
  constructor(names: readonly string[], suites: readonly string[], tail: string) {
    super('PACKAGE_NOT_FOUND', `there is no package ${names.join(', ')} in ${suites.join(', ')}`, {
      hint: 'Correct the name; https://packages.debian.org/trixie finds packages.',
      tail,
    });
    this.names = names;
  }
}

/** The names in a package's Depends and Pre-Depends (deb-control(5)), without versions and architectures. */
export function neededNames(stanza: Stanza): string[] {
  const relations = [stanza.get('pre-depends'), stanza.get('depends')].flatMap(text => text?.split(/[,|]/) ?? []);
  return [...new Set(relations.flatMap(relation => /^\s*([a-z0-9][a-z0-9+.-]+)/.exec(relation)?.[1] ?? []))].sort();
}

/** The names in apt's complaints about packages it cannot find or install. */
export function namesNotFound(output: string): string[] {
  const patterns = [
    /Unable to locate package (\S+)/g,
    /Package '?([^'\s]+)'? has no installation candidate/g,
    /Couldn't find any package by \S+ '([^']+)'/g,
  ];
  return [...new Set(patterns.flatMap(pattern => [...output.matchAll(pattern)].map(match => match[1] ?? '')))];
}

/** A dpkg status file that claims the packages are installed, at the index's version and with no dependencies of their own. */
export function pretendInstalled(stanzas: readonly Stanza[]): string {
  const kept = ['Package', 'Version', 'Architecture', 'Multi-Arch', 'Provides', 'Essential'];
  return stanzas
    .map(stanza => {
      const lines = kept.flatMap(name => {
        const value = stanza.get(name.toLowerCase());
        return value === undefined ? [] : [`${name}: ${value}`];
      });
      return [...lines, 'Status: install ok installed', 'Maintainer: none', 'Description: left out', ''].join('\n');
    })
    .join('\n');
}

/** Preferences that keep apt from "upgrading" a pretended package to the real one of the same version (apt_preferences(5)). */
export function neverFetch(names: readonly string[]): string {
  return `Package: ${names.join(' ')}\nPin: release o=Debian\nPin-Priority: -1\n`;
}

/** Preferences that make apt take packages from a suite it would otherwise only take them from when asked (apt_preferences(5)). */
export function takeFrom({ packages, suite }: { readonly packages: string; readonly suite: string }): string {
  return `Package: ${packages}\nPin: release n=${suite}\nPin-Priority: 990\n`;
}

/** The archives apt would fetch: `'url' file size hash` lines. */
export function parseUris(output: string): { url: string; name: string; version: string; architecture: string }[] {
  return output.split('\n').flatMap(line => {
    const match = /^'([^']+\.deb)' ([^_\s]+)_([^_\s]+)_([^_\s]+)\.deb /.exec(line);
    const [, url, name, version, architecture] = match ?? [];
    if (!url || !name || !version || !architecture) return [];
    return [{ url, name, version: decodeURIComponent(version), architecture }];
  });
}

/** `Source: glibc (2.41-12)`; without the field it is the package itself. */
export function sourceOf(stanza: Stanza): { source: string; sourceVersion: string } {
  const match = /^(\S+)(?: \((.+)\))?$/.exec(stanza.get('source') ?? field(stanza, 'Package'));
  return { source: match?.[1] ?? field(stanza, 'Package'), sourceVersion: match?.[2] ?? field(stanza, 'Version') };
}

export const resolvePackages: Step<ResolveInputs, 'packages.json'> = {
  name: 'packages',
  title: 'Resolve packages',
  module: import.meta.url,
  outputs: ['packages.json'],
  async run(inputs, context) {
    const apt = new PrivateApt(context.cache, inputs.sources, context.signal);
    const newer = join(context.scratch, 'newer');
    await writeFile(newer, inputs.newer ? takeFrom(inputs.newer) : '');
    const show = async (names: readonly string[]): Promise<Stanza[]> => {
      const preferences = ['-o', `Dir::Etc::preferences=${newer}`];
      const command = ['apt-cache', ...preferences, 'show', '--no-all-versions', ...names] as const;
      const { stdout } = await apt.apt([...command], [context.scratch]);
      return parseStanzas(stdout);
    };
    // apt-cache is silent about a name it does not know among others it does: a misspelled one would leave nothing out.
    const pretended = await show(inputs.leaveOut);
    const known = new Set(pretended.map(stanza => field(stanza, 'Package')));
    const unknown = inputs.leaveOut.filter(name => !known.has(name));
    if (unknown.length > 0) throw new PackagesNotFound(unknown, inputs.sources.suites, '');
    const status = join(context.scratch, 'status');
    await writeFile(status, pretendInstalled(pretended));
    const preferences = join(context.scratch, 'preferences');
    await writeFile(preferences, `${neverFetch(inputs.leaveOut)}\n${inputs.newer ? takeFrom(inputs.newer) : ''}`);
    let output: string;
    try {
      const files = ['-o', `Dir::State::status=${status}`, '-o', `Dir::Etc::preferences=${preferences}`];
      const command = ['-qq', '-y', ...files, '--print-uris', 'install', ...inputs.install];
      output = (await apt.apt(['apt-get', ...command], [context.scratch])).stdout;
    } catch (error) {
      const tail = error instanceof BuildError ? (error.tail ?? '') : '';
      const missing = namesNotFound(tail);
      throw missing.length > 0 ? new PackagesNotFound(missing, inputs.sources.suites, tail) : error;
    }
    const archives = parseUris(output);
    const stanzas = new Map<string, Stanza>();
    for (const stanza of await show(archives.map(({ name, version }) => `${name}=${version}`))) {
      stanzas.set(`${field(stanza, 'Package')}=${field(stanza, 'Version')}`, stanza);
    }
    const packages = archives.map(({ url, name, version, architecture }): ResolvedPackage => {
      const stanza = stanzas.get(`${name}=${version}`);
      if (!stanza) throw new BuildError('STEP_BROKEN', `apt would install ${name} ${version} but does not describe it`);
      const homepage = stanza.get('homepage');
      return {
        name,
        version,
        architecture,
        sha256: field(stanza, 'SHA256'),
        sizeBytes: Number(field(stanza, 'Size')),
        url,
        ...sourceOf(stanza),
        ...(homepage === undefined ? {} : { homepage }),
        summary: field(stanza, 'Description').split('\n')[0] ?? '',
        needs: neededNames(stanza),
      };
    });
    packages.sort((a, b) => (a.name < b.name ? -1 : 1));
    context.note(`${packages.length} packages`);
    await writeFile(join(context.directory, 'packages.json'), `${JSON.stringify(packages, undefined, 1)}\n`);
  },
};

export async function readPackages(path: string): Promise<ResolvedPackage[]> {
  return JSON.parse(await readFile(path, 'utf8')) as ResolvedPackage[];
}
