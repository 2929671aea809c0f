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

it('gives checked values their types', () => {
  const value: Infer<typeof shape> = { name: 'a', level: 'low', ports: [1], on: ['x'], labels: { a: 'b' } };
  // @ts-expect-error: name is required
  const without: Infer<typeof shape> = { level: 'low' };
  // @ts-expect-error: no such word
  const wrong: Infer<typeof shape> = { name: 'a', level: 'middle' };
  assert.deepEqual([value.ports?.[0], without.level, wrong.name], [1, 'low', 'a']);
});
