/** What the tests of custom resources share: a server with its controllers, kubectl on it, and definitions in few words. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before } from 'node:test';
import type { Handler } from '../src/lib/exchange.ts';
import { type Answered, ask } from './apiserverAsk.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';

export const KUBECTL_TIMEOUT_MS = 60_000;
export const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
export const MERGE = { 'content-type': 'application/merge-patch+json' };

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Names {
  readonly plural: string;
  readonly kind: string;
  readonly group: string;
  readonly more?: object;
  readonly scope?: 'Namespaced' | 'Cluster';
  readonly conversion?: object;
}

export const definition = (
  { plural, kind, group, scope = 'Namespaced', more = {}, conversion }: Names,
  ...versions: object[]
) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: { group, scope, names: { plural, kind, ...more }, versions, ...(conversion ? { conversion } : {}) },
});

export const version = (name: string, spec: object, more: object = {}, rest: object = {}) => ({
  name,
  served: true,
  storage: true,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      ...rest,
    },
  },
  ...more,
});

export type Definition = ReturnType<typeof definition>;

export interface CustomResourceCluster {
  readonly cluster: () => TestCluster;
  readonly handler: () => Handler;
  /** kubectl must succeed; what it printed. `input` is given to it as JSON. */
  readonly ok: (line: string | readonly string[], input?: object) => Promise<string>;
  /** kubectl must fail; what it said. */
  readonly fails: (line: string | readonly string[], input?: object) => Promise<string>;
  /** Asks the server itself, as administrator. */
  readonly asks: (line: string, body?: unknown, headers?: Record<string, string>) => Promise<Answered>;
  /** Makes the definition and waits until it is served. */
  readonly define: (made: Definition) => Promise<void>;
  readonly established: (name: string) => Promise<unknown>;
  /** Waits until the path answers 404. */
  readonly gone: (path: string) => Promise<unknown>;
  /** Replaces a definition by itself, changed. */
  readonly redefine: (name: string, change: (spec: Definition['spec']) => void) => Promise<Answered>;
}

/** One for all tests of a file: begun before them, ended after them. */
export function customResourceCluster(): CustomResourceCluster {
  let started: TestCluster | undefined;
  before(async () => {
    started = await startCluster();
  });
  after(() => started?.close());

  const cluster = (): TestCluster => {
    if (!started) throw new Error('the cluster has not been started: ask for it in a test');
    return started;
  };
  const handler = (): Handler => cluster().server.apiServer.handler;

  function kubectl(args: readonly string[], input = ''): Promise<Ran> {
    const { kubeconfig, directory } = cluster().server;
    return new Promise((resolve, reject) => {
      const all = ['--kubeconfig', kubeconfig, '--cache-dir', `${directory}/cache`, ...args];
      const limits = { timeout: KUBECTL_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 };
      const child = execFile('kubectl', all, limits, (error, out, err) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ code: Number(error?.code ?? 0), out, err });
      });
      child.stdin?.end(input);
    });
  }
  const run = (line: string | readonly string[], input?: object): Promise<Ran> =>
    kubectl(typeof line === 'string' ? line.split(' ') : line, input === undefined ? '' : JSON.stringify(input));
  const asks = (line: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> =>
    ask(handler(), line, { ...(body === undefined ? {} : { body }), headers });
  const established = (name: string) =>
    eventually(`${name} is established`, async () => {
      const { json } = await asks(`GET ${CRDS}/${name}`);
      const conditions: { type: string; status: string }[] = json.status?.conditions ?? [];
      return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
    });

  return {
    cluster,
    handler,
    asks,
    established,
    async ok(line, input) {
      const { code, out, err } = await run(line, input);
      assert.equal(code, 0, `kubectl ${String(line)}: ${err}`);
      return out;
    },
    async fails(line, input) {
      const { code, err } = await run(line, input);
      assert.notEqual(code, 0, `kubectl ${String(line)} should have failed`);
      return err;
    },
    async define(made) {
      const { status, json } = await asks(`POST ${CRDS}`, made);
      assert.equal(status, 201, JSON.stringify(json));
      await established(made.metadata.name);
    },
    gone: path => eventually(`${path} is gone`, async () => (await asks(`GET ${path}`)).status === 404),
    async redefine(name, change) {
      const { json } = await asks(`GET ${CRDS}/${name}`);
      change(json.spec);
      return asks(`PUT ${CRDS}/${name}`, json);
    },
  };
}
