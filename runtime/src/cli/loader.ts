/**
 * The image's `atoll.js`: runs the bundle `runtime.js`.
 *
 *   node atoll.js COMMAND…             as `atoll`
 *   node atoll.js --write-code-cache   writes `runtime.cache` to standard output
 */
import type * as bundle from './bundle.ts';
import { cachedBundle } from './cachedBundle.ts';

const { exports, writeCache } = cachedBundle<typeof bundle>('runtime');
if (writeCache) exports.preload().then(writeCache);
else exports.run();
