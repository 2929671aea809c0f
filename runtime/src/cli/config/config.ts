/** `atoll config`: which of its actions is meant. */

import { nearest } from '../../lib/nearest.ts';
import { jsonSchema } from '../../machine/config/jsonSchema.ts';
import { documentNames } from '../../machine/config/types.ts';
import { type CommandContext, UsageError } from '../command.ts';
import { showDifference } from './difference.ts';
import { reference } from './reference.ts';
import { show } from './show.ts';
import { validate } from './validate.ts';

interface Action {
  readonly run: (context: CommandContext) => number | Promise<number>;
  /** Of the command's; what it does not take is not ignored. */
  readonly options: readonly string[];
}

const actions: Readonly<Record<string, Action>> = {
  validate: { run: validate, options: ['output', 'o'] },
  show: { run: show, options: ['output', 'o', 'sources', 'secrets'] },
  diff: { run: showDifference, options: ['secrets'] },
  apply: { run: async context => (await import('./apply.ts')).configApply(context), options: ['dry-run'] },
  schema: { run: schema, options: [] },
  reference: {
    run: ({ rest, stdout }) => {
      if (rest.length > 0) throw new UsageError('atoll config reference takes no arguments');
      stdout(reference());
      return 0;
    },
    options: [],
  },
};
const OPTIONS = [...new Set(Object.values(actions).flatMap(({ options }) => options))];

export async function config(context: CommandContext): Promise<number> {
  const [name = '', ...rest] = context.rest;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action) {
    for (const option of OPTIONS)
      if (context.values.has(option) && !action.options.includes(option))
        throw new UsageError(
          `atoll config ${name} has no ${option.length === 1 ? '-' : '--'}${option}: it is of ${ofActions(option)}`,
        );
    return action.run({ ...context, rest });
  }
  const near = nearest(name, Object.keys(actions));
  throw new UsageError(
    `${name === '' ? 'say what to do' : `unknown: config ${name}`}: one of ${Object.keys(actions).join(', ')}${near ? `; did you mean ${near}?` : ''}`,
  );
}

const ofActions = (option: string): string =>
  Object.entries(actions)
    .flatMap(([name, { options }]) => (options.includes(option) ? [name] : []))
    .join(', ');

function schema({ rest, stdout }: CommandContext): number {
  const [name = 'user-data', ...more] = rest;
  const document = documentNames.find(known => known === name);
  if (!document || more.length > 0)
    throw new UsageError(`atoll config schema is of one of ${documentNames.join(', ')}, not "${more[0] ?? name}"`);
  stdout(`${JSON.stringify(jsonSchema(document), undefined, 2)}\n`);
  return 0;
}
