/** `atoll config`: which of its actions is meant. */

import { nearest } from '../../lib/nearest.ts';
import { jsonSchema } from '../../machine/config/jsonSchema.ts';
import { documentNames } from '../../machine/config/types.ts';
import { type CommandContext, UsageError } from '../command.ts';
import { showDifference } from './difference.ts';
import { reference } from './reference.ts';
import { show } from './show.ts';
import { validate } from './validate.ts';

type Action = (context: CommandContext) => number | Promise<number>;

const actions: Readonly<Record<string, Action>> = {
  validate,
  show,
  diff: showDifference,
  apply: async context => (await import('./apply.ts')).configApply(context),
  schema,
  reference: ({ rest, stdout }) => {
    if (rest.length > 0) throw new UsageError('atoll config reference takes no arguments');
    stdout(reference());
    return 0;
  },
};

export async function config(context: CommandContext): Promise<number> {
  const [name = '', ...rest] = context.rest;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action) return action({ ...context, rest });
  const near = nearest(name, Object.keys(actions));
  throw new UsageError(
    `${name === '' ? 'say what to do' : `unknown: config ${name}`}: one of ${Object.keys(actions).join(', ')}${near ? `; did you mean ${near}?` : ''}`,
  );
}

function schema({ rest, stdout }: CommandContext): number {
  const [name = 'user-data', ...more] = rest;
  const document = documentNames.find(known => known === name);
  if (!document || more.length > 0)
    throw new UsageError(`atoll config schema is of one of ${documentNames.join(', ')}, not "${more[0] ?? name}"`);
  stdout(`${JSON.stringify(jsonSchema(document), undefined, 2)}\n`);
  return 0;
}
