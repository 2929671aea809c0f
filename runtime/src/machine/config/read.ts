/**
 * The documents of all sources as one configuration, or everything that is wrong with them. Looks at nothing but its arguments.
 *
 * user-data and meta-data of several sources are merged, the stronger winning key by key; network-config is taken whole from the
 * strongest source that has one (docs/adr/009-configuration.md).
 */
import { check, checkRules, MAX_PROBLEMS, namesOf } from './check.ts';
import { readDocument } from './document.ts';
import { isCloudConfig, wrongStart } from './firstLine.ts';
import { mergeTrees } from './merge.ts';
import { filesFor, type Machine, type Needing, needingShape, needsOn } from './needs.ts';
import { networkNeedsOn } from './needsOfNetwork.ts';
import { type NetworkDocument, networkShape } from './network/schema.ts';
import { render } from './render/index.ts';
import { type Configuration, documentShapes, type Part, parts } from './schema.ts';
import { keysOfMetaData } from './sections/accountRules.ts';
import { type AtollSection, atollShape } from './sections/atoll.ts';
import { field, mapping, type Shape } from './shape.ts';
import { type Case, casesOf, pairs, saidOfAll } from './suppose.ts';
import { boundAddress, clusterAndNetwork } from './together.ts';
import { type MappingTree, type Page, pathText, placeOf, type Tree } from './tree.ts';
import {
  type DocumentName,
  documentNames,
  type Place,
  type Problem,
  type Rule,
  type SourceDocuments,
  sourceNames,
} from './types.ts';
import { kindInImages, othersPlaces, placesRule } from './writtenPlaces.ts';

export interface ReadConfiguration {
  /** Absent with an error. */
  readonly config?: Configuration;
  /** In the order of the documents; with one error, nothing may be applied. */
  readonly problems: readonly Problem[];
  /** Where every key that counts stands, by document and path: `users[0].name`. */
  readonly origins: Readonly<Record<DocumentName, ReadonlyMap<string, Place>>>;
  /** What counts, as it stands in the documents. */
  readonly trees: Readonly<Partial<Record<DocumentName, Tree>>>;
}

/** @param machine the one this runs on, if the configuration is for that one: what it lacks is an error then */
export function readConfig(sources: readonly SourceDocuments[], machine?: Machine): ReadConfiguration {
  const strongest = [...sources].sort((a, b) => sourceNames.indexOf(a.source) - sourceNames.indexOf(b.source));
  const problems: Problem[] = [];
  const trees: Partial<Record<DocumentName, Tree>> = {};
  const unread = new Set<DocumentName>();
  for (const name of documentNames) {
    const found: Tree[] = [];
    for (const source of strongest) {
      const bytes = source.documents[name];
      if (bytes === undefined) continue;
      const read = readOne(bytes, { source: source.source, location: source.location, document: name });
      problems.push(...read.problems);
      if (read.tree) found.push(read.tree);
      else if (read.problems.length > 0) unread.add(name);
      if (name === 'network-config') break;
    }
    const tree = mergeTrees(found, documentShapes[name]);
    if (tree) trees[name] = tree;
  }
  const values: Partial<Record<DocumentName, unknown>> = {};
  for (const name of documentNames) {
    const tree = trees[name];
    if (!tree) continue;
    const checked = check(documentShapes[name], tree);
    problems.push(...checked.problems);
    if (checked.value !== undefined) values[name] = checked.value;
    // What is not told of what cannot be read, or of one mistake after the other, nobody needs to hear.
    if (checked.problems.length > MAX_PROBLEMS) unread.add(name);
    if (unread.has(name)) continue;
    // Of a key whose name is wrong, nothing more is said.
    const told = new Set(checked.problems.flatMap(({ severity, path }) => (severity === 'error' ? [path] : [])));
    const ofRules = parts.flatMap(part => (part.document === name ? rulesOf(part, tree) : []));
    problems.push(...ofRules.filter(({ path }) => !told.has(path)));
  }
  if (!unread.has('user-data')) {
    problems.push(...lackingProblems(trees, machine));
    if (!unread.has('network-config')) problems.push(...togetherProblems(trees), ...lackingNetwork(trees, machine));
  }
  const isRefused = (): boolean => problems.some(problem => problem.severity === 'error');
  const right = isRefused() ? undefined : configuration(values);
  if (right) {
    if (trees['user-data']) problems.push(...writtenProblems(right, trees['user-data'], machine));
    if (trees['meta-data']) problems.push(...checkRules(right, trees['meta-data'], [keysOfMetaData]));
  }
  const config = isRefused() ? undefined : right;
  return {
    ...(config ? { config } : {}),
    problems: inOrder(problems),
    origins: {
      'user-data': originsOf(trees['user-data']),
      'meta-data': originsOf(trees['meta-data']),
      'network-config': originsOf(trees['network-config']),
    },
    trees,
  };
}

function configuration(values: Partial<Record<DocumentName, unknown>>): Configuration {
  const network = values['network-config'];
  return {
    userData: (values['user-data'] ?? {}) as Configuration['userData'],
    metaData: (values['meta-data'] ?? {}) as Configuration['metaData'],
    ...(network === undefined ? {} : { network: network as NonNullable<Configuration['network']> }),
  };
}

function readOne(bytes: Buffer, from: Omit<Place, 'line' | 'column'>): { tree?: Tree; problems: readonly Problem[] } {
  const start = wrongStart(bytes, from);
  if (start === 'nothing') return { problems: [] };
  const read = readDocument(bytes, from);
  // What only lacks its first line is looked at all the same.
  if (start)
    return read.tree?.kind === 'mapping' && isCloudConfig(start)
      ? { ...read, problems: [start, ...read.problems] }
      : { problems: [start] };
  const { tree, page, problems } = read;
  if (!page || (!tree && problems.length > 0)) return { problems };
  if (tree === undefined || (tree.kind === 'scalar' && tree.plain && /^(?:|~|null)$/.test(tree.text)))
    return { tree: emptyTree(page), problems };
  if (tree.kind === 'mapping') return { tree, problems };
  const place = placeOf(tree.at);
  const what = tree.kind === 'list' ? 'a list' : 'text';
  return {
    problems: [
      ...problems,
      {
        severity: 'error',
        place,
        path: '',
        message: `must be a mapping, not ${what}`,
        hint: 'write "key: value" on each line',
      },
    ],
  };
}

const emptyTree = (page: Page): Tree => ({ kind: 'mapping', entries: new Map(), at: { page, offset: 0 } });

/** What the rules of a part say of whatever is right in it: one mistake must not hide another. */
function rulesOf<T>({ document, path, shape, rules }: Part<T>, tree: Tree): readonly Problem[] {
  const inside = treeAt(tree, path);
  if (inside?.kind !== 'mapping') return [];
  const own = path.length > 0 ? inside : partOf(inside, shape, document);
  const cases = casesOf(shape as Shape<T>, own, path);
  return rules.flatMap(rule => saidOfAll(cases, value => checkRules(value, own, [rule], path)));
}

/** Keys of a document that a part of it says nothing of; unknown ones may be keys of the part, misspelled. */
function othersKeys(whole: Shape, part: Shape): ReadonlySet<string> {
  if (whole.kind !== 'mapping' || part.kind !== 'mapping') return new Set();
  const own = namesOf(part.fields);
  return new Set([...namesOf(whole.fields).keys()].filter(key => !own.has(key)));
}

/** A document with the keys of a part of it, and unknown ones. */
function partOf(tree: MappingTree, part: Shape, document: DocumentName = 'user-data'): MappingTree {
  const others = othersKeys(documentShapes[document], part);
  return { ...tree, entries: new Map([...tree.entries].filter(([key]) => !others.has(key))) };
}

function lackingProblems(
  { 'user-data': tree }: ReadConfiguration['trees'],
  machine: Machine | undefined,
): readonly Problem[] {
  const rules = [needsOn(machine)];
  return tree ? rulesOf({ document: 'user-data', path: [], shape: needingShape, rules }, tree) : [];
}

/** What the network lacks of files and programs. */
function lackingNetwork(trees: ReadConfiguration['trees'], machine: Machine | undefined): readonly Problem[] {
  const { 'network-config': network, 'user-data': userData } = trees;
  if (!network) return [];
  const given: readonly Case<Needing>[] =
    userData?.kind === 'mapping'
      ? casesOf(needingShape, partOf(userData, needingShape))
      : [{ value: {}, invented: [] }];
  return saidOfAll(pairs(given, casesOf(networkShape, network)), ([needing, document]) =>
    checkRules(document, network, [networkNeedsOn(machine?.exists, filesFor(needing, machine))]),
  );
}

/** Files of a person that other keys become, too, or that cannot be beside others. */
function writtenProblems(config: Configuration, tree: Tree, machine: Machine | undefined): readonly Problem[] {
  const { write_files: files = [], ...others } = config.userData;
  if (files.length === 0) return [];
  const taken = othersPlaces(render({ ...config, userData: others }).rendered);
  const rule: Rule<typeof files> = (written, report) =>
    written.forEach(({ path, append }, i) => {
      if (append !== true && taken.has(path))
        report(['write_files', i, 'path'], `"${path}" is also written from other keys, and this one is what counts`, {
          severity: 'warning',
          hint: 'leave out one of them, or say append: true',
        });
    });
  return checkRules(files, tree, [rule, placesRule(taken, machine?.kindOf ?? kindInImages)]);
}

const atollAlone = mapping({ atoll: field(atollShape, '') });

/** What rules over several documents say of whatever is right in each of them. */
function togetherProblems(trees: ReadConfiguration['trees']): readonly Problem[] {
  const { 'network-config': network, 'user-data': userData } = trees;
  const section = userData && treeAt(userData, ['atoll']);
  const atolls = userData?.kind === 'mapping' ? atollCases(userData) : [{ value: {}, invented: [] }];
  const networks: readonly Case<NetworkDocument | undefined>[] = network
    ? casesOf(networkShape, network)
    : [{ value: undefined, invented: [] }];
  const placeOfOption = (name: string): Place | undefined => {
    const at = section?.kind === 'mapping' ? section.entries.get(name)?.at : undefined;
    return at && placeOf(at);
  };
  const cases = pairs(atolls, networks);
  const bound = section
    ? saidOfAll(cases, ([atoll, document]) =>
        checkRules({ atoll, ...(document ? { network: document } : {}) }, section, [boundAddress], ['atoll']),
      )
    : [];
  if (!network) return bound;
  const reached = saidOfAll(cases, ([atoll, document]) =>
    document ? checkRules({ atoll, network: document, placeOf: placeOfOption }, network, [clusterAndNetwork]) : [],
  );
  return [...bound, ...reached];
}

function atollCases(userData: MappingTree): readonly Case<AtollSection>[] {
  const cases = casesOf(atollAlone, partOf(userData, atollAlone));
  return cases.map(({ value, invented }) => ({ value: value.atoll ?? {}, invented }));
}

function treeAt(tree: Tree, path: readonly string[]): Tree | undefined {
  let here: Tree | undefined = tree;
  for (const step of path) here = here?.kind === 'mapping' ? here.entries.get(step)?.value : undefined;
  return here;
}

/** By document, source, line and column, errors of no place first. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const rank = ({ place }: Problem): number[] =>
    place
      ? [documentNames.indexOf(place.document), sourceNames.indexOf(place.source), place.line, place.column]
      : [-1, 0, 0, 0];
  return [...problems].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    for (const [i, value] of left.entries()) {
      const difference = value - (right[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

function originsOf(tree: Tree | undefined): ReadonlyMap<string, Place> {
  const origins = new Map<string, Place>();
  const walk = (here: Tree, path: readonly (string | number)[]): void => {
    if (here.kind === 'mapping') {
      for (const [key, entry] of here.entries) {
        const inside = [...path, key];
        origins.set(pathText(inside), placeOf(entry.at));
        walk(entry.value, inside);
      }
    } else if (here.kind === 'list') {
      for (const [i, item] of here.items.entries()) {
        origins.set(pathText([...path, i]), placeOf(item.at));
        walk(item, [...path, i]);
      }
    }
  };
  if (tree) walk(tree, []);
  return origins;
}
