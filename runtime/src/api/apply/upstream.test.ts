/** structured-merge-diff's own test cases, read out of its Go sources (Debian's package) and run against ours. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { debianGoSource } from '../../../test/debianSource.ts';
import { compareTyped } from './compare.ts';
import { goJson } from './elements.ts';
import { equalValues } from './equal.ts';
import {
  equalSets,
  type FieldSet,
  fieldPath,
  leaves,
  pathsOf,
  pathText,
  recursiveDifference,
  setOf,
} from './fieldSet.ts';
import { parseFieldsV1 } from './fieldsV1.ts';
import { mergeTyped } from './merge.ts';
import { ownedFields } from './ownedFields.ts';
import { reconcileSet } from './reconcile.ts';
import { extractFields, extractOnly, removeFields } from './remove.ts';
import { type Go, type GoComposite, goLiteral, goTexts, isComposite } from './testing/goLiterals.ts';
import { smdViews } from './testing/smdSchema.ts';
import { deducedView, type TypeView } from './types.ts';
import { ConflictError, type Converter, type Filter, type Managers, Updater, type Versioned } from './updater.ts';
import { validateTyped } from './validate.ts';

const PACKAGE = 'golang-k8s-sigs-structured-merge-diff-dev';
let root = '';
const sources = new Map<string, string>();

before(async () => {
  root = join(await debianGoSource(PACKAGE), 'sigs.k8s.io/structured-merge-diff');
  for (const folder of ['merge', 'typed', 'fieldpath'])
    for (const file of await readdir(join(root, folder)))
      if (file.endsWith('_test.go')) sources.set(`${folder}/${file}`, await readFile(join(root, folder, file), 'utf8'));
});

const source = (file: string): string => sources.get(file) ?? assert.fail(`${PACKAGE} has no ${file}`);

/** The tables of the typed package take schemas from variables and functions of their files. */
function variables(): Map<string, Go> {
  const all = new Map<string, Go>();
  for (const text of sources.values()) for (const [name, value] of goTexts(text)) all.set(name, value);
  return all;
}

const composite = (value: Go | undefined): GoComposite =>
  isComposite(value) ? value : assert.fail(`not a composite literal: ${JSON.stringify(value)}`);
const text = (value: Go | undefined): string => (typeof value === 'string' ? value : '');

/** Upstream indents its YAML with the tabs of the Go around it. */
function yaml(value: Go | undefined): unknown {
  const lines = text(value).split('\n');
  if (lines[0] === '' && lines.length > 1) lines.shift();
  const tabs = /^\t*/.exec(lines[0] ?? '')?.[0].length ?? 0;
  const plain = lines.map(line => (line.trim() === '' ? '' : line.slice(tabs))).join('\n');
  // Some of upstream's objects have a brace too many, which Go's parser does not mind.
  const extra = plain.split('}').length - plain.split('{').length;
  return parse(extra > 0 ? plain.slice(0, -extra) : plain, { version: '1.1' }) ?? null;
}

function elementsOf(args: readonly Go[]): string[] {
  return args.map(arg => {
    if (typeof arg === 'string') return `f:${arg}`;
    if (typeof arg === 'number') return `i:${arg}`;
    assert.ok(typeof arg === 'object' && arg !== null && 'call' in arg, `no path element: ${JSON.stringify(arg)}`);
    if (arg.call === '_V') return `v:${goJson(arg.args[0])}`;
    const key: Record<string, unknown> = {};
    for (let at = 0; at < arg.args.length; at += 2) key[String(arg.args[at])] = arg.args[at + 1];
    return `k:${goJson(Object.fromEntries(Object.entries(key).sort()))}`;
  });
}

const pathOf = (value: Go): string[] => {
  assert.ok(typeof value === 'object' && value !== null && 'call' in value);
  return elementsOf(value.args);
};

function goSet(value: Go | undefined): FieldSet {
  assert.ok(typeof value === 'object' && value !== null && 'call' in value, `no set: ${JSON.stringify(value)}`);
  return setOf(...value.args.map(pathOf));
}

const shown = (set: FieldSet): string[] => pathsOf(set).map(pathText);
function sameSet(actual: FieldSet, expected: FieldSet, message: string): void {
  if (!equalSets(actual, expected)) assert.deepEqual(shown(actual), shown(expected), message);
  // What is written can be read.
  assert.ok(equalSets(parseFieldsV1(JSON.parse(JSON.stringify(actual))), actual), message);
}

function sameValue(actual: unknown, expected: unknown, message: string): void {
  if (!equalValues(actual, expected)) assert.deepEqual(actual, expected, message);
}

interface Table {
  readonly name: string;
  readonly view: TypeView;
  readonly table: GoComposite;
}

function tablesOf(file: string, name: string): Table[] {
  const literal = composite(goLiteral(source(file), `var ${name} = `, variables()));
  return literal.items.map(item => {
    const table = composite(item);
    const rootType = text(table.fields.get('rootTypeName'));
    const view = smdViews(text(table.fields.get('schema')))(rootType) ?? assert.fail(`no type ${rootType}`);
    return { name: text(table.fields.get('name')), view, table };
  });
}

const rows = (table: GoComposite, field: string): GoComposite[] =>
  table.fields.has(field) ? composite(table.fields.get(field)).items.map(composite) : [];

describe('typed values', () => {
  test('fields a value sets', () => {
    let count = 0;
    for (const { name, view, table } of tablesOf('typed/toset_test.go', 'fieldsetCases')) {
      for (const { items } of rows(table, 'pairs')) {
        const value = yaml(items[0]);
        validateTyped(view, value, true);
        sameSet(ownedFields(view, value), goSet(items[1]), `${name}: ${text(items[0])}`);
        count++;
      }
    }
    assert.ok(count >= 29, `${count}`);
  });

  test('differences', () => {
    let count = 0;
    for (const { name, view, table } of tablesOf('typed/symdiff_test.go', 'symdiffCases')) {
      for (const { fields } of rows(table, 'quints')) {
        const lhs = yaml(fields.get('lhs'));
        const rhs = yaml(fields.get('rhs'));
        const message = `${name}: ${text(fields.get('lhs'))} → ${text(fields.get('rhs'))}`;
        const removed = goSet(fields.get('removed'));
        const modified = goSet(fields.get('modified'));
        const added = goSet(fields.get('added'));
        const there = compareTyped(view, lhs, rhs);
        sameSet(there.removed, removed, `${message}: removed`);
        sameSet(there.changed, setOf(...pathsOf(modified), ...pathsOf(added)), `${message}: changed`);
        const back = compareTyped(view, rhs, lhs);
        sameSet(back.removed, added, `${message}, back: removed`);
        sameSet(back.changed, setOf(...pathsOf(modified), ...pathsOf(removed)), `${message}, back: changed`);
        count++;
      }
    }
    assert.ok(count >= 84, `${count}`);
  });

  test('merges', () => {
    let count = 0;
    for (const { name, view, table } of tablesOf('typed/merge_test.go', 'mergeCases')) {
      for (const { items } of rows(table, 'triplets')) {
        const [lhs, rhs, out] = [yaml(items[0]), yaml(items[1]), yaml(items[2])];
        sameValue(mergeTyped(view, lhs, rhs), out, `${name}: ${text(items[0])} + ${text(items[1])}`);
        count++;
      }
    }
    assert.ok(count > 60, `${count}`);
  });

  test('what is not of its type', () => {
    let count = 0;
    for (const { name, view, table } of tablesOf('typed/validate_test.go', 'validationCases')) {
      const each = (field: string, check: (value: unknown, message: string) => void): void => {
        if (!table.fields.has(field)) return;
        for (const item of composite(table.fields.get(field)).items) {
          check(yaml(item), `${name}: ${field}: ${text(item)}`);
          count++;
        }
      };
      each('validObjects', (value, message) => assert.doesNotThrow(() => validateTyped(view, value, false), message));
      each('invalidObjects', (value, message) => assert.throws(() => validateTyped(view, value, true), message));
      each('duplicatesObjects', (value, message) => {
        assert.throws(() => validateTyped(view, value, false), message);
        assert.doesNotThrow(() => validateTyped(view, value, true), message);
      });
    }
    assert.ok(count >= 80, `${count}`);
  });

  test('removing and extracting', () => {
    let count = 0;
    for (const { name, view, table } of tablesOf('typed/remove_test.go', 'removeCases')) {
      for (const { items } of rows(table, 'quadruplets')) {
        const value = yaml(items[0]);
        const set = goSet(items[1]);
        const message = `${name}: ${text(items[0])} by ${shown(set).join(' ')}`;
        if (text(items[2]) !== 'unparseable')
          sameValue(removeFields(view, value, set), yaml(items[2]), `${message}: removed`);
        if (text(items[3]) !== 'unparseable')
          sameValue(extractOnly(view, value, set), yaml(items[3]), `${message}: extracted`);
        count++;
      }
    }
    for (const { name, view, table } of tablesOf('typed/remove_test.go', 'reversibleExtractCases')) {
      for (const { items } of rows(table, 'pairs')) {
        const part = yaml(items[1]);
        const merged = mergeTyped(view, yaml(items[0]), part);
        sameValue(extractOnly(view, merged, leaves(ownedFields(view, part))), part, `${name}: ${text(items[1])}`);
        count++;
      }
    }
    for (const { name, view, table } of tablesOf('typed/remove_test.go', 'extractWithKeysCases')) {
      for (const { fields } of rows(table, 'triplets')) {
        const wanted = fields.get('wantOutput');
        if (typeof wanted !== 'string') continue;
        const set = goSet(fields.get('set'));
        sameValue(
          extractFields(view, yaml(fields.get('object')), set),
          yaml(wanted),
          `${name}: ${shown(set).join(' ')}`,
        );
        count++;
      }
    }
    assert.ok(count >= 75, `${count}`);
  });

  test('types that have become atomic', () => {
    const file = source('typed/reconcile_schema_test.go');
    const schemaOf = (call: Go | undefined): string => {
      assert.ok(typeof call === 'object' && call !== null && 'call' in call);
      const body = /Sprintf\(`([^`]*)`/.exec(file.slice(file.indexOf(`func ${call.call}(`)))?.[1] ?? '';
      return body.replace('%s', String(call.args[0]));
    };
    const cases = composite(goLiteral(file, 'var reconcileCases = ')).items.map(composite);
    assert.ok(cases.length >= 5, `${cases.length}`);
    for (const { fields } of cases) {
      const view = smdViews(schemaOf(fields.get('newSchema')))(text(fields.get('rootTypeName'))) ?? assert.fail();
      const old = goSet(fields.get('oldFields'));
      const fixed = fields.get('fixedFields');
      const name = text(fields.get('name'));
      sameSet(reconcileSet(old, view), fixed === undefined || fixed === null ? old : goSet(fixed), name);
    }
  });
});

/** How a test case's objects are typed, and converted between versions. */
interface Parser {
  viewOf(apiVersion: string): TypeView;
}

function parserOf(name: string): Parser {
  if (name === 'DeducedParser') return { viewOf: () => deducedView };
  for (const file of sources.values()) {
    const start = new RegExp(`(var )?\\b${name} :?= func\\(\\)`).exec(file);
    if (!start) continue;
    const block = file.slice(start.index, file.indexOf('}()', start.index));
    const views = smdViews(/NewParser\((?:typed\.YAMLObject\()?`([^`]*)`/.exec(block)?.[1] ?? assert.fail(name));
    const same = /parser\.Type\("(\w+)"\)/.exec(block)?.[1];
    return { viewOf: apiVersion => views(same ?? apiVersion) ?? assert.fail(`${name} has no ${same ?? apiVersion}`) };
  }
  return assert.fail(`no parser ${name}`);
}

type Convert = (value: unknown, from: string, to: string) => unknown;

/** Fields named after their version. */
const renaming: Convert = (value, from, to) => {
  if (Array.isArray(value)) return value.map(item => renaming(item, from, to));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.endsWith(from) ? name.slice(0, -from.length) + to : name,
      renaming(inner, from, to),
    ]),
  );
};

/** Names below the root repeat their letter as often as the version says; where two become one, the last in order wins. */
const repeating: Convert = (value, _from, to) => {
  const inner = (below: unknown): unknown =>
    typeof below === 'object' && below !== null && Object.keys(below).length > 0
      ? Object.fromEntries(
          Object.entries(below)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, deeper]) => [(name[0] ?? '').repeat(Number(to.slice(1))), inner(deeper)]),
        )
      : null;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, below]) => [name, inner(below)]));
};

function filterOf(testCase: GoComposite): Filter | undefined {
  const filters = testCase.fields.get('IgnoreFilter') ?? testCase.fields.get('IgnoredFields');
  if (!isComposite(filters)) return undefined;
  const sets = new Map<string, FieldSet>();
  for (const [version, filter] of filters.fields) {
    const isSet = typeof filter === 'object' && filter !== null && 'call' in filter && filter.call === '_NS';
    const inner = isSet ? filter : (filter as { readonly args: readonly Go[] }).args[0];
    sets.set(version, goSet(inner));
  }
  return (set, apiVersion) => recursiveDifference(set, sets.get(apiVersion) ?? {});
}

class State {
  live: Versioned | undefined;
  managers: Managers = new Map();
  parser: Parser;
  readonly #convert: Convert;
  readonly #converter: Converter;
  readonly #updater: Updater;

  constructor(parser: Parser, convert: Convert, filter: Filter | undefined) {
    this.parser = parser;
    this.#convert = convert;
    this.#converter = {
      viewOf: apiVersion => this.parser.viewOf(apiVersion),
      convert: (value, from, to) => (from === to ? value : this.#convert(value, from, to)),
    };
    this.#updater = new Updater(this.#converter, filter);
  }

  in(apiVersion: string): Versioned {
    if (!this.live) return { apiVersion, value: null };
    return { apiVersion, value: this.#converter.convert(this.live.value, this.live.apiVersion, apiVersion) };
  }

  apply(config: Versioned, manager: string, force: boolean): void {
    const applied = this.#updater.apply(this.in(config.apiVersion), config, this.managers, manager, force);
    this.managers = applied.managers;
    this.live = applied.object === undefined ? this.in(config.apiVersion) : { ...config, value: applied.object };
  }

  run(operation: GoComposite): void {
    const { type, fields } = operation;
    if (type === 'ChangeParser') {
      this.parser = parserOf((fields.get('Parser') as { readonly name: string }).name);
      return;
    }
    const apiVersion = text(fields.get('APIVersion'));
    const manager = text(fields.get('Manager'));
    const value = yaml(fields.get('Object'));
    const view = this.parser.viewOf(apiVersion);
    validateTyped(view, value, type === 'Update');
    const config = { apiVersion, value };
    switch (type) {
      case 'Update':
        this.managers = this.#updater.update(this.in(apiVersion), config, this.managers, manager);
        this.live = config;
        return;
      case 'ForceApply':
        this.apply(config, manager, true);
        return;
      case 'ExtractApply': {
        const owned = this.managers.get(manager);
        if (owned && owned.apiVersion !== apiVersion) throw new Error('another version');
        const extracted = this.live && extractOnly(view, this.in(apiVersion).value, leaves(owned?.fields ?? {}));
        this.apply(this.live ? { apiVersion, value: mergeTyped(view, extracted, value) } : config, manager, true);
        return;
      }
      case 'Apply': {
        const expected = isComposite(fields.get('Conflicts'))
          ? composite(fields.get('Conflicts')).items.map(item => {
              const conflict = composite(item).fields;
              return `${text(conflict.get('Manager'))} ${pathText(pathOf(conflict.get('Path') ?? null))}`;
            })
          : [];
        let found: string[] = [];
        try {
          this.apply(config, manager, false);
        } catch (error) {
          if (!(error instanceof ConflictError) || expected.length === 0) throw error;
          found = error.conflicts.map(c => `${c.manager} ${pathText(c.path)}`);
        }
        assert.deepEqual(found.sort(), expected.sort());
        return;
      }
      default:
        assert.fail(`no operation ${type}`);
    }
  }
}

function runCase(testCase: GoComposite, parser: Parser, convert: Convert): void {
  const state = new State(parser, convert, filterOf(testCase));
  for (const operation of composite(testCase.fields.get('Ops')).items) state.run(composite(operation));
  const object = testCase.fields.get('Object');
  if (text(object) !== '') sameValue(state.in(text(testCase.fields.get('APIVersion'))).value, yaml(object), 'object');
  const managed = testCase.fields.get('Managed');
  if (!isComposite(managed)) return;
  assert.deepEqual([...state.managers.keys()].sort(), [...managed.fields.keys()].sort(), 'managers');
  for (const [manager, versioned] of managed.fields) {
    assert.ok(typeof versioned === 'object' && versioned !== null && 'call' in versioned);
    const owned = state.managers.get(manager);
    assert.equal(owned?.apiVersion, versioned.args[1], manager);
    sameSet(owned?.fields ?? {}, goSet(versioned.args[0]), manager);
  }
}

/** Each `func TestX` of the merge package with its table, its parser and its converter. */
interface MergeTable {
  readonly title: string;
  readonly body: string;
  readonly versions: readonly (readonly string[])[];
}

describe('the updater', () => {
  test('every table of the merge package', async t => {
    const tables: MergeTable[] = [];
    const all = ['v1', 'v2', 'v3'];
    const combinations = all.flatMap(a => all.flatMap(b => all.map(c => [a, b, c])));
    for (const [file, content] of sources) {
      if (!file.startsWith('merge/')) continue;
      for (const body of content.split(/^func /m).slice(1)) {
        if (!body.includes('tests := map[string]TestCase{') || body.startsWith('Benchmark')) continue;
        const title = `${file} ${body.slice(0, body.indexOf('('))}`;
        tables.push({ title, body, versions: /v1, v2, v3 fieldpath/.test(body) ? combinations : [['v1', 'v2', 'v3']] });
      }
    }
    let count = 0;
    const failures: string[] = [];
    for (const { title, body, versions } of tables) {
      const run = /test\.Test(?:WithConverter)?\((\w+)(?:, (\w+))?/.exec(body);
      if (!run || /Reliant/.test(title)) continue;
      const converter = run[2] === undefined ? (value: unknown) => value : /renaming/.test(body) ? renaming : repeating;
      const parser = parserOf(run[1] ?? '');
      for (const combination of versions) {
        const names = new Map(combination.map((version, at) => [`v${at + 1}`, version] as [string, Go]));
        for (const [name, testCase] of composite(goLiteral(body, 'tests := ', names)).fields) {
          count++;
          const fails = title.includes('Errors');
          try {
            runCase(composite(testCase), parser, converter);
            if (fails) failures.push(`${title} ${name}: should fail`);
          } catch (error) {
            if (!fails)
              failures.push(`${title} ${name} ${combination}: ${error instanceof Error ? error.message : error}`);
          }
        }
      }
    }
    t.diagnostic(`${count} cases`);
    assert.equal(failures.length, 0, failures.join('\n\n'));
    assert.ok(count >= 300, `${count}`);
  });

  test('versions that are gone take their managers with them', () => {
    const known = new Set(['v1', 'v2']);
    const convert = (value: unknown): unknown => value;
    const converter: Converter = { viewOf: v => (known.has(v) ? deducedView : undefined), convert };
    const updater = new Updater(converter);
    const step = (live: unknown, apiVersion: string, value: unknown, managers: Managers): Managers =>
      updater.update({ apiVersion, value: live }, { apiVersion, value }, managers, apiVersion);
    let managers = step(null, 'v1', { v1: 0 }, new Map());
    managers = step({ v1: 0 }, 'v2', { v1: 0, v2: 0 }, managers);
    assert.deepEqual([...managers.keys()], ['v1', 'v2']);
    known.delete('v1');
    managers = step({ v1: 0, v2: 0 }, 'v2', { v1: 0, v2: 1 }, managers);
    assert.deepEqual([...managers.keys()], ['v2']);
  });
});

test('paths are written as people read them', () => {
  assert.equal(pathText(fieldPath('spec', 'replicas')), '.spec.replicas');
  assert.equal(
    pathText(['f:ports', 'k:{"containerPort":80,"protocol":"TCP"}', 'f:name']),
    '.ports[containerPort=80,protocol="TCP"].name',
  );
  assert.equal(pathText(['f:finalizers', 'v:"a/b"']), '.finalizers[="a/b"]');
});
