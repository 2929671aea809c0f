/**
 * better-sqlite3's native module for the Node.js of the image: compiled in the tools tree, by the cross compiler where it is of
 * another architecture, against Debian's Node headers and the image's C library. node-gyp is called directly (npm no longer passes `nodedir` on).
 */
import { cp, mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TreeRef } from '../files.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface SqliteInputs {
  /** `node_modules/better-sqlite3` without its build folder. */
  readonly source: TreeRef;
  /** `node_modules/node-gyp`; what it needs is beside it. */
  readonly gyp: TreeRef;
  /** Node's `process.arch` on the device. */
  readonly node: string;
  /** Prefix of the target's compiler and binutils, as `aarch64-linux-gnu`. */
  readonly gnu: string;
  readonly compilerFlags: readonly string[];
  readonly tools: string;
}

/**
 * What better-sqlite3 compiles in and the store has no use for: full text, geometry, statistics of percentiles, sounds. Without it, and with
 * SQLite's own choice of -O2 (better-sqlite3's is -O3), it is compiled in half the time, and 0.4 MiB smaller in the image.
 */
const leftOut = [
  ...['FTS3', 'FTS3_PARENTHESIS', 'FTS4', 'FTS5', 'GEOPOLY', 'PERCENTILE', 'RTREE'].map(
    name => `-USQLITE_ENABLE_${name}`,
  ),
  '-USQLITE_SOUNDEX',
];

export const buildSqlite: Step<SqliteInputs, 'better_sqlite3.node'> = {
  name: 'sqlite',
  title: 'SQLite for the image’s Node.js',
  module: import.meta.url,
  outputs: ['better_sqlite3.node'],
  async run({ source, node, gyp, gnu, compilerFlags }, { directory, scratch, signal }) {
    const work = join(scratch, 'better-sqlite3');
    await mkdir(work);
    await cp(source.path, work, { recursive: true, filter: path => !path.startsWith(join(source.path, 'build')) });
    const modules = dirname(gyp.path);
    const command = [
      join(gyp.path, 'bin/node-gyp.js'),
      'rebuild',
      '--release',
      `--arch=${node}`,
      '--nodedir=/usr/include/nodejs',
    ];
    // Behind node-gyp's and better-sqlite3's own. What would be warned of in SQLite they silence, but GCC still looks for it: 17 s of 42.
    const flags = ['-g0', '-O2', '-Wno-all', '-Wno-extra', ...compilerFlags].join(' ');
    const env = { HOME: scratch, CC: `${gnu}-gcc`, CXX: `${gnu}-g++`, AR: `${gnu}-ar` };
    await tool(['node', ...command, '--python=/usr/bin/python3', '--jobs=2'], {
      binds: [scratch],
      readOnly: [modules],
      cwd: work,
      env: { ...env, CFLAGS: `${flags} ${leftOut.join(' ')}`, CXXFLAGS: flags },
      signal,
    });
    const built = join(work, 'build/Release/better_sqlite3.node');
    await tool([`${gnu}-strip`, '--strip-unneeded', built], { binds: [scratch], signal });
    await rename(built, join(directory, 'better_sqlite3.node'));
  },
};
