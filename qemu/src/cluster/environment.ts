/** What a user's command finds around it: the kubeconfig, and a kubectl. */
import { access, chmod, constants, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { toolsTree } from '../../../builder/src/paths.ts';
import { kubectlOfTree } from '../node.ts';

export interface CommandEnvironment {
  readonly env: NodeJS.ProcessEnv;
  /** `kubectl` is found in its PATH. */
  readonly hasKubectl: boolean;
}

async function isInPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter).filter(one => one !== ''))
    if (
      await access(join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return true;
  return false;
}

/**
 * The environment with KUBECONFIG set; with the tools tree's kubectl at the end of the PATH, when there is none in it.
 * @param folder of the run: a wrapper is put into its `bin`
 */
export async function commandEnvironment(
  folder: string,
  kubeconfig: string,
  env: NodeJS.ProcessEnv = process.env,
  tree: string = toolsTree(),
): Promise<CommandEnvironment> {
  const path = env.PATH ?? '';
  const own = { ...env, KUBECONFIG: kubeconfig };
  if (await isInPath('kubectl', path)) return { env: own, hasKubectl: true };
  const kubectl = await kubectlOfTree(tree);
  if (kubectl === undefined) return { env: own, hasKubectl: false };
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const quoted = kubectl.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  await writeFile(join(bin, 'kubectl'), `#!/bin/sh\nexec ${quoted} "$@"\n`);
  await chmod(join(bin, 'kubectl'), 0o755);
  return { env: { ...own, PATH: path === '' ? bin : `${path}${delimiter}${bin}` }, hasKubectl: true };
}
