/** Reads and validates an image definition and the data in rootfs/ it draws on. */
import { statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { architectures, boards } from '../boards.ts';
import { bootMethodNames } from '../boot/index.ts';
import type { BootMethodName } from '../boot/method.ts';
import { BuildError } from '../errors.ts';
import { repositoryRoot } from '../paths.ts';
import { nearest } from './nearest.ts';
import type { Component, ImageDefinition, ModuleClasses, PackageLists, Suite, TrimRule } from './types.ts';
import { type Fields, type Located, type Problem, YamlReader, type YamlValue } from './yaml-reader.ts';

const mebibyte = 1024 ** 2;
const packageName = /^[a-z0-9][a-z0-9+.-]+$/;
const imageName = [/^[a-z0-9][a-z0-9_-]{0,62}$/, 'a name of small letters, digits, _ and -'] as const;
const packageMeaning = 'the name of a Debian package (lower case letters, digits, + . -)';
const suites: readonly Suite[] = ['trixie', 'trixie-updates', 'trixie-security'];
const components: readonly Component[] = ['main', 'non-free-firmware'];

/** @throws BuildError DEFINITION_INVALID listing every problem, each with its place. */
export function rejectProblems(what: string, found: readonly Problem[]): void {
  if (found.length === 0) return;
  const line = ({ where }: Problem): number => Number(/:(\d+):\d+$/.exec(where)?.[1] ?? 0);
  const problems = [...found].sort((a, b) => line(a) - line(b));
  const first = problems[0];
  const rest = problems.slice(1).map(problem => `${problem.where}: ${problem.message}`);
  throw new BuildError('DEFINITION_INVALID', first?.message ?? what, {
    where: first?.where ?? what,
    ...(rest.length > 0 ? { tail: rest.join('\n') } : {}),
    hint: `Correct ${what}; \`images/vm-x86_64.yaml\` shows every key.`,
  });
}

function located(value: YamlValue, pattern: RegExp, meaning: string): Located<string> {
  return { value: value.text(pattern, meaning), where: value.where };
}

function unique(values: readonly YamlValue[], parsed: readonly Located<string>[]): Located<string>[] {
  const seen = new Map<string, string>();
  const result: Located<string>[] = [];
  parsed.forEach((item, index) => {
    const before = seen.get(item.value);
    if (before !== undefined)
      values[index]?.wrong(`${JSON.stringify(item.value)} is listed twice (first at ${before})`);
    else if (item.value !== '') {
      seen.set(item.value, item.where);
      result.push(item);
    }
  });
  return result;
}

const packageList = (value: YamlValue | undefined): Located<string>[] => {
  const items = value?.list() ?? [];
  return unique(
    items,
    items.map(item => located(item, packageName, packageMeaning)),
  );
};

/**
 * Parses a definition. Problems are collected in `reader.problems`; the result is only good if there are none.
 * @param base the folder the definition lies in
 */
export function parseImage(
  reader: YamlReader,
  expectedName: string,
  classes: ModuleClasses,
  base = join(repositoryRoot, 'images'),
): ImageDefinition {
  const top = reader.root.mapping(
    ['name', 'architecture', 'board', 'debian', 'kernel', 'boot', 'partitions', 'outputs'],
    ['description', 'packages', 'overlay', 'minimum-version'],
  );
  const name = top.get('name')?.text(...imageName) ?? '';
  if (name !== '' && name !== expectedName) {
    top
      .get('name')
      ?.wrong(`name is ${JSON.stringify(name)} but the file is called ${expectedName}.yaml; they must agree`);
  }
  const architectureNames = Object.keys(architectures) as ImageDefinition['architecture'][];
  const architecture = top.get('architecture')?.oneOf(architectureNames);
  const board = top.get('board')?.oneOf(Object.keys(boards));
  const made = board === undefined ? undefined : boards[board]?.architecture;
  if (architecture && made && made !== architecture) {
    top.get('board')?.wrong(`board ${board} is ${made}, but architecture is ${architecture}`);
  }
  const debian = top.get('debian')?.mapping(['suites'], ['may-lack', 'components']);
  const suiteValues = debian?.get('suites')?.list() ?? [];
  const chosen = suiteValues.map(value => value.oneOf(suites)).filter(value => value !== undefined);
  if (debian?.has('suites') && suiteValues.length === 0)
    debian.get('suites')?.wrong('debian.suites must name at least "trixie"');
  else if (suiteValues.length > 0 && chosen.length === suiteValues.length && !chosen.includes('trixie')) {
    debian?.get('suites')?.wrong('debian.suites must include "trixie"; updates and security only add to it');
  }
  const mayLack = (debian?.get('may-lack')?.list() ?? []).map(value => {
    const suite = value.oneOf(chosen);
    if (suite === 'trixie') value.wrong('debian.may-lack cannot name "trixie": nothing is built without it');
    return suite;
  });
  const parts = (debian?.get('components')?.list() ?? []).map(value => value.oneOf(components));
  if (debian?.has('components') && !parts.includes('main'))
    debian.get('components')?.wrong('debian.components must include "main"');
  const kernel = top.get('kernel')?.mapping(['package', 'modules'], ['suite']);
  const kernelSuite = kernel?.get('suite')?.oneOf(['trixie-backports'] as const);
  const kernelPackage = kernel?.get('package');
  const moduleValues = kernel?.get('modules')?.list() ?? [];
  const modules = moduleValues.map(value => ({ value: value.oneOf([...classes.keys()]) ?? '', where: value.where }));
  const boot = top.get('boot')?.mapping(['method', 'tries'], ['cmdline']);
  const partitions = top.get('partitions')?.mapping(['esp', 'root', 'verity', 'var-minimum']);
  const rootBytes = partitions?.get('root')?.size(64 * mebibyte) ?? 0;
  const verityBytes = partitions?.get('verity')?.size(mebibyte) ?? 0;
  // SHA-256 over 4 KiB blocks: 128 hashes a block, so the tree is 1/127 of the data, and a superblock; the block index behind it 1/128,
  // and a header.
  const verityNeeded = Math.ceil(rootBytes / 127) + Math.ceil(rootBytes / 128) + 5 * 4096;
  if (verityBytes > 0 && verityBytes < verityNeeded) {
    partitions
      ?.get('verity')
      ?.wrong(`partitions.verity is too small: hashes of the root partition need ${verityNeeded} bytes`);
  }
  const outputs = (top.get('outputs')?.list() ?? []).map(value => value.oneOf(['raw', 'zst', 'qcow2'] as const));
  if (top.has('outputs') && outputs.length === 0)
    top.get('outputs')?.wrong('outputs must name at least one of raw, zst, qcow2');
  const minimumVersion = minimumVersionOf(top);
  return {
    name,
    description: top.get('description')?.text(/^[^\n]+$/, 'one line of text') ?? '',
    architecture: architecture ?? 'x86_64',
    board: board ?? '',
    debian: {
      suites: [...new Set(chosen)],
      mayLack: [...new Set(mayLack.filter(suite => suite !== undefined))],
      components: debian?.has('components') ? [...new Set(parts.filter(part => part !== undefined))] : ['main'],
    },
    kernel: {
      package: kernelPackage
        ? located(kernelPackage, /^linux-image-[a-z0-9+.-]+$/, 'a linux-image-… package')
        : { value: '', where: '' },
      ...(kernelSuite ? { suite: kernelSuite } : {}),
      modules: unique(moduleValues, modules),
    },
    packages: packageList(top.get('packages')),
    boot: {
      method: boot?.get('method')?.oneOf(bootMethodNames) ?? 'systemd-boot',
      tries: boot?.get('tries')?.integer(1, 9) ?? 1,
      cmdline: kernelArguments(boot?.get('cmdline')),
    },
    partitions: {
      espBytes: partitions?.get('esp')?.size(64 * mebibyte) ?? 0,
      rootBytes,
      verityBytes,
      varMinimumBytes: partitions?.get('var-minimum')?.size(64 * mebibyte) ?? 0,
    },
    outputs: [...new Set(outputs.filter(value => value !== undefined))],
    overlays: folders(top.get('overlay'), base),
    ...(minimumVersion === undefined ? {} : { minimumVersion }),
  };
}

function kernelArguments(value: YamlValue | undefined): string[] {
  return (value?.list() ?? []).map(item => {
    const argument = item.text(/^[^\s"]+$/, 'one kernel argument without blanks');
    if (/^(atoll\.roothash|roothash|root|init)=/.test(argument))
      item.wrong(`${argument} cannot be set: the builder sets it, sealed in the UKI`);
    return argument;
  });
}

/** @param base the folder that relative paths begin at */
function folders(value: YamlValue | undefined, base: string): string[] {
  return (value?.list() ?? []).map(item => {
    const path = resolve(base, item.text(/^\S+$/, 'a folder, relative to this file'));
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) item.wrong(`there is no folder ${path}`);
    return path;
  });
}

function minimumVersionOf(fields: Fields): string | undefined {
  return fields.get('minimum-version')?.text(/^\d+\.\d+\.\d+$/, 'a version as 0.2.0');
}

/** What a variant adds to the image it is one of. */
interface Variant {
  readonly of: string;
  /** Then it is an image of its own: no node takes its bundle for the other's. */
  readonly name: string | undefined;
  readonly method: BootMethodName | undefined;
  readonly overlays: readonly string[];
  readonly cmdline: readonly string[];
  readonly minimumVersion: string | undefined;
}

/**
 * An image like another but for files, kernel arguments and how it is booted. Without a name nodes take the bundle of the one for the other's; so
 * another boot method needs one.
 */
export function parseVariant(reader: YamlReader, base: string): Variant {
  const top = reader.root.mapping(['variant-of'], ['name', 'boot-method', 'overlay', 'cmdline', 'minimum-version']);
  const name = top.get('variant-of')?.text(/^\S+$/, 'an image: its name, or its file, relative to this file') ?? '';
  if (top.has('boot-method') && !top.has('name'))
    top.get('boot-method')?.wrong('another boot method makes another image: give it a name of its own');
  return {
    of: /\.ya?ml$/.test(name) ? resolve(base, name) : name,
    name: top.get('name')?.text(...imageName),
    method: top.get('boot-method')?.oneOf(bootMethodNames),
    overlays: folders(top.get('overlay'), base),
    cmdline: kernelArguments(top.get('cmdline')),
    minimumVersion: minimumVersionOf(top),
  };
}

export function parsePackageLists(reader: YamlReader): PackageLists {
  const top = reader.root.mapping(['install', 'leave-out']);
  const leaveOut = new Map<string, string>();
  for (const [name, why] of top.get('leave-out')?.entries(packageName, packageMeaning) ?? []) {
    leaveOut.set(name, why.text(/\S/, 'the reason, in words'));
  }
  const install = packageList(top.get('install'));
  for (const item of install) {
    if (leaveOut.has(item.value))
      reader.problems.push({ where: item.where, message: `${item.value} is both installed and left out` });
  }
  return { install, leaveOut };
}

export function parseModuleClasses(reader: YamlReader): ModuleClasses {
  const classes = new Map<string, string[]>();
  const top = reader.root.mapping(['classes']);
  for (const [name, globs] of top.get('classes')?.entries(/^[a-z][a-z0-9_-]*$/, 'a class name') ?? []) {
    classes.set(
      name,
      globs.list().map(glob => glob.text(/^[A-Za-z0-9_*./{},-]+$/, 'a path of a module, with * and ** and {a,b}')),
    );
  }
  return classes;
}

export function parseTrimRules(reader: YamlReader): TrimRule[] {
  const glob = (value: YamlValue): string => value.text(/^\/\S+$/, 'an absolute path, with * and **');
  return reader.root.list().map(item => {
    const rule = item.mapping(['name', 'why', 'remove'], ['keep']);
    return {
      name: rule.get('name')?.text(/\S/, 'a name') ?? '',
      why: rule.get('why')?.text(/\S/, 'the reason, in words') ?? '',
      remove: (rule.get('remove')?.list() ?? []).map(glob),
      keep: (rule.get('keep')?.list() ?? []).map(glob),
    };
  });
}

async function read<T>(path: string, parse: (reader: YamlReader) => T): Promise<T> {
  const shown = relative(repositoryRoot, path).startsWith('..') ? path : relative(repositoryRoot, path);
  const reader = new YamlReader(shown, await readFile(path, 'utf8'));
  const value = parse(reader);
  rejectProblems(shown, reader.problems);
  return value;
}

export interface LoadedDefinition {
  readonly image: ImageDefinition;
  readonly lists: PackageLists;
  readonly classes: ModuleClasses;
  readonly trim: readonly TrimRule[];
}

/** Names of the images in `images/`, sorted. */
export async function listImages(root: string = repositoryRoot): Promise<string[]> {
  const names = await readdir(join(root, 'images'));
  return names.flatMap(name => /^(.+)\.yaml$/.exec(name)?.[1] ?? []).sort();
}

const isVariant = (reader: YamlReader): boolean => reader.root.has('variant-of');

/**
 * @param which a path to a YAML file, or the name of an image in `images/`. A variant (`variant-of`) is the image it names, with more.
 * @throws BuildError DEFINITION_NOT_FOUND naming the known images; DEFINITION_INVALID with every problem's place.
 */
export async function loadDefinition(which: string, root: string = repositoryRoot): Promise<LoadedDefinition> {
  const path = /\.ya?ml$/.test(which) ? resolve(which) : join(root, 'images', `${which}.yaml`);
  const rootfs = join(root, 'rootfs');
  const lists = await read(join(rootfs, 'packages.yaml'), parsePackageLists);
  const classes = await read(join(rootfs, 'modules.yaml'), parseModuleClasses);
  const trim = await read(join(rootfs, 'trim.yaml'), parseTrimRules);
  try {
    const image = await read(path, reader =>
      isVariant(reader)
        ? parseVariant(reader, dirname(path))
        : parseImage(reader, basename(path).replace(/\.ya?ml$/, ''), classes, dirname(path)),
    );
    return 'of' in image ? await extended(image, root) : { image, lists, classes, trim };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const known = await listImages(root);
    const guess = nearest(basename(which).replace(/\.ya?ml$/, ''), known);
    throw new BuildError('DEFINITION_NOT_FOUND', `there is no image definition ${which}`, {
      hint: guess ? `Did you mean ${guess}?` : `Known images: ${known.join(', ')}.`,
      cause: error,
    });
  }
}

async function extended(variant: Variant, root: string): Promise<LoadedDefinition> {
  const { of, name, method, overlays, cmdline, minimumVersion } = variant;
  const { image, ...rest } = await loadDefinition(of, root);
  return {
    ...rest,
    image: {
      ...image,
      name: name ?? image.name,
      overlays: [...image.overlays, ...overlays],
      boot: { ...image.boot, method: method ?? image.boot.method, cmdline: [...image.boot.cmdline, ...cmdline] },
      ...(minimumVersion === undefined ? {} : { minimumVersion }),
    },
  };
}
