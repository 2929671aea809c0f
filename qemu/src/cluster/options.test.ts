import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { BuildError } from '../../../builder/src/errors.ts';
import { nameOf, parseRun, parseStop } from './options.ts';

const run = (...argv: string[]) => parseRun(argv, 'vm-x86_64');

describe('the words of run', () => {
  it('none: one node of the default image', () => {
    const { out, ...rest } = run();
    assert.equal(out, resolve(import.meta.dirname, '../../../out'));
    assert.deepEqual(rest, {
      image: 'vm-x86_64',
      name: 'vm-x86_64',
      ports: [],
      memoryMiB: 1024,
      cpus: 2,
      diskGiB: undefined,
      nodes: 1,
      timeoutMs: 900_000,
      detach: false,
      console: false,
    });
  });

  it('all of them', () => {
    const words =
      'pc.raw.zst -p 8080:30080 --port 22 --memory 512 --cpus 1 --disk 16 --nodes 3 --user-data u --kubeconfig k';
    const more = '--snapshot ci --timeout 60 --name x --console --run kubectl get nodes -p 1';
    const options = run(...`${words} ${more}`.split(' '));
    assert.deepEqual(options.ports, [
      { host: 8080, guest: 30_080 },
      { host: undefined, guest: 22 },
    ]);
    assert.deepEqual(options.command, ['kubectl', 'get', 'nodes', '-p', '1'], 'what follows --run is the command’s');
    const { image, name, memoryMiB, cpus, diskGiB, nodes, userData, kubeconfig, snapshot, timeoutMs } = options;
    assert.deepEqual(
      [image, name, memoryMiB, cpus, diskGiB, nodes, snapshot, timeoutMs],
      ['pc.raw.zst', 'x', 512, 1, 16, 3, 'ci', 60_000],
    );
    assert.deepEqual([userData, kubeconfig], [resolve('u'), resolve('k')]);
  });

  for (const [image, name] of [
    ['vm-x86_64', 'vm-x86_64'],
    ['down/loads/pc-x86_64.raw.zst', 'pc-x86_64'],
    ['a.qcow2', 'a'],
  ] as const)
    it(`${image} is called ${name}`, () => assert.equal(nameOf(image), name));

  for (const [line, says] of [
    ['-p 0:80', /-p is 0:80/],
    ['-p 80:70000', /-p is 80:70000/],
    ['-p http', /-p is http/],
    ['-p 1:80 -p 1:81', /port 1 of the host is forwarded twice/],
    ['-p 1:80 -p 80', /port 80 of the guest is forwarded twice/],
    ['--memory lots', /--memory is lots/],
    ['--memory 100', /--memory is 100/],
    ['--nodes 0', /--nodes is 0/],
    ['--nodes', /option --nodes needs a value/],
    ['--detach=1', /option --detach takes no value/],
    ['--snapshit a', /unknown option --snapshit/],
    ['a b', /does not know what to do with b/],
    ['--run', /--run needs a command/],
    ['-d --run true', /exclude each other/],
    ['--name a/b', /--name is a\/b/],
    ['--snapshot=', /--snapshot is empty/],
    ['--snapshot .', /--snapshot is \./],
    ['--snapshot ..', /--snapshot is \.\./],
  ] as const)
    it(`${line} is refused`, () =>
      assert.throws(
        () => run(...line.split(' ')),
        (error: unknown) =>
          error instanceof BuildError && error.code === 'USAGE' && says.test(error.message) && error.hint !== undefined,
      ));
});

it('the words of stop', () => {
  assert.equal(parseStop(['x']).name, 'x');
  assert.equal(parseStop([]).name, undefined);
  assert.throws(() => parseStop(['x', 'y']), /one name/);
});
