/**
 * JSON Patch (RFC 6902), as Kubernetes has always applied it: `replace` of a field that is not there sets it, a negative index
 * counts from the end of a list, `test` with `null` is true of what is not there.
 */
import { badRequest, requestEntityTooLarge, StatusError } from '../status.ts';

type Operation = Readonly<Record<string, unknown>>;

const MAX_OPERATIONS = 10_000;
/** Of all that a patch copies, as JSON: each copy may double what the next one copies. Upstream's limit. */
const MAX_COPIED_CHARACTERS = 3 * 1024 * 1024;

/** An operation that cannot be applied. Which one, and why, upstream does not say either. */
const unprocessable = (): StatusError =>
  new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

function operationsOf(patch: unknown): readonly Operation[] {
  if (!Array.isArray(patch)) throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > MAX_OPERATIONS)
    throw requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  return patch.map((operation: unknown) => {
    if (operation !== null && (typeof operation !== 'object' || Array.isArray(operation)))
      throw badRequest(`json: cannot unmarshal ${goTypeOf(operation)} into Go value of type jsonpatch.Operation`);
    return (operation ?? {}) as Operation;
  });
}

/** What Go calls a JSON value of this kind. */
export function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

const textOf = (value: unknown): string => {
  if (typeof value !== 'string') throw unprocessable();
  return value;
};

/** RFC 6901: `/a~1b/0` → `['a/b', '0']`. */
function pointer(text: string): string[] {
  const [, ...parts] = text.split('/');
  return parts.map(part => part.replace(/~1/g, '/').replace(/~0/g, '~'));
}

type Container = Record<string, unknown> | unknown[];

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** The index `key` names among `places`, from the end where it is negative. */
function indexIn(key: string, places: number): number {
  if (!/^[+-]?\d+$/.test(key)) throw unprocessable();
  const index = Number(key) < 0 ? Number(key) + places : Number(key);
  if (index < 0 || index >= places) throw unprocessable();
  return index;
}

/** Undefined: an object without such a field. */
function read(container: Container, key: string): unknown {
  if (Array.isArray(container)) return container[indexIn(key, container.length)];
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

class Document {
  root: unknown;
  #copied = 0;

  constructor(root: unknown) {
    this.root = root;
  }

  /** Where the last part of `path` stands; the whole document stands nowhere. */
  #parent(path: string): readonly [Container, string] {
    const keys = pointer(path);
    const last = keys.pop();
    let at = this.root;
    for (const key of keys) {
      if (!isContainer(at)) throw unprocessable();
      at = read(at, key);
    }
    if (last === undefined || !isContainer(at)) throw unprocessable();
    return [at, last];
  }

  get(path: string): unknown {
    return read(...this.#parent(path));
  }

  add(path: string, value: unknown): void {
    const [parent, key] = this.#parent(path);
    if (!Array.isArray(parent)) define(parent, key, value);
    else if (key === '-') parent.push(value);
    else parent.splice(indexIn(key, parent.length + 1), 0, value);
  }

  remove(path: string): void {
    const [parent, key] = this.#parent(path);
    if (Array.isArray(parent)) parent.splice(indexIn(key, parent.length), 1);
    else if (Object.hasOwn(parent, key)) delete parent[key];
    else throw unprocessable();
  }

  replace(path: string, value: unknown): void {
    if (path === '') {
      if (!isContainer(value)) throw unprocessable();
      this.root = value;
      return;
    }
    const [parent, key] = this.#parent(path);
    if (Array.isArray(parent)) parent[indexIn(key, parent.length)] = value;
    else define(parent, key, value);
  }

  copy(from: string, path: string): void {
    const text = JSON.stringify(this.get(from) ?? null);
    this.#copied += text.length;
    if (this.#copied > MAX_COPIED_CHARACTERS) throw unprocessable();
    this.add(path, JSON.parse(text));
  }

  test(path: string, value: unknown): void {
    const found = path === '' ? this.root : this.get(path);
    if (!equal(found ?? null, value)) throw unprocessable();
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
  const operations = operationsOf(patch);
  const document = new Document(given ? original : structuredClone(original));
  for (const operation of operations) apply(document, operation);
  return document.root;
}

function apply(document: Document, { op, path: at, from, value: given }: Operation): void {
  const path = textOf(at);
  const value = structuredClone(given ?? null);
  if (op === 'add') document.add(path, value);
  else if (op === 'remove') document.remove(path);
  else if (op === 'replace') document.replace(path, value);
  else if (op === 'test') document.test(path, value);
  else if (op === 'copy') document.copy(textOf(from), path);
  else if (op === 'move') {
    const moved = document.get(textOf(from));
    document.remove(textOf(from));
    document.add(path, moved);
  } else throw unprocessable();
}
