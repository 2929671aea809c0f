/** `contents.json`: every file of the root and whose it is; why each package is there. */
import type { ResolvedPackage } from '../packages/resolve.ts';
import type { Content } from '../steps/root.ts';

export interface Contents {
  readonly files: readonly Content[];
  /** Package → why it is in the root, in a few words. */
  readonly why: Readonly<Record<string, string>>;
}

/** Parts of a root that are no packages. */
const ownParts: Readonly<Record<string, string>> = {
  atoll: 'the runtime, and the container images it starts with',
  kernel: 'modules: the image’s classes (rootfs/modules.yaml)',
  overlay: 'rootfs/overlay',
};

/** Users of a package that are named; the others are counted. */
const named = 3;

/** @param asked names that rootfs/packages.yaml and the image's definition ask for */
export function reasons(
  packages: readonly Pick<ResolvedPackage, 'name' | 'needs'>[],
  asked: readonly string[],
): Record<string, string> {
  const why: Record<string, string> = { ...ownParts };
  for (const { name } of packages) {
    const users = packages.filter(({ needs }) => needs.includes(name)).map(user => user.name);
    const more = users.length > named ? ` and ${users.length - named} more` : '';
    if (asked.includes(name)) why[name] = 'asked for';
    else if (users.length > 0) why[name] = `for ${users.slice(0, named).join(', ')}${more}`;
    else why[name] = 'essential to Debian';
  }
  return why;
}
