/** OpenAPI 2 ("Swagger"), one document for everything: older kubectl and tools read it (`/openapi/v2`). */
import { versionsOf } from '../discovery.ts';
import type { ResourceInfo } from '../resources.ts';
import { ALL_TYPES, type MediaTypes, type Operation, operationsOf, type Parameter } from './operations.ts';
import { pacer } from './pace.ts';
import { gvksOf, type JsonSchema, SchemaWriter } from './schema.ts';
import type { OpenApiInfo } from './v3.ts';

function parameter(p: Parameter): JsonSchema {
  return {
    uniqueItems: true,
    type: p.type,
    description: p.description,
    name: p.name,
    in: p.in,
    ...(p.in === 'path' ? { required: true } : {}),
  };
}

export function operationV2(op: Operation, writer: SchemaWriter, types: MediaTypes = ALL_TYPES): JsonSchema {
  const schema = op.answer === undefined ? { type: 'string' } : { $ref: writer.reference(op.answer) };
  const texts: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };
  const body =
    op.body === undefined
      ? []
      : [
          {
            name: 'body',
            in: 'body',
            ...(op.method === 'delete' ? {} : { required: true }),
            schema: { $ref: writer.reference(op.body) },
          },
        ];
  return {
    description: op.description,
    consumes: op.method === 'patch' ? types.patches : ['*/*'],
    produces: types.bodies,
    schemes: ['https'],
    tags: [op.tag],
    operationId: op.operationId,
    parameters: [...body, ...op.parameters.map(parameter)],
    responses: {
      ...Object.fromEntries([200, ...op.codes].map(code => [code, { description: texts[code], schema }])),
      401: { description: 'Unauthorized' },
    },
    'x-kubernetes-action': op.action,
    'x-kubernetes-group-version-kind': op.gvk,
  };
}

/** The document as an object. */
export async function buildV2(resources: readonly ResourceInfo[], info: OpenApiInfo): Promise<JsonSchema> {
  const pace = pacer();
  const served = [...new Set(resources.map(r => r.group))].flatMap(group =>
    versionsOf(resources, group).map(version => ({ group, version })),
  );
  const writer = new SchemaWriter('v2', definition => gvksOf(definition, served));
  const paths: Record<string, JsonSchema> = {};
  for (const op of resources.flatMap(operationsOf)) {
    await pace();
    const at = paths[op.path] ?? {};
    paths[op.path] = at;
    at[op.method] = operationV2(op, writer);
  }
  return {
    swagger: '2.0',
    info,
    paths,
    definitions: writer.schemas,
    securityDefinitions: {
      BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  };
}
