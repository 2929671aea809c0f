import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiServerArgumentNames } from '../apiserver/arguments.ts';
import { atollShape } from '../machine/config/sections/atoll.ts';
import { alwaysSo } from '../machine/config/sections/atollRules.ts';
import type { MappingShape } from '../machine/config/shape.ts';
import { agentOptions } from './agentOptions.ts';
import { passedOn } from './serverAccessOptions.ts';
import { serverOptions } from './serverOptions.ts';

describe('the section and the daemons know the same options', () => {
  const dir = { name: 'data-dir', value: 'DIR', summary: '' };
  const run = { name: 'run-dir', value: 'DIR', summary: '' };
  const known = new Set([...serverOptions(dir, run), ...agentOptions(dir, run)].map(option => option.name));
  const { fields } = atollShape as unknown as MappingShape;

  it('what the section takes, a daemon takes', () => {
    const own = new Set<string>([
      'role',
      'registries',
      'manifests',
      'images',
      'upgrade',
      'disable-agent',
      ...alwaysSo.map(([n]) => n),
    ]);
    const unknown = Object.entries(fields)
      .filter(([name, { unsupported }]) => unsupported === undefined && !own.has(name) && !known.has(name))
      .map(([name]) => name);
    assert.deepEqual(unknown, []);
  });
  it('what a daemon takes, the section knows', () => {
    // Of the image, or under kube-apiserver-arg.
    const inside = [
      'run-dir',
      'images-dir',
      'registry-hosts-dir',
      'cni-conf-dir',
      'cgroup-driver',
      'manifests-dir',
      'preload-image',
    ];
    const missing = [...known].filter(
      name => fields[name] === undefined && !inside.includes(name) && !apiServerArgumentNames.includes(name),
    );
    assert.deepEqual(missing, []);
  });
  it('what kube-apiserver-arg passes on is the same', () => {
    assert.deepEqual([...apiServerArgumentNames].sort(), [...(passedOn.passesOn ?? [])].sort());
  });
  it('every reason is a sentence', () => {
    for (const [name, { unsupported }] of Object.entries(fields))
      if (unsupported !== undefined) assert.match(unsupported, /^[a-z].{12,}$/i, name);
  });
});
