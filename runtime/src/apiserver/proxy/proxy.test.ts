import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, Pod, Service } from '../../api/generated/types/core.v1.ts';
import type { EndpointSlice } from '../../api/generated/types/discovery.v1.ts';
import { StatusError } from '../../api/status.ts';
import { rewriteHtml, rewriteUrl } from './rewrite.ts';
import { nodeTarget, podTarget, serviceTarget, splitName, type Target } from './target.ts';

/** `http 10.42.0.5:80 on n1`, or the error's code and message. */
function outcome(find: () => Target): string {
  try {
    const { scheme, address, nodeName } = find();
    const where = address ? `${address.ip}:${address.port}` : 'kubelet';
    return `${scheme} ${where} on ${nodeName ?? 'nowhere'}`;
  } catch (error) {
    if (error instanceof StatusError) return `${error.code} ${error.message}`;
    throw error;
  }
}

const pod = (ip: string | undefined, ports: readonly number[]): Pod => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    nodeName: 'n1',
    containers: [{ name: 'a' }, { name: 'b', ports: ports.map(containerPort => ({ containerPort })) }],
  },
  ...(ip === undefined ? {} : { status: { podIP: ip, podIPs: [{ ip }] } }),
});

describe('the name of a pod proxy', () => {
  const cases: readonly (readonly [id: string, of: Pod, expected: string])[] = [
    ['web', pod('10.42.0.5', []), 'http 10.42.0.5:80 on n1'],
    ['web', pod('10.42.0.5', [8080, 9090]), 'http 10.42.0.5:8080 on n1'],
    ['web:9090', pod('10.42.0.5', [8080]), 'http 10.42.0.5:9090 on n1'],
    ['https:web:8443', pod('10.42.0.5', [8080]), 'https 10.42.0.5:8443 on n1'],
    ['https:web:', pod('10.42.0.5', []), 'https 10.42.0.5:443 on n1'],
    ['http:web:80', pod('fd00::5', []), 'http fd00::5:80 on n1'],
    ['ftp:web:80', pod('10.42.0.5', []), '400 invalid pod request "ftp:web:80"'],
    ['a:b:c:d', pod('10.42.0.5', []), '400 invalid pod request "a:b:c:d"'],
    [':80', pod('10.42.0.5', []), '400 invalid pod request ":80"'],
    ['web:http', pod('10.42.0.5', []), '400 invalid port "http": it must be a number from 1 to 65535'],
    ['web:99999', pod('10.42.0.5', []), '400 invalid port "99999": it must be a number from 1 to 65535'],
    ['web', pod(undefined, []), '400 address not allowed'],
    ['web', pod('127.0.0.1', []), '400 address not allowed'],
    ['web', pod('169.254.1.1', []), '400 address not allowed'],
    ['web', pod('::1', []), '400 address not allowed'],
    ['web', pod('0.0.0.0', []), '400 address not allowed'],
    ['web', pod('example.com', []), '400 address not allowed'],
  ];
  for (const [id, of, expected] of cases)
    it(`${id} of ${of.status?.podIP}`, () =>
      assert.equal(
        outcome(() => podTarget(splitName(id, 'pod'), of)),
        expected,
      ));
});

describe('the name of a node proxy', () => {
  const node: Node = {
    metadata: { name: 'n1' },
    status: {
      addresses: [{ type: 'InternalIP', address: '192.0.2.7' }],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    },
  };
  const cases: readonly (readonly [id: string, expected: string])[] = [
    ['n1', 'http kubelet on n1'],
    ['n1:10250', 'http kubelet on n1'],
    ['https:n1:10250', 'http kubelet on n1'],
    ['n1:9100', 'http 192.0.2.7:9100 on n1'],
    ['x:n1:1', '400 invalid node request "x:n1:1"'],
  ];
  for (const [id, expected] of cases)
    it(id, () =>
      assert.equal(
        outcome(() => nodeTarget(splitName(id, 'node'), node)),
        expected,
      ),
    );
});

describe('the name of a service proxy', () => {
  const service = {
    metadata: { name: 'web' },
    spec: {
      ports: [
        { name: 'http', port: 80 },
        { name: 'metrics', port: 9100 },
      ],
    },
  } as Service;
  const slice = {
    metadata: { name: 'web-1' },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.42.0.4'], conditions: { ready: false }, nodeName: 'n0' },
      { addresses: ['10.42.0.5'], conditions: { ready: true }, nodeName: 'n1' },
    ],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  } as EndpointSlice;
  const cases: readonly (readonly [id: string, slices: readonly EndpointSlice[], expected: string])[] = [
    ['web:http', [slice], 'http 10.42.0.5:8080 on n1'],
    ['web:80', [slice], 'http 10.42.0.5:8080 on n1'],
    ['https:web:http', [slice], 'https 10.42.0.5:8080 on n1'],
    ['web:81', [slice], '503 no service port 81 found for service "web"'],
    ['web:metrics', [slice], '503 no endpoints available for service "web"'],
    ['web', [slice], '503 no endpoints available for service "web"'],
    ['web:http', [], '503 no endpoints available for service "web"'],
    ['gopher:web:80', [slice], '400 invalid service request "gopher:web:80"'],
  ];
  for (const [id, slices, expected] of cases)
    it(id, () =>
      assert.equal(
        outcome(() => serviceTarget(splitName(id, 'service'), service, slices, undefined, () => 0)),
        expected,
      ),
    );
  it('takes Endpoints where nobody has made slices of them', () => {
    const endpoints = {
      metadata: { name: 'web' },
      subsets: [{ addresses: [{ ip: '10.42.0.9' }], ports: [{ name: 'http', port: 1 }] }],
    };
    const found = outcome(() => serviceTarget(splitName('web:80', 'service'), service, [], endpoints, () => 0));
    assert.equal(found, 'http 10.42.0.9:1 on nowhere');
  });
});

const through = { prefix: '/api/v1/namespaces/d/pods/web/proxy', host: 'api.test:6443' };

describe('links of a proxied page', () => {
  const urls: readonly (readonly [url: string, expected: string])[] = [
    ['/login', '/api/v1/namespaces/d/pods/web/proxy/login'],
    ['/', '/api/v1/namespaces/d/pods/web/proxy/'],
    ['/a?b=/c#d', '/api/v1/namespaces/d/pods/web/proxy/a?b=/c#d'],
    ['next', 'next'],
    ['../up', '../up'],
    ['?q=1', '?q=1'],
    ['#top', '#top'],
    ['https://example.com/x', 'https://example.com/x'],
    ['//example.com/x', '//example.com/x'],
    ['https://api.test:6443/x', '/api/v1/namespaces/d/pods/web/proxy/x'],
    ['/api/v1/namespaces/d/pods/web/proxy/x', '/api/v1/namespaces/d/pods/web/proxy/x'],
    ['mailto:a@b.c', 'mailto:a@b.c'],
    ['data:text/plain,x', 'data:text/plain,x'],
  ];
  for (const [url, expected] of urls) it(url, () => assert.equal(rewriteUrl(url, through), expected));

  const p = through.prefix;
  const pages: readonly (readonly [html: string, expected: string])[] = [
    ['<a href="/x">t</a>', `<a href="${p}/x">t</a>`],
    ["<IMG SRC='/i.png' alt='/not'>", `<IMG SRC='${p}/i.png' alt='/not'>`],
    ['<form action=/go method=post>', `<form action=${p}/go method=post>`],
    ['<p title="/x">/x</p>', '<p title="/x">/x</p>'],
    ['<!-- <a href="/x"> -->', '<!-- <a href="/x"> -->'],
    [
      '<script src="/s.js">let a = "<a href=\'/x\'>";</script>',
      `<script src="${p}/s.js">let a = "<a href='/x'>";</script>`,
    ],
    ['<a data-href="/x" href="y">', '<a data-href="/x" href="y">'],
  ];
  for (const [html, expected] of pages) it(html, () => assert.equal(rewriteHtml(html, through), expected));
});
