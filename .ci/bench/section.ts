/** A part of the benchmark that can be run alone: what it measures, and its runs put together. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../../builder/src/errors.ts';
import { type Figure, summarise } from './figures.ts';
import type { SectionReport } from './table.ts';

export interface SectionContext {
  readonly image: string;
  /** Runs of whatever may come out differently each time. */
  readonly runs: number;
  readonly signal: AbortSignal;
  /** A line for whoever waits. */
  readonly say: (text: string) => void;
}

/** What one run gave. */
export interface Run {
  readonly figures: readonly Figure[];
  /** What this run could not measure, though it measured the rest. */
  readonly problems?: readonly string[];
}

export interface Section {
  /** A word for the command line and the JSON file. */
  readonly name: string;
  readonly title: string;
  readonly notes: readonly string[];
  /** It measures an image: it runs for each of those that are named. */
  readonly ofImage?: boolean;
  /** And wants it built before. */
  readonly needsImage?: boolean;
  /** Its figures are the same every time, so one run does. */
  readonly once?: boolean;
  /** It takes long: it runs only when it is named. */
  readonly onlyNamed?: boolean;
  /** What has to be there before the first run, not timed. */
  readonly prepare?: (context: SectionContext) => Promise<void>;
  /** @param run counted from 1 */
  readonly run: (context: SectionContext, run: number) => Promise<Run>;
  /** Undoes `prepare`; called once, whatever happened. */
  readonly close?: () => Promise<void>;
}

/** The runs of a section. Never throws: what went wrong is a problem of the report, with the figures there were before it. */
export async function measureSection(section: Section, context: SectionContext): Promise<SectionReport> {
  const done: Run[] = [];
  const problems: string[] = [];
  const runs = section.once ? 1 : context.runs;
  const since = performance.now();
  try {
    context.signal.throwIfAborted();
    context.say(`${section.name}: preparing`);
    await section.prepare?.(context);
    for (let run = 1; run <= runs; run++) {
      context.signal.throwIfAborted();
      context.say(`${section.name}: run ${run} of ${runs}`);
      const result = await section.run(context, run);
      summarise([result.figures]);
      done.push(result);
    }
  } catch (error) {
    problems.push(reason(context.signal.aborted ? context.signal.reason : error));
  }
  await section.close?.().catch((error: unknown) => problems.push(reason(error)));
  problems.unshift(...new Set(done.flatMap(run => run.problems ?? [])));
  const took = ((performance.now() - since) / 1000).toFixed(0);
  context.say(`${section.name}: ${problems.length > 0 ? 'NOT ALL MEASURED' : 'done'} after ${took} s`);
  const { name, title, notes, ofImage = false } = section;
  const summaries = summarise(done.map(({ figures }) => figures));
  if (summaries.length === 0 && problems.length === 0) problems.push('the section gave no figures');
  return { name, title, notes, ...(ofImage ? { image: context.image } : {}), summaries, problems };
}

/** What failed, without the stack: the message, and of a tool its own error, or else its last words. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const tail = error instanceof BuildError ? (error.tail ?? '').split('\n').filter(line => line !== '') : [];
  const own = tail.findLastIndex(line => line.startsWith('error:'));
  return [error.message, ...tail.slice(own >= 0 ? own : -lastWords)].join('\n');
}

/** Lines. */
const lastWords = 4;

/** Writes `<directory>/<section>.json`, of an image `<section>-<image>.json`. */
export async function writeReport(directory: string, report: SectionReport, machine: object): Promise<void> {
  await mkdir(directory, { recursive: true });
  const { name, image, title, notes, summaries, problems } = report;
  const content = { section: name, image, title, notes, machine, figures: summaries, problems };
  const file = image === undefined ? name : `${name}-${image}`;
  await writeFile(join(directory, `${file}.json`), `${JSON.stringify(content, undefined, 2)}\n`);
}
