/** Documents to what they become: read, checked, rendered. What an image lacks is an error here, before anything is stored. */
import { existsSync } from 'node:fs';
import type { AccountFiles, KnownIds } from './accounts.ts';
import type { Compiled } from './apply.ts';
import { imageRoot } from './onNode.ts';
import { readConfig } from './read.ts';
import { render } from './render/index.ts';
import { thisMachine } from './thisMachine.ts';
import type { Problem, SourceDocuments } from './types.ts';
import { kindOnMachine } from './writtenPlaces.ts';

const zoneFolder = '/usr/share/zoneinfo';

export function compile(sources: readonly SourceDocuments[], accounts: AccountFiles, knownIds: KnownIds): Compiled {
  const image = existsSync(`${imageRoot}/etc`) ? imageRoot : '/';
  const machine = { ...thisMachine(accounts, knownIds), kindOf: kindOnMachine(image) };
  const { config, problems } = readConfig(sources, machine);
  if (config === undefined) return { instanceId: '', problems };
  const { rendered, instanceId, programs } = render(config);
  const lacking = programs.filter(path => !existsSync(path)).map(missingProgram);
  const zone = rendered.timezone;
  if (zone !== undefined && existsSync(zoneFolder) && !existsSync(`${zoneFolder}/${zone}`))
    lacking.push({
      severity: 'error',
      path: 'timezone',
      message: `"${zone}" is no time zone this image has`,
      hint: `${zoneFolder} has them all`,
    });
  if (lacking.length > 0) return { instanceId: '', problems: [...problems, ...lacking] };
  return { rendered, instanceId, problems };
}

const missingProgram = (path: string): Problem => ({
  severity: 'error',
  path: '',
  message: `needs ${path}, which this image does not have`,
  hint: 'wireless networks need an image with wpa_supplicant',
});
