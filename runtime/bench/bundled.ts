/**
 * The test server as a bundle, made as the device's is: what esbuild leaves and tsx adds (every closure is told its name) is a tenth
 * of the time an operation takes.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Within the checkout, where its npm packages are found. */
const directory = fileURLToPath(new URL('../../out/bench/server', import.meta.url));

/** For `spawnServer({ bundle })`. Takes half a second. */
export async function bundledServer(): Promise<string> {
  await mkdir(directory, { recursive: true });
  await writeFile(`${directory}/package.json`, '{"type":"commonjs"}\n');
  const options: BuildOptions = {
    outdir: directory,
    absWorkingDir: root,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    charset: 'ascii',
    define: { 'import.meta.url': 'moduleUrl' },
    banner: { js: "const moduleUrl=require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  };
  await build({ ...options, entryPoints: { server: 'runtime/test/startServer.ts' } });
  await build({ ...options, entryPoints: { 'store-thread': 'runtime/src/store/sqlite/thread.ts' } });
  return `${directory}/server.js`;
}
