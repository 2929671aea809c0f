/**
 * The image's `atoll.js`: runs the bundle `runtime.js` beside it, with V8's code cache `runtime.cache` (made by the builder with the same
 * Node.js and flags), so that no start parses two megabytes again. A cache of another Node.js, or other V8 flags, is refused
 * by V8 and the start is only slower.
 *
 *   node atoll.js COMMAND…             as `atoll`
 *   node atoll.js --write-code-cache   writes `runtime.cache` to standard output
 */
import { readFileSync, writeSync } from 'node:fs';
import { Script } from 'node:vm';
import type * as bundle from './bundle.ts';

/** The bundle is one function expression in ASCII, so its text is used where it was read to. */
type Bundle = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

function readCache(): Buffer | undefined {
  try {
    return readFileSync(`${__dirname}/runtime.cache`);
  } catch {
    return undefined;
  }
}

const filename = `${__dirname}/runtime.js`;
const writing = process.argv[2] === '--write-code-cache';
const cachedData = writing ? undefined : readCache();
const script = new Script(readFileSync(filename, 'latin1'), { filename, ...(cachedData ? { cachedData } : {}) });
if (script.cachedDataRejected)
  process.stderr.write(
    'atoll: the code cache was made by another Node.js or for other V8 flags; starting without it\n',
  );
const loaded: { exports: Partial<typeof bundle> } = { exports: {} };
(script.runInThisContext() as Bundle)(loaded.exports, require, loaded, filename, __dirname);
const { run, preload } = loaded.exports as typeof bundle;
if (writing) preload().then(() => writeSync(1, script.createCachedData()));
else run();
