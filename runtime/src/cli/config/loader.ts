/** The image's `config.js`: runs the bundle `config-bundle.js`, whose entry is {@link file://./early.ts}. */
import { cachedBundle } from '../cachedBundle.ts';
import type * as bundle from './early.ts';

const { exports, writeCache } = cachedBundle<typeof bundle>('config-bundle');
if (writeCache) {
  exports.preload();
  writeCache();
} else exports.run();
