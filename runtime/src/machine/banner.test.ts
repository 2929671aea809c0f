import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderBanner } from './banner.ts';
import type { ComponentState } from './state.ts';

const image = { version: '0.1.0', image: 'vm-x86_64', kubernetes: 'v1.36.0' };
const state = (part: Partial<ComponentState>): ComponentState => ({
  component: 'agent',
  phase: 'starting',
  message: '',
  pid: 1,
  since: '2026-01-01T00:00:00Z',
  uptimeSeconds: 12.34,
  ...part,
});

test('the state line, from nothing to Ready', () => {
  const table: [ComponentState[], RegExp][] = [
    [[], /State {5}starting$/m],
    [[state({ component: 'server', message: 'opening the store' })], /not ready - control plane: opening the store/],
    [[state({ component: 'server', phase: 'ready' })], /the node agent has not started yet/],
    [
      [state({ component: 'server', phase: 'ready' }), state({ message: 'waiting for containerd' })],
      /not ready - node: waiting for containerd/,
    ],
    [[state({ component: 'server', phase: 'ready' }), state({ phase: 'ready' })], /Ready, 12\.3 s after power-on/],
    [
      [state({ component: 'server', phase: 'failed', message: 'disk full' }), state({ phase: 'ready' })],
      /FAILED - server: disk full/,
    ],
    [[state({ phase: 'ready' })], /Ready, 12\.3 s/],
  ];
  for (const [states, expected] of table) assert.match(renderBanner(states, image), expected);
});

test('says what it is and where, in ASCII, within 72 columns', () => {
  const text = renderBanner(
    [
      state({
        phase: 'not-ready',
        message: 'word '.repeat(60).trim(),
        nodeName: 'gw-1',
        addresses: ['192.0.2.7', '2001:db8::7'],
      }),
    ],
    image,
  );
  assert.match(text, /Atoll 0\.1\.0 \(vm-x86_64\), Kubernetes v1\.36\.0/);
  assert.match(text, /Node {6}gw-1/);
  assert.match(text, /Address {3}192\.0\.2\.7, 2001:db8::7/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
  assert.match(text, /^[\x00-\x7f]*$/);
  for (const line of text.split('\n')) assert.ok(line.length <= 72, line);
});

test('no network is said', () => assert.match(renderBanner([], image), /Address {3}none: no network/));
