/**
 * A machine's own directory: `<cache>/machines/<its process>-<random>`, on disk rather than in /tmp (which may be memory), and swept
 * by the next machine if the process that owned it died before it could.
 */
import { join } from 'node:path';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { makeTemporary, sweepTemporary } from '../../builder/src/workspace.ts';

export async function createWorkspace(cache: string = cacheDirectory()): Promise<string> {
  const machines = join(cache, 'machines');
  // Tests name theirs: `<pid>-cuts`.
  await sweepTemporary(machines, '', '\\w+');
  return makeTemporary(machines);
}
