/**
 * The machines images are built on, as data: those of Debian's architectures that have every tool. Any of them builds every image; what
 * differs is which compilers are cross compilers, and where programs of the tools tree find their loader.
 */
import { architectures } from './boards.ts';
import { BuildError } from './errors.ts';

export interface BuildHost {
  /** Debian's name. */
  readonly debian: string;
  /** Library folder under /usr/lib of the tools tree. */
  readonly multiarch: string;
  /** The dynamic loader, in that folder. */
  readonly loader: string;
  /** Packages of the compilers for the other architectures. */
  readonly crossCompilers: readonly string[];
}

/** By Node's `process.arch`. */
export const buildHosts: Readonly<Record<string, BuildHost>> = {
  x64: {
    debian: 'amd64',
    multiarch: 'x86_64-linux-gnu',
    loader: 'ld-linux-x86-64.so.2',
    crossCompilers: [
      ...['gcc-aarch64-linux-gnu', 'g++-aarch64-linux-gnu'],
      ...['gcc-arm-linux-gnueabihf', 'g++-arm-linux-gnueabihf'],
    ],
  },
  arm64: {
    debian: 'arm64',
    multiarch: 'aarch64-linux-gnu',
    loader: 'ld-linux-aarch64.so.1',
    crossCompilers: [
      ...['gcc-x86-64-linux-gnu', 'g++-x86-64-linux-gnu'],
      ...['gcc-arm-linux-gnueabihf', 'g++-arm-linux-gnueabihf'],
    ],
  },
};

/**
 * The machine this runs on.
 * @param node `process.arch`: of the programs that run here, whatever the kernel's is
 * @throws BuildError HOST_UNSUPPORTED where Debian lacks what a build needs
 */
export function buildHost(node: string = process.arch): BuildHost {
  const host = buildHosts[node];
  if (host) return host;
  const known = Object.values(architectures).find(architecture => architecture.node === node);
  throw new BuildError('HOST_UNSUPPORTED', `images cannot be built on ${known?.debian ?? node}`, {
    hint: `Build on ${Object.values(buildHosts)
      .map(({ debian }) => debian)
      .join(' or ')}: ${
      known
        ? `Debian 13 has no compilers for the other architectures that run on ${known.debian} (gcc-x86-64-linux-gnu, gcc-aarch64-linux-gnu).`
        : 'no other architecture was tried.'
    }`,
  });
}
