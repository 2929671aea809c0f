/** An upgrade in a process of its own, to be killed: `upgradeChild.ts <machine's folder> <bundle> <version> <root hash>`. Says `begun` before the first step. */

import { openBundle } from '../src/machine/upgrade/bundle/find.ts';
import { RateLimit } from '../src/machine/upgrade/bundle/rate.ts';
import { install } from '../src/machine/upgrade/install.ts';
import { SystemdBoot } from '../src/machine/upgrade/loader/systemdBoot.ts';
import { placesIn } from '../src/machine/upgrade/testing/machine.ts';

const [folder = '', named = '', version = '', roothash = ''] = process.argv.slice(2);
const places = placesIn(folder);
const { signal } = new AbortController();
process.stdout.write('begun\n');
const http = { rate: new RateLimit(400_000) };
const bundle = await openBundle(named, { trust: places, compatible: 'atoll-test', http }, signal);
const machine = {
  places,
  loader: new SystemdBoot(places.esp),
  running: { version, roothash, slot: 'a' as const },
  compatible: 'atoll-test',
  refused: [],
};
const { outcome } = await install(bundle, machine, { tries: 3 }, signal);
await bundle.close();
process.stdout.write(`${outcome} ${Math.round(process.resourceUsage().maxRSS / 1024)}\n`);
