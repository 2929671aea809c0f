/** Reads an audit policy file: YAML or JSON, every mistake named with its line. */
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type GroupResources, levels, type Policy, type PolicyRule, stages } from './policy.ts';

/** Its message is for whoever wrote the file: `FILE:LINE: what is wrong`, one line a mistake. */
export class AuditPolicyError extends Error {
  override readonly name = 'AuditPolicyError';
  readonly hint = 'The policy is that of https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy';
}

/** @param path for messages only. @throws AuditPolicyError */
export function parsePolicy(text: string, path: string): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const reader = new Reader(document, lines, path);
  for (const { pos, message } of document.errors) reader.wrong(pos[0], message.split('\n')[0] ?? message);
  reader.throwIfWrong();
  const policy = reader.policy();
  reader.throwIfWrong();
  return policy;
}

class Reader {
  readonly #errors: { readonly line: number; readonly what: string }[] = [];

  constructor(
    private readonly document: Document,
    private readonly lines: LineCounter,
    private readonly path: string,
  ) {}

  wrong(at: number | Node | null | undefined, what: string): void {
    const offset = typeof at === 'number' ? at : (at?.range?.[0] ?? 0);
    this.#errors.push({ line: this.lines.linePos(offset).line || 1, what });
  }

  throwIfWrong(): void {
    if (this.#errors.length === 0) return;
    const inOrder = this.#errors.sort((a, b) => a.line - b.line);
    throw new AuditPolicyError(inOrder.map(({ line, what }) => `${this.path}:${line}: ${what}`).join('\n'));
  }

  policy(): Policy {
    const top = this.document.contents as Node | null;
    const fields = this.#map(top, ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields']);
    this.#mustBe(fields, top, 'apiVersion', 'audit.k8s.io/v1');
    this.#mustBe(fields, top, 'kind', 'Policy');
    const rules = this.#items(fields.get('rules'), 'rules').map(rule => this.#rule(rule));
    if (rules.length === 0) this.wrong(fields.get('rules') ?? top, 'rules: a policy needs at least one rule');
    return {
      rules,
      omitStages: this.#oneOf(fields.get('omitStages'), 'omitStages', stages),
      omitManagedFields: this.#flag(fields.get('omitManagedFields'), 'omitManagedFields') ?? false,
    };
  }

  #rule(node: Node): PolicyRule {
    const fields = this.#map(node, [
      'level',
      'users',
      'userGroups',
      'verbs',
      'resources',
      'namespaces',
      'nonResourceURLs',
      'omitStages',
      'omitManagedFields',
    ]);
    const level = fields.get('level');
    const found = levels.find(known => known === textOf(level));
    if (!found) this.wrong(level ?? node, `level: ${shown(level)}: must be one of ${levels.join(', ')}`);
    const nonResourceURLs = this.#texts(fields.get('nonResourceURLs'), 'nonResourceURLs');
    const namespaces = this.#texts(fields.get('namespaces'), 'namespaces');
    const resources = this.#items(fields.get('resources'), 'resources').map(item => this.#resources(item));
    if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0)) {
      this.wrong(fields.get('nonResourceURLs'), 'rules cannot apply to both regular resources and non-resource URLs');
    }
    for (const url of nonResourceURLs) {
      if (url === '*') continue;
      if (!url.startsWith('/')) this.wrong(fields.get('nonResourceURLs'), `${url}: must begin with a '/'`);
      if (url.slice(0, -1).includes('*')) {
        this.wrong(fields.get('nonResourceURLs'), `${url}: a '*' may only stand at the end`);
      }
    }
    const omitManagedFields = this.#flag(fields.get('omitManagedFields'), 'omitManagedFields');
    return {
      level: found ?? 'None',
      users: this.#texts(fields.get('users'), 'users'),
      userGroups: this.#texts(fields.get('userGroups'), 'userGroups'),
      verbs: this.#texts(fields.get('verbs'), 'verbs'),
      resources,
      namespaces,
      nonResourceURLs,
      omitStages: this.#oneOf(fields.get('omitStages'), 'omitStages', stages),
      ...(omitManagedFields === undefined ? {} : { omitManagedFields }),
    };
  }

  #resources(node: Node): GroupResources {
    const fields = this.#map(node, ['group', 'resources', 'resourceNames']);
    const group = textOf(fields.get('group')) ?? '';
    if (group.includes('/')) {
      this.wrong(fields.get('group'), `group: ${group}: is a group without its version: ${group.split('/')[0]}`);
    }
    const resources = this.#texts(fields.get('resources'), 'resources');
    const resourceNames = this.#texts(fields.get('resourceNames'), 'resourceNames');
    if (resourceNames.length > 0 && resources.length === 0) {
      this.wrong(fields.get('resourceNames'), 'using resourceNames requires at least one resource');
    }
    return { group, resources, resourceNames };
  }

  #map(node: Node | null | undefined, known: readonly string[]): Map<string, Node> {
    const fields = new Map<string, Node>();
    if (!isMap(node)) {
      this.wrong(node, `must be an object with the fields ${known.join(', ')}`);
      return fields;
    }
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue;
      const name = String(pair.key.value);
      if (!known.includes(name)) this.wrong(pair.key, `unknown field ${name}; there are ${known.join(', ')}`);
      else if (pair.value !== null) fields.set(name, pair.value as Node);
    }
    return fields;
  }

  #items(node: Node | undefined, name: string): Node[] {
    if (node === undefined || (isScalar(node) && node.value === null)) return [];
    if (isSeq(node)) return node.items as Node[];
    this.wrong(node, `${name}: must be a list`);
    return [];
  }

  #texts(node: Node | undefined, name: string): string[] {
    return this.#items(node, name).flatMap(item => {
      const text = textOf(item);
      if (text === undefined) this.wrong(item, `${name}: ${shown(item)} is no text`);
      return text === undefined ? [] : [text];
    });
  }

  #oneOf<T extends string>(node: Node | undefined, name: string, known: readonly T[]): T[] {
    return this.#items(node, name).flatMap(item => {
      const found = known.find(value => value === textOf(item));
      if (!found) this.wrong(item, `${name}: ${shown(item)}: must be one of ${known.join(', ')}`);
      return found ? [found] : [];
    });
  }

  #flag(node: Node | undefined, name: string): boolean | undefined {
    if (node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    this.wrong(node, `${name}: must be true or false`);
    return undefined;
  }

  #mustBe(fields: ReadonlyMap<string, Node>, top: Node | null, name: string, value: string): void {
    const node = fields.get(name);
    if (textOf(node) !== value) this.wrong(node ?? top, `${name}: ${shown(node)}: must be ${value}`);
  }
}

const textOf = (node: Node | undefined): string | undefined =>
  isScalar(node) && typeof node.value === 'string' ? node.value : undefined;

const shown = (node: Node | undefined): string => (node === undefined ? 'it is missing' : JSON.stringify(node));
