/** The proxy subresources as people use them: real API server, tunnel, agent, containerd and pods; kubectl, `kubectl proxy`, WebSockets. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline';
import { buffer, text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { Pods, Services } from '../src/client/resources.ts';
import { NODE } from './nodeFixture.ts';
import { type StreamingNode, startStreamingNode } from './streamingNode.ts';

const run = promisify(execFile);
const DEADLINE_MS = 60_000;
/** More than the API server reads of a request of its own. */
const UPLOAD = Buffer.alloc(8 * 1024 * 1024, 'u');
/** More than is looked at for links. */
const LARGE_PAGE = `<a href="/x">x</a>${' '.repeat(9 * 1024 * 1024)}`;

let node: StreamingNode;
let web: Server;
let webPort: number;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** As the administrator, over the network. */
async function ask(
  path: string,
  options: {
    readonly method?: string;
    readonly body?: string | Buffer;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<Answer> {
  const { server } = node;
  const request = https.request(`${server.url}${path}`, {
    ca: server.ca,
    cert: server.admin.certificatePem,
    key: server.admin.privateKeyPem,
    method: options.method ?? 'GET',
    headers: options.headers ?? {},
    agent: false,
    timeout: DEADLINE_MS,
  });
  request.end(options.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

async function kubectl(...args: string[]): Promise<string> {
  const env = { ...process.env, KUBECONFIG: node.server.kubeconfig };
  return (await run('kubectl', args, { env, timeout: DEADLINE_MS })).stdout;
}

/** A server on this node's own address, which speaks of what it was asked. */
function startWeb(address: string): Promise<Server> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://web');
    switch (url.pathname) {
      case '/redirect':
        return response.writeHead(302, { location: '/there?x=1' }).end();
      case '/page':
        return response.writeHead(200, { 'content-type': 'text/html' }).end('<a href="/x">x</a>');
      case '/cookies':
        return response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }).end();
      case '/large.html':
        response.writeHead(200, { 'content-type': 'text/html', 'content-length': LARGE_PAGE.length });
        return response.end(LARGE_PAGE);
      case '/count':
        return void buffer(request).then(
          body => response.end(String(body.length)),
          () => response.destroy(),
        );
      case '/broken':
        response.writeHead(200, { 'content-length': 100 }).write('some');
        return void setTimeout(() => response.destroy(), 100);
      case '/teapot':
        return response.writeHead(418, { 'content-type': 'text/plain' }).end('short and stout');
    }
    text(request).then(
      body => {
        const { method, headers } = request;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ method, url: request.url, headers, body }));
      },
      () => response.destroy(),
    );
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', socket => socket.on('message', data => socket.send(`echo ${String(data)}`)));
  server.listen(0, address);
  return once(server, 'listening').then(() => server);
}

const ownAddress = (): string => {
  const found = Object.values(networkInterfaces())
    .flatMap(all => all ?? [])
    .find(own => !own.internal && own.family === 'IPv4' && !own.address.startsWith('169.254.'));
  assert.ok(found, 'this machine has an address beside loopback');
  return found.address;
};

describe('the proxy subresources', { timeout: 5 * DEADLINE_MS }, () => {
  const pod = '/api/v1/namespaces/default/pods';

  before(async () => {
    node = await startStreamingNode();
    const address = ownAddress();
    web = await startWeb(address);
    webPort = (web.address() as AddressInfo).port;
    await node.client.create(Services, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { ports: [{ name: 'http', port: 80, targetPort: webPort }] },
    });
    await kubectl('create', '-f', await endpointsFile(address));
  });
  after(async () => {
    web?.close();
    web?.closeAllConnections();
    await node?.close();
  });

  async function endpointsFile(address: string): Promise<string> {
    const { writeFile } = await import('node:fs/promises');
    const path = `${node.containerd.dir}/slice.json`;
    await writeFile(
      path,
      JSON.stringify({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true }, nodeName: NODE }],
        ports: [{ name: 'http', port: webPort, protocol: 'TCP' }],
      }),
    );
    return path;
  }

  it('reaches the kubelet of a node', async () => {
    assert.equal(await kubectl('get', '--raw', `/api/v1/nodes/${NODE}/proxy/healthz`), 'ok');
    const { items } = JSON.parse(await kubectl('get', '--raw', `/api/v1/nodes/${NODE}:10250/proxy/pods`)) as {
      items: { metadata: { name: string } }[];
    };
    assert.deepEqual(items.map(item => item.metadata.name).sort(), ['streams', 'waiting']);
    const missing = await ask('/api/v1/nodes/nobody/proxy/healthz');
    assert.equal(missing.status, 404);
    assert.match(missing.body, /nodes \\"nobody\\" not found/);
  });

  it('reaches a pod through its node', async () => {
    assert.equal(await kubectl('get', '--raw', `${pod}/streams:8080/proxy/index.html`), 'hello\n');
    const big = await ask(`${pod}/http:streams:8080/proxy/big`);
    assert.deepEqual([big.status, big.body.length], [200, 5_000_000]);
    const none = await ask(`${pod}/streams:8080/proxy/none`);
    assert.equal(none.status, 404);
    assert.match(none.body, /404 Not Found/);
  });

  it('says in upstream’s words what cannot be reached', async () => {
    const cases: readonly (readonly [path: string, status: number, message: RegExp])[] = [
      [`${pod}/streams:1/proxy/`, 503, /error trying to reach service: .*:1: connect ECONNREFUSED/],
      [`${pod}/ftp:streams:1/proxy/`, 400, /invalid pod request \\"ftp:streams:1\\"/],
      [`${pod}/nobody/proxy/`, 404, /pods \\"nobody\\" not found/],
      ['/api/v1/namespaces/default/services/web:81/proxy/', 503, /no service port 81 found for service \\"web\\"/],
      ['/api/v1/namespaces/default/services/web:x/proxy/', 503, /no endpoints available for service \\"web\\"/],
      ['/api/v1/namespaces/default/services/nobody/proxy/', 404, /services \\"nobody\\" not found/],
    ];
    for (const [path, status, message] of cases) {
      const { status: got, body } = await ask(path);
      assert.equal(got, status, `${path}: ${body}`);
      assert.match(body, message);
      assert.equal((JSON.parse(body) as { kind: string }).kind, 'Status');
    }
  });

  const service = '/api/v1/namespaces/default/services';

  it('passes method, path, query, headers and body on, and no credentials', async () => {
    const { body } = await ask(`${service}/web:http/proxy/a%20b/c?x=1&y=%2F`, {
      method: 'POST',
      body: 'hello',
      headers: { 'content-type': 'text/plain', 'x-own': 'v', connection: 'close', cookie: 'c=1' },
    });
    const seen = JSON.parse(body) as { method: string; url: string; headers: Record<string, string>; body: string };
    assert.deepEqual([seen.method, seen.url, seen.body], ['POST', '/a%20b/c?x=1&y=%2F', 'hello']);
    assert.equal(seen.headers['x-own'], 'v');
    assert.equal(seen.headers.cookie, 'c=1');
    assert.equal(seen.headers.authorization, undefined);
    assert.equal(seen.headers['x-forwarded-uri'], `${service}/web:http/proxy/a%20b/c`);
    assert.match(seen.headers['x-forwarded-for'] ?? '', /127\.0\.0\.1/);
    for (const method of ['PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS']) {
      const again = await ask(`${service}/web:80/proxy/m`, { method });
      assert.equal((JSON.parse(again.body) as { method: string }).method, method);
    }
    const head = await ask(`${service}/web:80/proxy/m`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
  });

  it('leads redirects and links back through itself', async () => {
    const bare = await ask(`${service}/web:80/proxy?x=1`);
    assert.deepEqual([bare.status, bare.headers.location], [301, `${service}/web:80/proxy/?x=1`]);
    const redirect = await ask(`${service}/web:80/proxy/redirect`);
    assert.deepEqual([redirect.status, redirect.headers.location], [302, `${service}/web:80/proxy/there?x=1`]);
    const page = await ask(`${service}/web:80/proxy/page`);
    assert.equal(page.body, `<a href="${service}/web:80/proxy/x">x</a>`);
    assert.deepEqual((await ask(`${service}/web:80/proxy/cookies`)).headers['set-cookie'], ['a=1', 'b=2']);
    const teapot = await ask(`${service}/web:80/proxy/teapot`);
    assert.deepEqual([teapot.status, teapot.body], [418, 'short and stout']);
  });

  it('carries bodies of any size, kept nowhere', async () => {
    const path = `${service}/web:80/proxy/count`;
    assert.equal((await ask(path, { method: 'POST', body: UPLOAD })).body, String(UPLOAD.length));
    const chunked = { 'transfer-encoding': 'chunked' };
    for (const method of ['PUT', 'DELETE']) {
      assert.equal((await ask(path, { method, body: UPLOAD, headers: chunked })).body, String(UPLOAD.length));
    }
    assert.equal((await ask(path, { method: 'POST' })).body, '0');
    const page = await ask(`${service}/web:80/proxy/large.html`);
    assert.ok(page.body === LARGE_PAGE, 'the page as it is');
    assert.equal(page.headers['content-length'], String(LARGE_PAGE.length));
    await assert.rejects(ask(`${service}/web:80/proxy/broken`), /aborted|hang up|ECONNRESET/);
  });

  it('carries bodies of any size over HTTP/2', async () => {
    const { server } = node;
    const { certificatePem: cert, privateKeyPem: key } = server.admin;
    const session = connectHttp2(server.url, { ca: server.ca, cert, key, maxSessionMemory: 200 });
    const post = async (name: string): Promise<string> => {
      const stream = session.request({ ':method': 'POST', ':path': `${service}/${name}:80/proxy/count` });
      stream.on('error', () => undefined); // of what is sent after the answer
      stream.end(UPLOAD);
      return text(stream);
    };
    try {
      // What is refused early takes nothing from the connection.
      for (let i = 0; i < 3; i++) assert.match(await post('none'), /services \\"none\\" not found/);
      assert.equal(await post('web'), String(UPLOAD.length));
    } finally {
      session.destroy();
    }
  });

  it('carries WebSockets', async () => {
    const { server } = node;
    const socket = new WebSocket(`${server.url.replace('https', 'wss')}${service}/web:80/proxy/ws`, {
      ca: server.ca,
      cert: server.admin.certificatePem,
      key: server.admin.privateKeyPem,
      handshakeTimeout: DEADLINE_MS,
    });
    await once(socket, 'open');
    socket.send('hi');
    const [message] = (await once(socket, 'message')) as [Buffer];
    assert.equal(message.toString(), 'echo hi');
    socket.close();
    await once(socket, 'close');
  });

  it('serves `kubectl proxy`', async () => {
    const env = { ...process.env, KUBECONFIG: node.server.kubeconfig };
    const child = spawn('kubectl', ['proxy', '--port=0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
      const port = /:(\d+)$/.exec(line)?.[1];
      const response = await fetch(`http://127.0.0.1:${port}${pod}/streams:8080/proxy/index.html`, {
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      assert.equal(await response.text(), 'hello\n');
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  it('asks whether the caller may', async () => {
    const { certificatePem, privateKeyPem } = node.server.certificateFor('nobody', []);
    const request = https.request(`${node.server.url}${pod}/streams:8080/proxy/`, {
      ca: node.server.ca,
      cert: certificatePem,
      key: privateKeyPem,
      agent: false,
    });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 403);
    assert.match(await text(response), /cannot get resource \\"pods\/proxy\\"/);
  });

  it('says that a pod’s node is not connected', async () => {
    assert.ok(await node.client.get(Pods, { namespace: 'default', name: 'streams' }));
    await node.disconnect();
    const { status, body } = await ask(`${pod}/streams:8080/proxy/`);
    assert.equal(status, 503);
    assert.match(body, /is not connected/);
  });
});
