/**
 * A shape against a tree: the value with its type, or everything that is wrong with it, in one pass.
 *
 * Where YAML 1.1, which cloud-init reads, makes something else of what is written, a person is told: a value that is meant one way
 * and read the other is how nodes are lost.
 */

import { nearest } from '../../lib/nearest.ts';
import { hidden, isSecret, kindHint, nearestWord, refusal, unavailable, wordsOf, wordsOfTree } from './checkWords.ts';
import type { EitherShape, Field, MappingShape, Shape, TextShape } from './shape.ts';
import {
  type Entry,
  integerOf,
  inYaml11,
  isTrue,
  type ListTree,
  type MappingTree,
  pathText,
  placeOf,
  plainValue,
  printable,
  quoted,
  type ScalarTree,
  type Spot,
  scalarKind,
  type Tree,
} from './tree.ts';
import type { Problem, Report, Rule } from './types.ts';

/** Problems after these are not told one by one. */
export const MAX_PROBLEMS = 100;
const DEFAULT_MAX_LENGTH = 65_536;
/** Whoever writes 420 means 0644, whoever writes 400 has left out the zero. */
const meantInOctal = (text: string, octal: string): boolean =>
  /^[4-7][0-7][0-7]$/.test(octal) && !/^[45](00|[45]0|44|55)$/.test(text);

export interface Checked<T> {
  /** Absent with an error. */
  readonly value?: T;
  readonly problems: readonly Problem[];
}

type Path = readonly (string | number)[];

/** @param path of the tree in the document, for messages. */
export function check<T>(shape: Shape<T>, tree: Tree, path: Path = []): Checked<T> {
  const checker = new Checker();
  const value = checker.check(shape, { tree, path, at: tree.at });
  const { problems } = checker;
  const wrong = problems.some(problem => problem.severity === 'error');
  return { ...(wrong ? {} : { value: value as T }), problems };
}

/** Chooses what is looked at in the place of a value that is wrong; {@link NONE}: it is as if it were not given. */
export interface Suppose {
  /** @param shape of what is there, or is missing there (`tree` is undefined) */
  wrong(shape: Shape, tree: Tree | undefined, path: Path, isOptional: boolean): unknown;
  /** @returns the one of these keys that an unknown one is taken for, if it is for one */
  misspelled(names: readonly string[], path: Path): string | undefined;
}

/** The value of a tree with something else in the place of what is wrong in it. */
export function supposed(shape: Shape, tree: Tree, suppose: Suppose, path: Path = []): unknown {
  return new Checker(suppose).check(shape, { tree, path, at: tree.at });
}

/** What a rule says may hold a person's text: short, and nothing a terminal would act on. */
function harmless(problem: Problem): Problem {
  const { message, hint } = problem;
  return { ...problem, message: printable(message), ...(hint === undefined ? {} : { hint: printable(hint) }) };
}

/** Runs rules over a checked value; what they report stands where the value does. */
export function checkRules<T>(value: T, tree: Tree, rules: readonly Rule<T>[], path: Path = []): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (steps, message, { hint, severity = 'error' } = {}) => {
    problems.push(
      harmless({
        severity,
        place: placeOf(spotOf(tree, steps)),
        path: pathText([...path, ...steps]),
        message,
        ...(hint === undefined ? {} : { hint }),
      }),
    );
  };
  for (const rule of rules) rule(value, report);
  return problems;
}

/** Where a path leads in a tree, as far as it goes: the value, or its key where the value goes over lines. */
export function spotOf(tree: Tree, path: Path): Spot {
  let here = tree;
  let at = tree.at;
  for (const step of path) {
    if (here.kind === 'mapping') {
      const entry = here.entries.get(String(step));
      if (!entry) break;
      at = valueSpot(entry);
      here = entry.value;
    } else if (here.kind === 'list') {
      const item = here.items[Number(step)];
      if (!item) break;
      at = item.at;
      here = item;
    } else break;
  }
  return at;
}

/** A value that starts on another line than its key is shown by the key. */
function valueSpot({ at, value }: Entry): Spot {
  const { page, offset } = value.at;
  if (value.kind === 'scalar' && value.text === '' && value.plain) return at;
  return page === at.page && page.place(offset).line === page.place(at.offset).line ? value.at : at;
}

/** A value on its way: `at` is where problems of it are shown. */
interface Here {
  readonly tree: Tree;
  readonly path: Path;
  readonly at: Spot;
}

/** What {@link Checker.check} gives where there is no value. */
export const NONE = Symbol('none');

/** The keys that an unknown one may have been meant to be. */
interface Meant {
  readonly names: readonly string[];
  readonly isNear: boolean;
}

class Checker {
  readonly problems: Problem[] = [];

  constructor(private readonly suppose?: Suppose) {}

  check(shape: Shape, here: Here, isOptional = false): unknown {
    const value = this.ofKind(shape, here);
    if (value !== NONE || !this.suppose) return value;
    return this.suppose.wrong(shape, here.tree, here.path, isOptional);
  }

  private ofKind(shape: Shape, here: Here): unknown {
    const { tree } = here;
    if (tree.kind === 'scalar' && tree.isUnknown) return NONE;
    switch (shape.kind) {
      case 'text':
        return tree.kind === 'scalar' ? this.text(shape, tree, here) : this.wrongKind(shape, here);
      case 'integer':
        return tree.kind === 'scalar' && scalarKind(tree) === 'integer'
          ? this.integer(shape, tree, here)
          : this.wrongKind(shape, here);
      case 'boolean':
        return tree.kind === 'scalar' ? this.boolean(tree, here) : this.wrongKind(shape, here);
      case 'list':
        return tree.kind === 'list' ? this.list(shape, tree, here) : this.wrongKind(shape, here);
      case 'mapping':
        return tree.kind === 'mapping' ? this.mapping(shape, tree, here) : this.wrongKind(shape, here);
      case 'dictionary': {
        if (tree.kind !== 'mapping') return this.wrongKind(shape, here);
        const entries: [string, unknown][] = [];
        for (const [key, entry] of tree.entries) {
          const place: Here = { tree: entry.value, path: [...here.path, key], at: entry.at };
          const name = { kind: 'scalar', text: key, plain: false, at: entry.at } as const;
          const isRight = this.text({ ...shape.key, lenient: true }, name, place, 'the key ') !== NONE;
          const as = isRight || !this.suppose ? key : this.suppose.wrong(shape.key, name, place.path, true);
          const value = this.check(shape.value, { ...place, at: valueSpot(entry) }, true);
          if (value !== NONE && typeof as === 'string') entries.push([as, value]);
        }
        return Object.fromEntries(entries);
      }
      case 'either':
        return this.either(shape, here);
      case 'anything':
        return plainValue(tree);
    }
  }

  private text(shape: TextShape, tree: ScalarTree, here: Here, what = ''): unknown {
    const kind = scalarKind(tree);
    if (kind !== 'text' && (kind === 'nothing' || !shape.lenient)) return this.wrongKind(shape, here);
    const wrong = (message: string, hint?: string): unknown =>
      this.error(here, `${what}${message}${hidden(shape) ? '' : `, not ${quoted(tree.text)}`}`, hint);
    const { length } = tree.text;
    const longest = shape.maxLength ?? DEFAULT_MAX_LENGTH;
    if (length > longest) return this.error(here, `${what}is too long: ${length} characters, at most ${longest}`);
    if (shape.unavailable && Object.hasOwn(shape.unavailable, tree.text))
      return this.error(here, `${what}${quoted(tree.text)} ${unavailable(shape.unavailable[tree.text] ?? '')}`);
    if (shape.oneOf && !shape.oneOf.includes(tree.text)) {
      const near = nearest(tree.text, shape.oneOf);
      const words = shape.oneOf.length === 1 ? quoted(shape.oneOf[0] ?? '') : `one of ${shape.oneOf.join(', ')}`;
      return wrong(`must be ${words}`, near === undefined ? undefined : `did you mean ${quoted(near)}?`);
    }
    if (shape.pattern && !shape.pattern.test(tree.text))
      return wrong(`must be ${shape.meaning ?? `text like ${String(shape.pattern)}`}`);
    const refused = shape.refuse?.(tree.text);
    if (refused !== undefined)
      return this.error(here, `${what}${hidden(shape) ? refused : refusal(tree.text, refused)}`);
    if (shape.permissions && tree.plain && /^[1-7][0-7]*$/.test(tree.text)) {
      const octal = Number(tree.text).toString(8);
      return this.error(
        here,
        `is the decimal number ${tree.text} without quotes, in octal ${octal}`,
        `put it in quotes: "0${meantInOctal(tree.text, octal) ? octal : tree.text}"`,
      );
    }
    // Permissions with a leading zero are octal to both.
    if (what === '' && !shape.permissions) this.tellYaml11(tree, here, shape);
    return tree.text;
  }

  private tellYaml11(tree: ScalarTree, here: Here, { secret }: TextShape): void {
    const there = inYaml11(tree);
    if (there === undefined) return;
    const text = secret ? 'this text' : tree.text;
    const reading = { true: 'true', false: 'false', octal: 'an octal number', sexagesimal: 'a number of base 60' };
    this.problem(here, {
      severity: 'warning',
      message: `is the text ${secret ? '' : quoted(tree.text)} here and ${there === 'number' ? 'a number' : reading[there]} to cloud-init`,
      hint: secret ? 'put it in quotes' : `put it in quotes: "${text}"`,
    });
  }

  private integer(shape: Extract<Shape, { kind: 'integer' }>, tree: ScalarTree, here: Here): unknown {
    const { min, max } = shape;
    const value = integerOf(tree.text);
    if (inYaml11(tree) === 'octal')
      return this.error(
        here,
        `is ${Number.parseInt(tree.text, 8)} to YAML 1.1 and ${value} to YAML 1.2: ${tree.text}`,
        'write the number without leading zeros',
      );
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    return this.error(here, `must be ${wordsOf(shape)}, not ${tree.text.length > 40 ? 'a longer one' : tree.text}`);
  }

  private boolean(tree: ScalarTree, here: Here): unknown {
    if (scalarKind(tree) === 'boolean') return isTrue(tree.text);
    const there = inYaml11(tree);
    if (there !== 'true' && there !== 'false') return this.wrongKind({ kind: 'boolean' }, here);
    this.problem(here, {
      severity: 'warning',
      message: `${tree.text} counts as ${there}, as it does to cloud-init; YAML 1.2 has no such word`,
      hint: `write ${there}`,
    });
    return there === 'true';
  }

  private list(shape: Extract<Shape, { kind: 'list' }>, tree: ListTree, here: Here): unknown {
    const { maxItems } = shape;
    if (maxItems !== undefined && tree.items.length > maxItems)
      return this.error(here, `has ${tree.items.length} items, at most ${maxItems} are taken`);
    const values = tree.items.map((item, i) =>
      this.check(shape.of, { tree: item, path: [...here.path, i], at: item.at }),
    );
    return values.filter(value => value !== NONE);
  }

  private mapping({ fields }: MappingShape, tree: MappingTree, here: Here): unknown {
    const names = namesOf(fields);
    const given = new Map<string, { readonly as: string; readonly entry: Entry }>();
    const entries: [string, unknown][] = [];
    const unknown: { readonly here: Here; readonly meant: Meant }[] = [];
    const instead: string[] = [];
    for (const [key, entry] of tree.entries) {
      const name = names.get(key);
      const known = name === undefined ? undefined : fields[name];
      const path = [...here.path, key];
      if (name === undefined || known === undefined) {
        const inside = { tree: entry.value, path, at: entry.at };
        unknown.push({ here: inside, meant: this.unknownKey(key, fields, inside) });
        continue;
      }
      if (known.unsupported !== undefined) {
        this.error({ tree: entry.value, path, at: entry.at }, unavailable(known.unsupported));
        instead.push(...(known.insteadOf ?? []));
        continue;
      }
      const twice = given.get(name);
      if (twice) {
        const { line } = placeOf(twice.entry.at);
        this.error(
          { tree: entry.value, path, at: entry.at },
          `is the same as ${quoted(twice.as)} in line ${line}`,
          'keep one of them',
        );
        continue;
      }
      given.set(name, { as: key, entry });
      const value = this.field(known, { tree: entry.value, path, at: valueSpot(entry) });
      if (value !== NONE) entries.push([name, value]);
    }
    for (const [name, { required, summary }] of Object.entries(fields)) {
      // Whoever is told how a key is spelled knows what is missing.
      const isMisspelled = unknown.some(({ meant }) => meant.isNear && meant.names.includes(name));
      if (required && !given.has(name) && !isMisspelled)
        this.error(here, `the key ${quoted(name)} is missing`, summary);
    }
    const { suppose } = this;
    if (suppose) {
      const more = new Map<string, unknown>();
      for (const { here: inside, meant } of unknown) {
        const free = meant.names.filter(name => !given.has(name) && fields[name]?.unsupported === undefined);
        const name = suppose.misspelled(free, here.path);
        const shape = name === undefined ? undefined : fields[name]?.shape;
        if (name !== undefined && shape) more.set(name, this.check(shape, inside));
      }
      for (const [name, { required, shape }] of Object.entries(fields))
        if (instead.includes(name) || (required && !given.has(name) && !more.has(name)))
          more.set(name, suppose.wrong(shape, undefined, [...here.path, name], !required));
      entries.push(...more);
    }
    return Object.fromEntries(entries.filter(([, value]) => value !== NONE));
  }

  private field(known: Field, here: Here): unknown {
    const { tree } = here;
    if (
      tree.kind === 'scalar' &&
      !tree.isUnknown &&
      scalarKind(tree) === 'nothing' &&
      !known.required &&
      known.shape.kind !== 'anything'
    ) {
      this.problem(here, {
        severity: 'warning',
        message: 'has no value and counts as not given',
        hint: 'remove the key, or give it a value',
      });
      return NONE;
    }
    return this.check(known.shape, here, !known.required);
  }

  private unknownKey(key: string, fields: MappingShape['fields'], here: Here): Meant {
    const under = Object.entries(fields).find(
      ([, { shape }]) => shape.kind === 'mapping' && Object.hasOwn(shape.fields, key),
    );
    if (under) {
      this.error(here, `unknown key ${quoted(key)}`, `it belongs under "${under[0]}:"`);
      return { names: [], isNear: false };
    }
    const names = namesOf(fields);
    const known = [...names.keys()];
    // K3s joins lists of several files by such names.
    const whole = key.endsWith('+') && fields[key.slice(0, -1)] ? key.slice(0, -1) : undefined;
    if (whole !== undefined) {
      const hint = `lists of several sources are not joined: write ${quoted(whole)} with all there is`;
      this.error(here, `unknown key ${quoted(key)}`, hint);
      return { names: [whole], isNear: true };
    }
    const near = nearest(key, known);
    if (near !== undefined) {
      this.error(here, `unknown key ${quoted(key)}`, `did you mean ${quoted(near)}?`);
      return { names: [names.get(near) ?? near], isNear: true };
    }
    const isShort = known.length <= 12;
    this.error(here, `unknown key ${quoted(key)}`, isShort ? `the keys here are ${known.join(', ')}` : undefined);
    return { names: isShort ? Object.keys(fields) : [], isNear: false };
  }

  /** The shape that takes the value; where none does, the problems of the first of its kind. */
  private either(shape: EitherShape, here: Here): unknown {
    let told: Problem[] | undefined;
    let nearly: unknown = NONE;
    for (const of of shape.of) {
      if (!fits(of, here.tree)) continue;
      const attempt = new Checker(this.suppose);
      const value = attempt.check(of, here);
      if (!attempt.problems.some(problem => problem.severity === 'error')) {
        for (const problem of attempt.problems) this.add(problem);
        return value;
      }
      // Of a wrong word, all that it may be is told.
      if (of.kind === 'text' && of.oneOf) continue;
      if (told) continue;
      told = attempt.problems;
      nearly = value;
    }
    if (!told) return this.wrongKind(shape, here, nearestWord(shape, here.tree));
    for (const problem of told) this.add(problem);
    return this.suppose ? nearly : NONE;
  }

  private wrongKind(shape: Shape, here: Here, hint?: string): unknown {
    const { tree } = here;
    const secret = isSecret(shape);
    return this.error(
      here,
      `must be ${wordsOf(shape)}, not ${wordsOfTree(tree, secret)}`,
      hint ?? kindHint(shape, tree),
    );
  }

  private error(here: Here, message: string, hint?: string): typeof NONE {
    this.problem(here, { severity: 'error', message, ...(hint === undefined ? {} : { hint }) });
    return NONE;
  }

  private problem(
    { at, path }: Here,
    { severity, message, hint }: Pick<Problem, 'severity' | 'message' | 'hint'>,
  ): void {
    const place = placeOf(at);
    this.add(harmless({ severity, place, path: pathText(path), message, ...(hint === undefined ? {} : { hint }) }));
  }

  private add(problem: Problem): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
    else if (this.problems.length === MAX_PROBLEMS)
      this.problems.push({
        severity: 'error',
        path: '',
        message: `more than ${MAX_PROBLEMS} problems: the rest is not told`,
      });
  }
}

/** Every spelling of every key → the key. */
export function namesOf(fields: MappingShape['fields']): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, { aliases = [] }] of Object.entries(fields)) {
    names.set(name, name);
    for (const alias of aliases) names.set(alias, name);
  }
  return names;
}

/** Whether a value is of the kind a shape is about, be it right or wrong. */
function fits(shape: Shape, tree: Tree): boolean {
  switch (shape.kind) {
    case 'text':
      if (tree.kind !== 'scalar') return false;
      return shape.lenient ? scalarKind(tree) !== 'nothing' : scalarKind(tree) === 'text';
    case 'integer':
      return tree.kind === 'scalar' && scalarKind(tree) === 'integer';
    case 'boolean':
      return (
        tree.kind === 'scalar' &&
        (scalarKind(tree) === 'boolean' || inYaml11(tree) === 'true' || inYaml11(tree) === 'false')
      );
    case 'list':
      return tree.kind === 'list';
    case 'mapping':
    case 'dictionary':
      return tree.kind === 'mapping';
    case 'either':
      return shape.of.some(of => fits(of, tree));
    case 'anything':
      return true;
  }
}
