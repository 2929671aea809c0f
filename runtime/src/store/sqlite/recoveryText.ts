import type { Recovery } from './recover.ts';

/** One sentence for the console and the log: what happened, what was lost, where the damaged file is. */
export function recoveryText({ how, problems, damaged, snapshot, lostAfter }: Recovery): string {
  const because = problems[0] ?? 'it was damaged';
  const kept = damaged === undefined ? '' : ` The damaged file is kept as ${damaged}.`;
  switch (how) {
    case 'log':
      return `The end of the store's log could not be read (${because}): what was written after revision ${lostAfter} is lost.`;
    case 'rebuilt':
      return `The store was damaged (${because}) and has been rebuilt from its rows; nothing is lost.${kept}`;
    case 'snapshot':
      return `The store was damaged (${because}) and has been restored from the snapshot of ${snapshot?.created}: what was written after revision ${lostAfter} is lost.${kept}`;
  }
}
