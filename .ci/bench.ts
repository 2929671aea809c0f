/**
 * `make bench`: measures and prints the tables; the same figures, with every run's, are in out/bench/<section>.json, of an image in
 * out/bench/<section>-<image>.json.
 *
 *   node --import tsx .ci/bench.ts [section …] [--runs N] [--image NAME]…
 *
 * Sections: size server api api2k store boot build bundle, which are the default, and release, api50k, upgrade and snapshot, which take
 * minutes. A section that cannot run says why, the others still run, and the status is 1. A missed aim is a figure like any other.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../builder/src/paths.ts';
import { run } from '../builder/src/process.ts';
import { machineFacts, machineLines } from './bench/machine.ts';
import { measureSection, reason, type Section, type SectionContext, writeReport } from './bench/section.ts';
import { api } from './bench/sections/api.ts';
import { apiScale } from './bench/sections/apiScale.ts';
import { boot } from './bench/sections/boot.ts';
import { buildSection } from './bench/sections/build.ts';
import { bundle } from './bench/sections/bundle.ts';
import { serverSection } from './bench/sections/server.ts';
import { release, size } from './bench/sections/size.ts';
import { snapshot } from './bench/sections/snapshot.ts';
import { store } from './bench/sections/store.ts';
import { upgrade } from './bench/sections/upgrade.ts';
import { comparison, type SectionReport, sectionTable, verdict } from './bench/table.ts';

interface BenchOptions {
  /** Those that measure an image keep state of it, so every image has its own. */
  readonly sections: () => readonly Section[];
  readonly runs: number;
  /** One at least. */
  readonly images: readonly string[];
}

const every = (): readonly Section[] => [
  size,
  release,
  serverSection(),
  api,
  apiScale('api2k', 2_000, 500),
  apiScale('api50k', 50_000, 500, true),
  store,
  boot,
  upgrade,
  snapshot,
  buildSection(),
  bundle,
];

function options(argv: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '3' },
      image: { type: 'string', multiple: true, default: ['vm-x86_64'] },
    },
  });
  const names = every().map(({ name }) => name);
  const unknown = positionals.filter(name => !names.includes(name));
  if (unknown.length > 0) throw new Error(`there is no section ${unknown.join(', ')}: there are ${names.join(', ')}`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs is '${values.runs}': it takes a whole number from 1`);
  const sections = (): readonly Section[] =>
    every().filter(({ name, onlyNamed = false }) =>
      positionals.length === 0 ? !onlyNamed : positionals.includes(name),
    );
  return { sections, runs, images: [...new Set(values.image)] };
}

/** Builds the image, once, for whatever measures it. @returns why there is none */
async function buildImage({ image, signal, say }: SectionContext): Promise<string | undefined> {
  say(`building the image ${image}`);
  try {
    await run([process.execPath, '--import', 'tsx', 'builder/src/cli.ts', 'build', image], {
      cwd: repositoryRoot,
      signal,
      title: 'the build',
      stopSignal: 'SIGTERM',
    });
    return undefined;
  } catch (error) {
    return `the image ${image} is not there to be measured: ${reason(error)}`;
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const { sections, runs, images } = options(argv);
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(name, () => abort.abort(new Error(`interrupted by ${name}`)));
  const began = performance.now();
  const say = (text: string): void => {
    const since = Math.round((performance.now() - began) / 1000);
    process.stderr.write(`bench ${String(since).padStart(4)} s  ${text}\n`);
  };
  const machine = machineFacts(repositoryRoot);
  const reports: SectionReport[] = [];
  const measure = async (those: readonly Section[], context: SectionContext): Promise<void> => {
    const { image } = context;
    const noImage = those.some(({ needsImage }) => needsImage) ? await buildImage(context) : undefined;
    for (const section of those) {
      const { name, title, notes } = section;
      const report =
        section.needsImage && noImage !== undefined
          ? { name, title, notes, image, summaries: [], problems: [noImage] }
          : await measureSection(section, context);
      await writeReport(join(repositoryRoot, 'out', 'bench'), report, { ...machine, runs });
      reports.push(report);
    }
  };
  const [image = ''] = images;
  const context = { image, runs, signal: abort.signal, say };
  await measure(
    sections().filter(({ ofImage }) => !ofImage),
    context,
  );
  for (const image of images)
    await measure(
      sections().filter(({ ofImage }) => ofImage),
      { ...context, image, say: text => say(images.length === 1 ? text : `${image}: ${text}`) },
    );
  const head = [...machineLines(machine), `Median of ${runs} ${runs === 1 ? 'run' : 'runs'}.`, ''];
  const last = verdict(reports);
  process.stdout.write(`\n${[...head, ...reports.map(sectionTable), ...comparison(reports), last].join('\n')}\n`);
  return reports.some(({ problems }) => problems.length > 0) ? 1 : 0;
}

main(process.argv.slice(2)).then(
  status => {
    process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(`make bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
