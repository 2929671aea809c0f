/**
 * The runtime as it lies in /usr/lib/atoll: `atoll.js` (server, agent and commands in one file) and `store-thread.js` (the
 * SQLite thread beside it), both ES modules without anything to resolve at run time but Node itself and better_sqlite3.node.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { BuildError } from '../errors.ts';
import type { FileRef, TreeRef } from '../files.ts';
import { repositoryRoot } from '../paths.ts';
import type { Step } from '../step.ts';

export interface RuntimeInputs {
  /** The folder that holds `cli/bin.ts`. */
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

/** CommonJS dependencies call `require` and `__dirname`, which an ES module has not. */
const banner = [
  "import { createRequire as __createRequire } from 'node:module';",
  "import { fileURLToPath as __fileURLToPath } from 'node:url';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = __fileURLToPath(import.meta.url);',
  "const __dirname = __filename.slice(0, __filename.lastIndexOf('/'));",
].join('');

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

export const bundleRuntime: Step<RuntimeInputs, 'atoll.js' | 'store-thread.js' | 'npm.json'> = {
  name: 'runtime',
  title: 'Bundle the runtime',
  module: import.meta.url,
  outputs: ['atoll.js', 'store-thread.js', 'npm.json'],
  async run({ sources, version }, { directory }) {
    const result = await build({
      entryPoints: {
        atoll: join(sources.path, 'cli/bin.ts'),
        'store-thread': join(sources.path, 'store/sqlite/thread.ts'),
      },
      outdir: directory,
      // The bundle names its modules relative to this: not by where the build was started.
      absWorkingDir: repositoryRoot,
      bundle: true,
      metafile: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      banner: { js: banner },
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: 'none',
      charset: 'utf8',
      define: { ATOLL_VERSION: JSON.stringify(version) },
      plugins: [nativeBinding],
      logLevel: 'silent',
    }).catch((cause: unknown) => {
      throw new BuildError('TOOL_FAILED', 'the runtime cannot be bundled', {
        tail: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    });
    if (result.warnings.length > 0) {
      const text = result.warnings.map(
        ({ text: message, location }) => `${location?.file}:${location?.line}: ${message}`,
      );
      throw new BuildError('TOOL_FAILED', 'bundling the runtime gave warnings', { tail: text.slice(0, 20).join('\n') });
    }
    const npm = await bundledPackages(Object.keys(result.metafile.inputs).map(path => join(repositoryRoot, path)));
    await writeFile(join(directory, 'npm.json'), `${JSON.stringify(npm, undefined, 1)}\n`);
  },
};
