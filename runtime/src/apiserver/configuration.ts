/** The body of an apply: an object of which only some fields are given, as YAML or JSON. */
import { hasDuplicates } from '../api/duplicates.ts';
import type { KubeObject } from '../api/object.ts';
import { badRequest } from '../api/status.ts';
import type { Request } from '../lib/exchange.ts';
import { parseJson, readYaml } from './body.ts';
import { fieldValidationOf } from './writeOptions.ts';

export interface Configuration {
  /** A new one at each reading: applying takes it to pieces. `metadata` is there. */
  readonly config: KubeObject;
  readonly problems: {
    /** Fields said twice: a 400 with `fieldValidation=Strict`, else a warning. After the apply itself, as upstream. */
    report(warnings: string[]): void;
  };
}

/** @throws StatusError 400 for what is no object. */
export async function readConfiguration(request: Request): Promise<Configuration> {
  const text = request.body.toString('utf8');
  const { value, repeated } = await parsed(text);
  const config = (value ?? {}) as KubeObject;
  if (typeof config !== 'object' || Array.isArray(config)) {
    const given = Array.isArray(config) ? 'array' : typeof config;
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${given} into Go value of type map[string]interface {}`,
    );
  }
  const { metadata = {} } = config;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    throw badRequest('error decoding YAML: .metadata: expected map');
  config.metadata = metadata;
  // As in Go, what is no text is not there.
  for (const field of ['apiVersion', 'kind'] as const) if (typeof config[field] !== 'string') config[field] = '';
  const validation = fieldValidationOf(request);
  const error = repeated.length === 0 ? '' : repeatedText(repeated);
  return {
    config,
    problems: {
      report(warnings) {
        if (error === '' || validation === 'Ignore') return;
        if (validation === 'Strict') throw badRequest(`error strict decoding YAML: ${error}`);
        warnings.push(error);
      },
    },
  };
}

const repeatedText = (repeated: readonly string[]): string =>
  `error converting YAML to JSON: yaml: unmarshal errors:\n${repeated.map(line => `  ${line}`).join('\n')}`;

/** kubectl and client libraries send JSON, which need not be read as YAML. */
async function parsed(text: string): Promise<{ readonly value: unknown; readonly repeated: readonly string[] }> {
  if (/^\s*\{/.test(text)) {
    try {
      const value = parseJson(text, 'apply configuration');
      if (!hasDuplicates(text, value)) return { value, repeated: [] };
    } catch {
      // then it may still be YAML, whose own error is the one to tell
    }
  }
  try {
    return await readYaml(text);
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}
