/**
 * `make test`: every test, in phases, and the sum of them as the last line.
 *
 *   node --import tsx .ci/test.ts [phase …]      phases: static unit image integration boot; default: all
 *
 * The images are built beside the unit tests (the one waits for the network, the others for a core). A phase that fails does
 * not stop the next, except that nothing boots without an image. Of the other architectures ARM64 is the sample; `make test-boards` has all.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, with the first words of why: said again at the end, where people look. */
  readonly failures?: readonly string[];
}

const NODE = [process.execPath, '--import', 'tsx'];
const scratch = mkdtempSync(join(tmpdir(), 'atoll-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const seconds = (since: number): string => `${((Date.now() - since) / 1000).toFixed(0)} s`;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Test files under the folders, in a stable order. */
function testFiles(...folders: string[]): string[] {
  return folders
    .flatMap(folder =>
      existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(f => join(folder, f)) : [],
    )
    .filter(f => f.endsWith('.test.ts') && !f.includes('node_modules'))
    .sort();
}

/** Runs a command; its output is shown as it comes, or kept and shown only when it fails. */
function run(argv: readonly string[], options: { quiet?: boolean; env?: NodeJS.ProcessEnv } = {}): Promise<number> {
  return new Promise(resolve => {
    const kept: Buffer[] = [];
    const child = spawn(argv[0] ?? '', argv.slice(1), {
      stdio: ['ignore', options.quiet ? 'pipe' : 'inherit', options.quiet ? 'pipe' : 'inherit'],
      env: { ...process.env, ...options.env },
    });
    child.stdout?.on('data', (chunk: Buffer) => kept.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => kept.push(chunk));
    child.on('error', error => {
      say(String(error));
      resolve(127);
    });
    child.on('close', code => {
      if (options.quiet && code !== 0) process.stdout.write(Buffer.concat(kept));
      resolve(code ?? 1);
    });
  });
}

/** One command that is one test. */
async function check(name: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Counts> {
  const since = Date.now();
  const code = await run(argv, { quiet: true, env });
  say(`${code === 0 ? '✔' : '✖'} ${name}  (${seconds(since)})`);
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0, failures: [name] };
}

async function nodeTests(name: string, files: readonly string[], concurrency: number): Promise<Counts> {
  if (files.length === 0) throw new Error(`phase ${name} has no test files: something moved`);
  const counts = join(scratch, `${name}.json`);
  const since = Date.now();
  const code = await run(
    [
      ...NODE,
      '--test',
      `--test-concurrency=${concurrency}`,
      '--test-reporter=./.ci/reporter.mjs',
      '--test-reporter-destination=stdout',
      ...files,
    ],
    { env: { ATOLL_TEST_COUNTS: counts } },
  );
  const result: Counts = existsSync(counts)
    ? (JSON.parse(readFileSync(counts, 'utf8')) as Counts)
    : { passed: 0, failed: 1, skipped: 0 };
  say(`  ${name}: ${result.passed} passed, ${result.failed} failed in ${seconds(since)}`);
  // A file that crashes outside any test fails the run without a failed test.
  return code !== 0 && result.failed === 0
    ? { ...result, failed: 1, failures: [`${name}: the run ended with code ${code}`] }
    : result;
}

const sum = (all: readonly Counts[]): Counts => ({
  passed: all.reduce((n, c) => n + c.passed, 0),
  failed: all.reduce((n, c) => n + c.failed, 0),
  skipped: all.reduce((n, c) => n + c.skipped, 0),
  failures: all.flatMap(c => c.failures ?? []),
});

const wanted = process.argv.slice(2);
const asked = (phase: string): boolean => wanted.length === 0 || wanted.includes(phase);
const results: Counts[] = [];
const started = Date.now();

const none: Counts = { passed: 0, failed: 0, skipped: 0 };
const build = async (image: string): Promise<Counts> =>
  asked('image') ? check(`image ${image} builds`, [...NODE, 'builder/src/cli.ts', 'build', image]) : none;

// What makes the images and runs them, from a cache that may be empty: the unit tests of QEMU's side need it too.
const tools =
  asked('unit') || asked('image')
    ? check('tools tree', [...NODE, 'builder/src/cli.ts', 'tools'])
    : Promise.resolve(none);
const images = tools.then(() => build('vm-x86_64')).then(async first => ({ first, arm: await build('vm-arm64') }));
if (asked('static')) {
  results.push(await check('types', ['node_modules/.bin/tsc', '-p', 'tsconfig.json', '--noEmit']));
  results.push(await check('lint and format', ['node_modules/.bin/biome', 'check', '--error-on-warnings', '.']));
}
results.push(await tools);
if (asked('unit'))
  results.push(
    await nodeTests(
      'unit',
      testFiles('builder/src', 'runtime/src', 'runtime/generate', 'runtime/bench', 'qemu/src', '.ci'),
      2,
    ),
  );
const { first: built, arm } = await images;
results.push(built, arm);
for (const [image, { failed }] of [
  ['vm-x86_64', built],
  ['vm-arm64', arm],
] as const)
  if (asked('image') && failed === 0)
    results.push(await check(`${image} keeps to its size`, [...NODE, 'builder/src/cli.ts', 'size', image, '--check']));
if (asked('integration')) results.push(await nodeTests('integration', testFiles('runtime/test', 'builder/test'), 1));
if (asked('boot') && built.failed === 0) {
  process.env.BOARDS = 'vm-arm64';
  const boards = arm.failed === 0 ? ['qemu/boards/boards.test.ts'] : [];
  results.push(await nodeTests('boot', [...boards, ...testFiles('qemu/test')], 2));
}

const total = sum(results);
for (const failure of total.failures ?? []) say(`\n✖ ${failure}`);
say(`\nAll of it took ${seconds(started)}.`);
say(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
