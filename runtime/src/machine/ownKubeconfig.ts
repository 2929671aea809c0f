/**
 * Where this machine's administrator's kubeconfig is: the server says it when it has written it, by a link in `/run/atoll` for whoever needs
 * the file without being told of `write-kubeconfig`. Replaced as a whole at each start of the server, so it follows a changed configuration.
 */
import { mkdirSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where nobody has chosen another place; what is named while no server has said its own. */
export const DEFAULT_KUBECONFIG = '/etc/atoll/atoll.yaml';
/** In the folder of this boot; `atoll-kubeconfig-port` reads it, too. */
const LINK = 'kubeconfig';

export function ownKubeconfig(runDir = '/run/atoll'): string {
  try {
    return readlinkSync(join(runDir, LINK));
  } catch {
    return DEFAULT_KUBECONFIG;
  }
}

export function tellOwnKubeconfig(runDir: string, path: string): void {
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  const link = join(runDir, LINK);
  const temporary = `${link}.${process.pid}`;
  symlinkSync(resolve(path), temporary);
  renameSync(temporary, link);
}
