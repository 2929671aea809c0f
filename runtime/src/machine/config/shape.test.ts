import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  boolean,
  dictionary,
  either,
  field,
  type Infer,
  integer,
  list,
  mapping,
  oneOf,
  text,
  unsupported,
} from './shape.ts';

const shape = mapping({
  name: field(text(), 'a name', { required: true }),
  level: field(oneOf('low', 'high'), 'a level'),
  ports: field(list(integer(1, 65_535)), 'ports'),
  on: field(either(boolean(), list(text())), 'a switch, or what it is for'),
  labels: field(dictionary({ kind: 'text' }, text()), 'labels'),
  old: unsupported('an old key', 'it went away'),
});

type Value = Infer<typeof shape>;
/** The words of a type, said by the compiler: a wrong one does not compile. */
type IsRequired<K extends keyof Value> = undefined extends Value[K] ? false : true;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

it('gives checked values their types', () => {
  const value: Value = { name: 'a', level: 'low', ports: [1], on: ['x'], labels: { a: 'b' } };
  const required: [name: IsRequired<'name'>, level: IsRequired<'level'>] = [true, false];
  const words: Same<NonNullable<Value['level']>, 'low' | 'high'> = true;
  assert.deepEqual([value.ports?.[0], ...required, words], [1, true, false, true]);
});
