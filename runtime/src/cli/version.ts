/** `atoll version`. */
import { release } from '../machine/release.ts';
import type { CommandContext } from './command.ts';

export async function version({ values, stdout }: CommandContext): Promise<number> {
  const r = release();
  const json = (values.optional('output') ?? values.optional('o')) === 'json';
  stdout(
    json
      ? `${JSON.stringify({ ...r, node: process.versions.node })}\n`
      : `Atoll       ${r.version}\nImage       ${r.image}\nKubernetes  ${r.kubernetes}\nNode.js     ${process.versions.node}\n`,
  );
  return 0;
}
