/** The files of the repository that are made from the shapes. */
import { jsonSchema } from '../../machine/config/jsonSchema.ts';
import { reference } from './reference.ts';

const schema = (...of: Parameters<typeof jsonSchema>): string => `${JSON.stringify(jsonSchema(...of), undefined, 2)}\n`;

/** By path from the top; made anew by `node --import tsx runtime/src/cli/config/publish.ts`. */
export const published: Readonly<Record<string, () => string>> = {
  'configs/atoll.schema.json': () => schema('user-data'),
  'configs/atoll-meta-data.schema.json': () => schema('meta-data'),
  'configs/atoll-network-config.schema.json': () => schema('network-config'),
  'docs/configuration.md': reference,
};
