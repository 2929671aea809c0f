/**
 * The runtime as it lies in /usr/lib/atoll: `runtime.js` (server, agent and commands in one file), `atoll.js` that loads it
 * with its code cache, `store-thread.js` (the SQLite thread), and `config-bundle.js` with its `config.js` (the configuration at boot). CommonJS, with nothing to
 * resolve at run time but Node itself and better_sqlite3.node.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { BuildError } from '../errors.ts';
import type { FileRef, TreeRef } from '../files.ts';
import { repositoryRoot } from '../paths.ts';
import type { Step } from '../step.ts';

export interface RuntimeInputs {
  /** The folder that holds `cli/bundle.ts`. */
  readonly sources: TreeRef;
  /** package-lock.json: what the dependencies are. */
  readonly lock: FileRef;
  readonly version: string;
}

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression, where the package gives one. */
  readonly license?: string;
}

/** better-sqlite3 finds its native part through `bindings`, which searches folders that do not exist on the device. */
const nativeBinding: Plugin = {
  name: 'native-binding',
  setup(hooks) {
    hooks.onResolve({ filter: /^bindings$/ }, () => ({ path: 'bindings', namespace: 'native-binding' }));
    hooks.onLoad({ filter: /.*/, namespace: 'native-binding' }, () => ({
      contents: "module.exports = () => require('./better_sqlite3.node');",
      loader: 'js',
    }));
    hooks.onResolve({ filter: /\.node$/ }, ({ path }) => ({ path, external: true }));
  },
};

/** What Node's own loader would put around the bundle; {@link file://../../../runtime/src/cli/cachedBundle.ts} calls it. */
const wrapper = { banner: '(function(exports,require,module,__filename,__dirname){', footer: '})' };

/** ES modules' own address, which CommonJS has not. */
const moduleUrl = "const __moduleUrl=require('node:url').pathToFileURL(__filename).href;";

/** npm packages whose files are in the bundle, by name. @param inputs paths as esbuild's metafile has them. */
export async function bundledPackages(inputs: readonly string[]): Promise<NpmPackage[]> {
  const folders = new Set(inputs.flatMap(path => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  const packages: NpmPackage[] = [];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as NpmPackage;
    packages.push({ name, version, ...(typeof license === 'string' ? { license } : {}) });
  }
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export const bundleRuntime: Step<
  RuntimeInputs,
  'atoll.js' | 'runtime.js' | 'store-thread.js' | 'config.js' | 'config-bundle.js' | 'npm.json'
> = {
  name: 'runtime',
  title: 'Bundle the runtime',
  module: import.meta.url,
  outputs: ['atoll.js', 'runtime.js', 'store-thread.js', 'config.js', 'config-bundle.js', 'npm.json'],
  async run({ sources, version }, { directory }) {
    const options: BuildOptions & { metafile: true } = {
      outdir: directory,
      // The bundle names its modules relative to this, and by the way they were reached: not by where the build was started, nor by
      // where node_modules really is (a link into a cache, in many a CI).
      absWorkingDir: repositoryRoot,
      preserveSymlinks: true,
      bundle: true,
      metafile: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: 'none',
      // Read as one byte a character, it takes half the memory.
      charset: 'ascii',
      define: { ATOLL_VERSION: JSON.stringify(version), 'import.meta.url': '__moduleUrl' },
      plugins: [nativeBinding],
      logLevel: 'silent',
    };
    const bundle = (name: string, entry: string, { banner, footer } = { banner: '', footer: '' }) =>
      build({
        ...options,
        entryPoints: { [name]: join(sources.path, entry) },
        banner: { js: `${banner}${moduleUrl}` },
        footer: { js: footer },
      });
    const results = await Promise.all([
      bundle('runtime', 'cli/bundle.ts', wrapper),
      bundle('atoll', 'cli/loader.ts'),
      bundle('store-thread', 'store/sqlite/thread.ts'),
      // Apart from the rest, because it is on the way of a boot that has a new configuration.
      bundle('config-bundle', 'cli/config/early.ts', wrapper),
      bundle('config', 'cli/config/loader.ts'),
    ]).catch((cause: unknown) => {
      throw new BuildError('TOOL_FAILED', 'the runtime cannot be bundled', {
        tail: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    });
    const warnings = results.flatMap(result => result.warnings);
    if (warnings.length > 0) {
      const text = warnings.map(({ text: message, location }) => `${location?.file}:${location?.line}: ${message}`);
      throw new BuildError('TOOL_FAILED', 'bundling the runtime gave warnings', { tail: text.slice(0, 20).join('\n') });
    }
    const npm = await bundledPackages(
      results.flatMap(({ metafile }) => Object.keys(metafile.inputs)).map(path => join(repositoryRoot, path)),
    );
    await writeFile(join(directory, 'npm.json'), `${JSON.stringify(npm, undefined, 1)}\n`);
  },
};
