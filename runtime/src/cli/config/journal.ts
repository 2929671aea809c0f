/** Words for the journal. */
import { type ConfigStatus, problemLine } from '../../machine/config/status.ts';

export const say = (text: string): void => void process.stderr.write(`atoll-config: ${text}\n`);

export function tellJournal({ problems, state, generation }: ConfigStatus): void {
  say(`${state}${generation === undefined ? '' : `, generation ${generation}`}`);
  for (const problem of problems) say(`${problem.severity}: ${problemLine(problem)}`);
}
