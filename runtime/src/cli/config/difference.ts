/** `atoll config diff`: what a file would change on this node, key by key, and what of it needs a reboot. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { namesOf } from '../../machine/config/check.ts';
import { isSecret } from '../../machine/config/checkWords.ts';
import { readConfig } from '../../machine/config/read.ts';
import { documentShapes } from '../../machine/config/schema.ts';
import { fieldShape } from '../../machine/config/secrets.ts';
import type { Shape } from '../../machine/config/shape.ts';
import { effectiveSources, readGathered } from '../../machine/config/sources/gathered.ts';
import { problemLine } from '../../machine/config/status.ts';
import { pathText, type Tree } from '../../machine/config/tree.ts';
import { type DocumentName, documentNames, type SourceDocuments } from '../../machine/config/types.ts';
import { type CommandContext, UsageError } from '../command.ts';
import { type Named, namedDocuments, nodeDocuments, shownName, withTexts } from './documents.ts';
import { coloursOf, problemText } from './problems.ts';
import { COVERED, shown } from './show.ts';

export async function showDifference({ values, rest, stdout }: CommandContext): Promise<number> {
  const [file, ...more] = rest;
  if (more.length > 0) throw new UsageError(`atoll config diff takes one file or folder; "${more[0]}" was given, too`);
  const node = nodeDocuments(values.one('config-dir'));
  const named = file === undefined ? await documentsAtHand(node?.sources ?? [], stdout) : namedDocuments(file);
  const what = file === undefined ? 'What the sources say' : shownName(file);
  const next = readConfig(named.sources);
  const paint = coloursOf(process.stdout.isTTY === true, process.env);
  for (const problem of next.problems) stdout(problemText(problem, named.texts, paint));
  if (!next.config) {
    stdout(`${what} is refused: it would change nothing.\n`);
    return 1;
  }
  const current = readConfig(node?.sources ?? []);
  if (!node) stdout('# Nothing is configured here: compared with the defaults.\n');
  const changes: Change[] = [];
  for (const name of documentNames) {
    const tree = next.trees[name];
    // A document that the file does not hold stays as it is.
    if (tree)
      compare(
        current.trees[name],
        tree,
        { document: name, path: [], shape: documentShapes[name], reboot: false },
        changes,
      );
  }
  const secrets = values.has('secrets');
  for (const change of changes) stdout(`${changeText(change, secrets)}\n`);
  const reboot = [...new Set(changes.filter(({ needsReboot }) => needsReboot).map(({ path }) => pathText(path)))];
  if (changes.length === 0)
    stdout(file === undefined ? 'The sources say what is in force already.\n' : 'It says what is in force already.\n');
  else if (reboot.length > 0) stdout(`Needs a reboot: ${reboot.join(', ')}\n`);
  if (file === undefined && changes.length > 0) stdout('atoll config apply takes it; so does the next boot.\n');
  return 0;
}

/**
 * What the sources of this machine say now, its URL among them; one that is silent says what it said last.
 * @throws UsageError where there are none to ask
 */
async function documentsAtHand(stored: readonly SourceDocuments[], stdout: (text: string) => void): Promise<Named> {
  if (!existsSync('/usr/lib/atoll/config-gather'))
    throw new UsageError('say which: atoll config diff FILE|DIR (without one, a node compares its sources)');
  const { gather, workDir } = await import('../../machine/config/onNode.ts');
  if (process.getuid?.() !== 0)
    throw new UsageError('only root may look at the sources: config diff FILE is for everybody');
  gather();
  const now = readGathered(join(workDir, 'sources'));
  for (const { message } of now.problems) throw new UsageError(message);
  // A file that was given by hand counts until the sources alone are applied.
  const kept = stored.filter(({ source }) => source !== 'command');
  const { askOwnUrl } = await import('./ownUrl.ts');
  const url = await askOwnUrl(stdout);
  if (!url) throw new UsageError('stopped before the URL had answered');
  for (const problem of url.problems) stdout(`${problem.severity}: ${problemLine(problem)}\n`);
  return withTexts(effectiveSources([...url.sources, ...now.sources], kept));
}

type Path = readonly (string | number)[];

export interface Change {
  readonly document: DocumentName;
  readonly path: Path;
  readonly before: Tree | undefined;
  readonly after: Tree | undefined;
  readonly shape: Shape | undefined;
  readonly needsReboot: boolean;
}

interface Where {
  readonly document: DocumentName;
  readonly path: Path;
  readonly shape: Shape | undefined;
  readonly reboot: boolean;
}

/** Mappings key by key, everything else as a whole. */
export function compare(before: Tree | undefined, after: Tree | undefined, where: Where, changes: Change[]): void {
  if (before === undefined && after === undefined) return;
  const mappings = [before, after].filter(tree => tree !== undefined);
  if (mappings.every(tree => tree.kind === 'mapping')) {
    const keys = new Set(mappings.flatMap(tree => [...tree.entries.keys()]));
    const get = (tree: Tree | undefined, key: string): Tree | undefined =>
      tree?.kind === 'mapping' ? tree.entries.get(key)?.value : undefined;
    for (const key of keys)
      compare(
        get(before, key),
        get(after, key),
        {
          ...where,
          path: [...where.path, key],
          shape: fieldShape(where.shape, key),
          reboot: where.reboot || needsReboot(where.shape, key),
        },
        changes,
      );
    return;
  }
  const same =
    before &&
    after &&
    JSON.stringify(shown(before, where.shape, true)) === JSON.stringify(shown(after, where.shape, true));
  if (same) return;
  const { document, path, shape, reboot } = where;
  changes.push({ document, path, before, after, shape, needsReboot: reboot });
}

function needsReboot(shape: Shape | undefined, key: string): boolean {
  if (shape?.kind === 'either') return shape.of.some(of => needsReboot(of, key));
  return shape?.kind === 'mapping' && shape.fields[namesOf(shape.fields).get(key) ?? '']?.reboot === true;
}

function changeText({ document, path, before, after, shape }: Change, secrets: boolean): string {
  const text = (tree: Tree): string => {
    if (!secrets && shape && isSecret(shape)) return COVERED;
    const json = JSON.stringify(shown(tree, shape, secrets));
    return json.length > 100 ? `${json.slice(0, 97)}…` : json;
  };
  const key = `${document === 'user-data' ? '' : `${document}: `}${pathText(path)}`;
  if (!before) return `+ ${key}: ${after ? text(after) : ''}`;
  if (!after) return `- ${key}: ${text(before)}`;
  return `~ ${key}: ${text(before)} → ${text(after)}`;
}
