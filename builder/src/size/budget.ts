/**
 * An image's budget: how large it may be, and how large its parts were when that was decided. `images/budgets/<image>.json`, written by
 * `size IMAGE --record`; `size IMAGE --check` compares.
 */
import { join } from 'node:path';
import { repositoryRoot } from '../paths.ts';
import type { Share } from './report.ts';

export interface Budget {
  /** What is flashed may take so much: bytes of the .zst. */
  readonly zstBytes: number;
  /** What the parts of the root took in the image: package → KiB. */
  readonly rootKiB: Readonly<Record<string, number>>;
}

export const budgetFile = (image: string, root: string = repositoryRoot): string =>
  join(root, 'images', 'budgets', `${image}.json`);

/** Room for what changes without anybody's doing: security updates of packages. */
const headroom = 1.01;

const kibibytes = (bytes: number): number => Math.round(bytes / 1024);

export function budgetOf(zstBytes: number, packages: readonly Share[]): Budget {
  return {
    zstBytes: Math.ceil(zstBytes * headroom),
    rootKiB: Object.fromEntries(
      packages
        .map(({ name, compressedBytes }) => [name, kibibytes(compressedBytes)] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
}

/** Parts that grew by less are not named. */
const noticedKiB = 32;
const namedParts = 10;

/** @returns undefined when the image keeps to its budget; otherwise what grew, the most first, a line each */
export function overBudget(budget: Budget, zstBytes: number, packages: readonly Share[]): string[] | undefined {
  if (zstBytes <= budget.zstBytes) return undefined;
  return packages
    .map(({ name, compressedBytes }) => ({ name, now: kibibytes(compressedBytes), before: budget.rootKiB[name] }))
    .map(part => ({ ...part, grown: part.now - (part.before ?? 0) }))
    .filter(({ grown }) => grown >= noticedKiB)
    .sort((a, b) => b.grown - a.grown)
    .slice(0, namedParts)
    .map(({ name, now, before, grown }) =>
      before === undefined
        ? `${name}: ${now} KiB, which was not there`
        : `${name}: ${grown} KiB more, ${now} instead of ${before}`,
    );
}
