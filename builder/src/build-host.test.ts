import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { architectures } from './boards.ts';
import { buildHost, buildHosts } from './build-host.ts';
import { BuildError } from './errors.ts';
import { toolPackages, toolsKey } from './tools-tree.ts';

const arm32 = ['gcc-arm-linux-gnueabihf', 'g++-arm-linux-gnueabihf'];

it('images are built on amd64 and ARM64, each with the cross compilers for the others', () => {
  assert.deepEqual(buildHosts, {
    x64: {
      debian: 'amd64',
      multiarch: 'x86_64-linux-gnu',
      loader: 'ld-linux-x86-64.so.2',
      crossCompilers: ['gcc-aarch64-linux-gnu', 'g++-aarch64-linux-gnu', ...arm32],
    },
    arm64: {
      debian: 'arm64',
      multiarch: 'aarch64-linux-gnu',
      loader: 'ld-linux-aarch64.so.1',
      crossCompilers: ['gcc-x86-64-linux-gnu', 'g++-x86-64-linux-gnu', ...arm32],
    },
  });
});

for (const host of Object.values(buildHosts)) {
  describe(`on ${host.debian}`, () => {
    for (const { debian, multiarch } of Object.values(architectures))
      it(`there are compilers for ${debian}: Debian's plain ones, or the cross compilers`, () => {
        // Names of packages have no underscore (Policy 5.6.1).
        const names = ['gcc', 'g++'].map(name =>
          multiarch === host.multiarch ? name : `${name}-${multiarch.replaceAll('_', '-')}`,
        );
        const packages = toolPackages(host);
        assert.deepEqual(
          names.filter(name => !packages.includes(name)),
          [],
        );
      });

    it('the rest of the tools is the same, and the tree another', () => {
      const others = Object.values(buildHosts).filter(other => other !== host);
      for (const other of others) {
        const rest = (one: typeof host) => toolPackages(one).filter(name => !one.crossCompilers.includes(name));
        assert.deepEqual(rest(host), rest(other));
        assert.notEqual(toolsKey(host), toolsKey(other));
      }
    });
  });
}

describe('elsewhere', () => {
  const refusals: readonly (readonly [node: string, message: RegExp, hint: RegExp])[] = [
    [
      'arm',
      /cannot be built on armhf/,
      /amd64 or arm64: .* run on armhf \(gcc-x86-64-linux-gnu, gcc-aarch64-linux-gnu\)/,
    ],
    ['riscv64', /cannot be built on riscv64/, /amd64 or arm64: no other architecture was tried/],
  ];
  for (const [node, message, hint] of refusals)
    it(`${node} is refused, with the reason`, () => {
      assert.throws(
        () => buildHost(node),
        (error: unknown) => {
          assert.ok(error instanceof BuildError);
          assert.equal(error.code, 'HOST_UNSUPPORTED');
          assert.match(error.message, message);
          assert.match(error.hint ?? '', hint);
          return true;
        },
      );
    });
});
