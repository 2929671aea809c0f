import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRequestInfo, type RequestInfo } from './requestInfo.ts';

const info = (line: string): RequestInfo => {
  const [method = '', target = ''] = line.split(' ');
  const { pathname, searchParams } = new URL(target, 'http://x');
  return parseRequestInfo({ method, path: pathname, query: searchParams });
};

const selector = (text: string): string => `GET /api/v1/pods?fieldSelector=${encodeURIComponent(text)}`;

describe('what a request is about', () => {
  const rows: readonly (readonly [line: string, verb: string, resource: string, namespace: string, name: string])[] = [
    ['GET /api/v1/pods', 'list', 'pods', '', ''],
    ['GET /api/v1/pods?watch', 'watch', 'pods', '', ''],
    ['GET /api/v1/pods?watch=False', 'list', 'pods', '', ''],
    ['GET /api/v1/pods?watch=0', 'list', 'pods', '', ''],
    ['GET /api/v1/namespaces/a/pods/b', 'get', 'pods', 'a', 'b'],
    ['HEAD /api/v1/namespaces/a/pods/b', 'get', 'pods', 'a', 'b'],
    ['GET /api/v1/namespaces/a', 'get', 'namespaces', 'a', 'a'],
    ['PUT /api/v1/namespaces/a/status', 'update', 'namespaces', 'a', 'a'],
    ['GET /api/v1/watch/namespaces/a/pods/b', 'watch', 'pods', 'a', 'b'],
    ['GET /api/v1/watch/pods', 'watch', 'pods', '', ''],
    ['DELETE /apis/apps/v1/namespaces/a/deployments', 'deletecollection', 'deployments', 'a', ''],
    ['PATCH /apis/apps/v1/namespaces/a/deployments/b/scale', 'patch', 'deployments', 'a', 'b'],
    [selector('metadata.name=a'), 'list', 'pods', '', 'a'],
    [selector('metadata.name==a'), 'list', 'pods', '', 'a'],
    [selector('status.phase=Running,metadata.name=a'), 'list', 'pods', '', 'a'],
    [selector('metadata.name!=a'), 'list', 'pods', '', ''],
    [selector('metadata.name=a/b'), 'list', 'pods', '', ''],
    // One term, about another field: nothing of it may count as a name that was asked for.
    [selector('spec.nodeName!=x\\,metadata.name=a'), 'list', 'pods', '', ''],
    [selector('metadata.name=a\\,b'), 'list', 'pods', '', 'a,b'],
  ];
  for (const [line, verb, resource, namespace, name] of rows)
    it(line, () => {
      const found = info(line);
      assert.deepEqual(
        [found.isResource, found.verb, found.resource, found.namespace, found.name],
        [true, verb, resource, namespace, name],
      );
    });

  for (const line of ['GET /', 'GET /api', 'GET /api/v1', 'GET /apis/apps', 'GET /healthz', 'BREW /api/v1/pods'])
    it(`${line} is about no resource`, () => assert.equal(info(line).isResource, false));
});
