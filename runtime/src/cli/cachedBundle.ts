/**
 * How the image's small loaders run the bundle beside them, `<name>.js`, with V8's code cache `<name>.cache` (made by the builder with the
 * same Node.js and flags), so that no start parses it again. A cache of another Node.js, or other V8 flags, is refused by V8 and the
 * start is only slower.
 *
 *   node LOADER --write-code-cache     writes the cache to standard output
 */
import { readFileSync, writeSync } from 'node:fs';
import { Script } from 'node:vm';

/** A bundle is one function expression in ASCII, so its text is used where it was read to. */
type Bundle = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

export interface CachedBundle<Exports> {
  readonly exports: Exports;
  /** To be called instead of running it, when what the cache is to hold has been compiled. */
  readonly writeCache?: () => void;
}

/** @param name of the bundle in the folder of the loader */
export function cachedBundle<Exports extends object>(name: string): CachedBundle<Exports> {
  const filename = `${__dirname}/${name}.js`;
  const writing = process.argv[2] === '--write-code-cache';
  const cachedData = writing ? undefined : readCache(name);
  const script = new Script(readFileSync(filename, 'latin1'), { filename, ...(cachedData ? { cachedData } : {}) });
  if (script.cachedDataRejected)
    process.stderr.write(
      'atoll: the code cache was made by another Node.js or for other V8 flags; starting without it\n',
    );
  const loaded: { exports: Partial<Exports> } = { exports: {} };
  (script.runInThisContext() as Bundle)(loaded.exports, require, loaded, filename, __dirname);
  const exports = loaded.exports as Exports;
  return writing ? { exports, writeCache: () => void writeSync(1, script.createCachedData()) } : { exports };
}

function readCache(name: string): Buffer | undefined {
  try {
    return readFileSync(`${__dirname}/${name}.cache`);
  } catch {
    return undefined;
  }
}
