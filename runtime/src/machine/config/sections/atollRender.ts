/** What the section `atoll` becomes: `/etc/atoll/config.yaml` for the daemons, and the files it speaks of. Pure. */
import { writePlainYaml } from '../../../lib/plainYaml.ts';
import { UPGRADE_FILE } from '../../upgrade/pollSettings.ts';
import { nothingRendered, type Rendered, type RenderedFile } from '../types.ts';
import type { AtollSection } from './atoll.ts';
import { alwaysSo } from './atollRules.ts';

/** Read by both daemons; each takes what is its. */
export const CONFIG_FILE = '/etc/atoll/config.yaml';
export const REGISTRIES_FILE = '/etc/atoll/registries.yaml';
/** Applied by the server besides `/var/lib/atoll/server/manifests`: they are the configuration's, and go with it. */
export const MANIFESTS_FOLDER = '/etc/atoll/manifests';
/** The units ask for these files (`ConditionPathExists=!`). */
export const NO_SERVER_FILE = '/etc/atoll/no-server';
export const NO_AGENT_FILE = '/etc/atoll/no-agent';

const SECRET = 0o600;
const HEAD = '# Written by Atoll from the machine configuration: changes here are gone at the next boot.\n';

export function renderAtoll(atoll: AtollSection): Rendered {
  const { role = 'server', registries, manifests = {}, images = [], upgrade, ...options } = atoll;
  const files: RenderedFile[] = [];
  // What needs no saying, and what the units go by.
  const said = new Set<string>(['disable-agent', ...alwaysSo.map(([name]) => name)]);
  const daemons = {
    ...Object.fromEntries(Object.entries(options).filter(([name]) => !said.has(name))),
    ...(images.length > 0 ? { 'preload-image': images } : {}),
  };
  if (Object.keys(daemons).length > 0)
    files.push({ path: CONFIG_FILE, content: HEAD + writePlainYaml(daemons), mode: SECRET });
  if (role === 'agent') files.push({ path: NO_SERVER_FILE, content: 'role: agent\n', mode: 0o644 });
  if (atoll['disable-agent']) files.push({ path: NO_AGENT_FILE, content: 'disable-agent: true\n', mode: 0o644 });
  if (registries) files.push({ path: REGISTRIES_FILE, content: HEAD + writePlainYaml(registries), mode: SECRET });
  // A channel's URL may have a password in it.
  if (upgrade) files.push({ path: UPGRADE_FILE, content: `${JSON.stringify(upgrade)}\n`, mode: SECRET });
  for (const [name, content] of Object.entries(manifests)) {
    const file = /\.(ya?ml|json)$/.test(name) ? name : `${name}.yaml`;
    // Secrets may be among them.
    files.push({ path: `${MANIFESTS_FOLDER}/${file}`, content, mode: SECRET });
  }
  return { ...nothingRendered, files };
}
