/**
 * OpenAPI 3, a document a group and version (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3, KEP-2896).
 * kubectl reads it for `explain`, for the patches of `apply`, and to learn whether `dryRun` and `fieldValidation` are known.
 */
import { groupVersionOf, versionsOf } from '../discovery.ts';
import type { ResourceInfo } from '../resources.ts';
import { META } from '../schema/table.ts';
import { digest, type OpenApiDocument, packText } from './document.ts';
import {
  ALL_TYPES,
  BODY_TYPES,
  type MediaTypes,
  type Operation,
  operationsOf,
  type Parameter,
  rootOf,
} from './operations.ts';
import { pacer } from './pace.ts';
import { gvksOf, type JsonSchema, SchemaWriter } from './schema.ts';

const servedIn = (resources: readonly ResourceInfo[], group: string, version: string): ResourceInfo[] =>
  resources.filter(r => r.group === group && r.version === version);

function parameter(p: Parameter): JsonSchema {
  return {
    ...(p.in === 'path' ? { required: true } : {}),
    name: p.name,
    in: p.in,
    description: p.description,
    schema: { type: p.type, uniqueItems: true },
  };
}

function content(types: readonly string[], reference: string | undefined): JsonSchema {
  const schema = reference === undefined ? { type: 'string' } : { $ref: reference };
  return Object.fromEntries(types.map(type => [type, { schema }]));
}

export function operationV3(op: Operation, writer: SchemaWriter, types: MediaTypes = ALL_TYPES): JsonSchema {
  const answer = content(types.bodies, op.answer === undefined ? undefined : writer.reference(op.answer));
  const texts: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };
  const responses = Object.fromEntries(
    [200, ...op.codes].map(code => [code, { description: texts[code], content: answer }]),
  );
  const isPatch = op.method === 'patch';
  return {
    tags: [op.tag],
    description: op.description,
    operationId: op.operationId,
    parameters: op.parameters.map(parameter),
    ...(op.body === undefined
      ? {}
      : {
          requestBody: {
            content: content(isPatch ? types.patches : ['*/*'], writer.reference(op.body)),
            ...(op.method === 'delete' ? {} : { required: true }),
          },
        }),
    responses: { ...responses, 401: { description: 'Unauthorized' } },
    'x-kubernetes-action': op.action,
    'x-kubernetes-group-version-kind': op.gvk,
  };
}

/** `info` names the server: `{ title: 'Kubernetes', version: 'v1.36.4' }`. */
export interface OpenApiInfo {
  readonly title: string;
  readonly version: string;
}

/** The document as an object; see {@link openapiV3} for what is served. */
export async function buildV3(
  resources: readonly ResourceInfo[],
  group: string,
  version: string,
  info: OpenApiInfo,
): Promise<JsonSchema> {
  const pace = pacer();
  const served = servedIn(resources, group, version);
  const writer = new SchemaWriter('v3', definition => gvksOf(definition, [{ group, version }]));
  const paths: Record<string, JsonSchema> = {
    [`${rootOf(group, version)}/`]: {
      get: {
        tags: [],
        description: 'get available resources',
        operationId: `get${group}APIResources`,
        responses: {
          200: { description: 'OK', content: content(BODY_TYPES, writer.reference(`${META}.APIResourceList`)) },
        },
      },
    },
  };
  for (const op of served.flatMap(operationsOf)) {
    await pace();
    const at = paths[op.path] ?? {};
    paths[op.path] = at;
    at[op.method] = operationV3(op, writer);
  }
  return {
    openapi: '3.0.0',
    info,
    paths,
    components: {
      schemas: writer.schemas,
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  };
}

/** Serves `/openapi/v3` and the documents under it, each made when it is first asked for. */
export interface OpenApiV3 {
  /** `/openapi/v3`: where each group's document is. */
  readonly index: () => { paths: Record<string, { serverRelativeURL: string }> };
  /** The document of `/openapi/v3/<path>`, e.g. `api/v1` or `apis/apps/v1`; `undefined` where nothing is served. */
  readonly document: (path: string) => Promise<OpenApiDocument> | undefined;
}

/** A fixed list of resources; when that changes (custom resources), make another. */
export function openapiV3(resources: readonly ResourceInfo[], info: OpenApiInfo): OpenApiV3 {
  const made = new Map<string, Promise<OpenApiDocument>>();
  const groups = [...new Set(resources.map(r => r.group))];
  const places = new Map(
    groups.flatMap(group =>
      versionsOf(resources, group).map(version => [rootOf(group, version).slice(1), { group, version }] as const),
    ),
  );
  // The hash changes when the document would, and costs no building of it.
  const hash = (group: string, version: string): string =>
    digest(JSON.stringify([info, groupVersionOf(group, version), servedIn(resources, group, version)]));
  return {
    index: () => ({
      paths: Object.fromEntries(
        [...places].map(([path, { group, version }]) => [
          path,
          { serverRelativeURL: `/openapi/v3/${path}?hash=${hash(group, version)}` },
        ]),
      ),
    }),
    document: path => {
      const place = places.get(path);
      if (!place) return undefined;
      const { group, version } = place;
      const document =
        made.get(path) ??
        // The tag is what the index says.
        buildV3(resources, group, version, info).then(built =>
          packText(JSON.stringify(built), `"${hash(group, version)}"`),
        );
      made.set(path, document);
      return document;
    },
  };
}
