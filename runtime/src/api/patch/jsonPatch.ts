/** JSON Patch (RFC 6902). */
import { badRequest, requestEntityTooLarge, StatusError } from '../status.ts';

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

const MAX_OPERATIONS = 10_000;
const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

/** An operation that cannot be applied: upstream's 422, with the reason as its cause. */
function unprocessable(reason: string): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ message: reason }],
  });
}

function parseOperations(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > MAX_OPERATIONS)
    throw requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  return patch.map((operation: unknown, i) => {
    const { op, path, from } = (operation ?? {}) as Partial<Record<keyof Operation, unknown>>;
    if (typeof op !== 'string' || !OPERATIONS.has(op) || typeof path !== 'string')
      throw badRequest(
        `operation ${i} of the JSON patch needs an "op" of add, remove, replace, move, copy or test and a "path"`,
      );
    if ((op === 'move' || op === 'copy') && typeof from !== 'string')
      throw badRequest(`operation ${i} of the JSON patch (${op}) needs a "from"`);
    return operation as Operation;
  });
}

/** RFC 6901: `/a~1b/0` → `['a/b', '0']`. */
function pointer(text: string): string[] {
  if (text === '') return [];
  if (!text.startsWith('/')) throw unprocessable(`the path ${JSON.stringify(text)} does not begin with "/"`);
  return text
    .slice(1)
    .split('/')
    .map(part => part.replace(/~1/g, '/').replace(/~0/g, '~'));
}

type Container = Record<string, unknown> | unknown[];

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** The index `key` names in a list; `length` itself only where something is inserted. */
function indexIn(list: readonly unknown[], key: string, path: string, inserting: boolean): number {
  if (inserting && key === '-') return list.length;
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Number.NaN;
  if (Number.isNaN(index) || index > list.length - (inserting ? 0 : 1))
    throw unprocessable(
      `the path ${JSON.stringify(path)} has no element ${JSON.stringify(key)} in a list of ${list.length}`,
    );
  return index;
}

function read(container: unknown, key: string, path: string): unknown {
  if (Array.isArray(container)) return container[indexIn(container, key, path, false)];
  if (!isContainer(container) || !Object.hasOwn(container, key))
    throw unprocessable(`the path ${JSON.stringify(path)} does not exist: no ${JSON.stringify(key)}`);
  return (container as Record<string, unknown>)[key];
}

class Document {
  root: unknown;

  constructor(root: unknown) {
    this.root = root;
  }

  #parent(path: string): readonly [Container, string] {
    const keys = pointer(path);
    const last = keys.pop() ?? '';
    let at = this.root;
    for (const key of keys) at = read(at, key, path);
    if (!isContainer(at))
      throw unprocessable(`the path ${JSON.stringify(path)} leads into a value that is no object or list`);
    return [at, last];
  }

  get(path: string): unknown {
    return pointer(path).reduce((at, key) => read(at, key, path), this.root);
  }

  add(path: string, value: unknown): void {
    if (path === '') {
      this.root = value;
      return;
    }
    const [parent, key] = this.#parent(path);
    if (Array.isArray(parent)) parent.splice(indexIn(parent, key, path, true), 0, value);
    else define(parent, key, value);
  }

  remove(path: string): void {
    const [parent, key] = this.#parent(path);
    read(parent, key, path);
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  }

  replace(path: string, value: unknown): void {
    if (path === '') {
      this.root = value;
      return;
    }
    const [parent, key] = this.#parent(path);
    read(parent, key, path);
    if (Array.isArray(parent)) parent[Number(key)] = value;
    else define(parent, key, value);
  }
}

/** `__proto__` is a name like any other in JSON. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

/** RFC 6902 §4.6: numbers by value, objects without order. */
function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length && keys.every(k => Object.hasOwn(right, k) && equal(left[k], right[k]))
  );
}

/**
 * A new value; `patch` stays as it is, and so does `original` unless it is `given` away. Throws a 400 for what is no patch, a 422
 * for one that does not fit.
 */
export function jsonPatch(original: unknown, patch: unknown, given = false): unknown {
  const document = new Document(given ? original : structuredClone(original));
  for (const operation of parseOperations(patch)) {
    const { op, path, from = '', value } = operation;
    if (op === 'add') document.add(path, structuredClone(value));
    else if (op === 'remove') document.remove(path);
    else if (op === 'replace') document.replace(path, structuredClone(value));
    else if (op === 'copy') document.add(path, structuredClone(document.get(from)));
    else if (op === 'move') {
      if (path.startsWith(`${from}/`)) throw unprocessable(`cannot move ${JSON.stringify(from)} into itself`);
      const moved = document.get(from);
      document.remove(from);
      document.add(path, moved);
    } else if (!equal(document.get(path), value ?? null))
      throw unprocessable(`testing value ${path} failed: the value is another`);
  }
  return document.root;
}
