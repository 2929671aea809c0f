/** Small objects, and custom ones, for the load on a server without controllers. */
import type { Connection } from './load.ts';

export const MAPS = '/api/v1/namespaces/bench/configmaps';
export const WIDGETS = '/apis/bench.test/v1/namespaces/bench/widgets';
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
/** The server reads of a definition what it is told of by its own watch. */
const SERVED_MS = 10_000;

const labels = { app: 'bench', tier: 'front' };

export const map = (name: string, value: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels },
    data: { value, 'bench.conf': 'x = 1\ny = 2\n' },
  });

export const widget = (name: string): string =>
  JSON.stringify({
    apiVersion: 'bench.test/v1',
    kind: 'Widget',
    metadata: { name, labels },
    spec: { size: 3, parts: [{ name: 'a', port: 80 }, { name: 'b' }], extra: { x: 'y' } },
  });

const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' };
const part = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', maxLength: 63 },
    port: { type: 'integer', minimum: 1, maximum: 65535, default: 8080 },
  },
};
const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 0 },
        mode: { type: 'string', enum: ['a', 'b'], default: 'a' },
        parts: { type: 'array', items: part },
        extra: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
    status: { type: 'object', properties: { ready: { type: 'boolean' } } },
  },
};

/** Defines {@link widget} and says what a controller would: that it is established. @throws Error when it is not served in time. */
export async function serveWidgets(connection: Connection): Promise<void> {
  const versions = [
    { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } },
  ];
  const spec = { group: 'bench.test', scope: 'Namespaced', names, versions };
  await connection.send('POST', DEFINITIONS, JSON.stringify({ metadata: { name: 'widgets.bench.test' }, spec }));
  const since = { status: 'True', reason: 'Bench', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
  const conditions = ['NamesAccepted', 'Established'].map(type => ({ type, ...since }));
  const status = { acceptedNames: names, storedVersions: ['v1'], conditions };
  const path = `${DEFINITIONS}/widgets.bench.test/status`;
  await connection.send('PATCH', path, JSON.stringify({ status }), 'application/merge-patch+json');
  for (const deadline = Date.now() + SERVED_MS; ; await new Promise(resolve => setTimeout(resolve, 20))) {
    const answer = await connection.send('GET', WIDGETS);
    if (answer.status === 200) return;
    if (Date.now() > deadline) throw new Error(`widgets are not served: ${answer.status} ${answer.body.toString()}`);
  }
}
