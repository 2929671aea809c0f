/**
 * The machines images are built on: those of Debian's architectures that have every tool (boards.ts). Any of them builds every image; what
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

const known = Object.values(architectures);
/** Names of packages have no underscore (Debian Policy, 5.6.1). */
const compiler = (name: string, multiarch: string): string => `${name}-${multiarch.replaceAll('_', '-')}`;

/** By Node's `process.arch`. */
export const buildHosts: Readonly<Record<string, BuildHost>> = Object.fromEntries(
  known.flatMap(({ debian, multiarch, node, buildLoader: loader }) => {
    if (loader === undefined) return [];
    const others = known.filter(other => other.multiarch !== multiarch);
    const crossCompilers = others.flatMap(other => ['gcc', 'g++'].map(name => compiler(name, other.multiarch)));
    return [[node, { debian, multiarch, loader, crossCompilers }]];
  }),
);

/**
 * The machine this runs on.
 * @param node `process.arch`: of the programs that run here, whatever the kernel's is
 * @throws BuildError HOST_UNSUPPORTED where Debian lacks what a build needs
 */
export function buildHost(node: string = process.arch): BuildHost {
  const host = buildHosts[node];
  if (host) return host;
  const own = known.find(architecture => architecture.node === node);
  const names = Object.values(buildHosts).map(({ debian }) => debian);
  const lacking = Object.values(buildHosts).map(({ multiarch }) => compiler('gcc', multiarch));
  throw new BuildError('HOST_UNSUPPORTED', `images cannot be built on ${own?.debian ?? node}`, {
    hint: `Build on ${names.join(' or ')}: ${
      own
        ? `Debian 13 has no compilers for the other architectures that run on ${own.debian} (${lacking.join(', ')}).`
        : 'no other architecture was tried.'
    }`,
  });
}
