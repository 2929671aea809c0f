import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Image } from '../cri/types.ts';
import { pod } from '../pods/testing.ts';
import { credentialsFor, matches } from './credentials.ts';
import { type Candidate, chooseImages } from './garbage.ts';
import { pullPolicy } from './images.ts';

test('pull policy by tag', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  for (const [image, policy] of [
    ['busybox', 'Always'],
    ['busybox:latest', 'Always'],
    ['busybox:1.37', 'IfNotPresent'],
    ['localhost:5000/busybox', 'Always'],
    ['localhost:5000/busybox:1', 'IfNotPresent'],
    [`busybox@${digest}`, 'IfNotPresent'],
  ] as const)
    assert.equal(pullPolicy({ image }), policy, image);
  assert.equal(pullPolicy({ image: 'busybox', imagePullPolicy: 'Never' }), 'Never');
});

test('registries of credentials', () => {
  for (const [server, image, is] of [
    ['https://index.docker.io/v1/', 'busybox:1', true],
    ['https://index.docker.io/v1/', 'library/busybox', true],
    ['https://index.docker.io/v1/', 'quay.io/x/y', false],
    ['registry.example.com:5000', 'registry.example.com:5000/a/b:1', true],
    ['registry.example.com', 'registry.example.com:5000/a', false],
    ['*.example.com', 'eu.example.com/a', true],
    ['*.example.com', 'a.eu.example.com/a', false],
    ['example.com/team', 'example.com/team/x', true],
    ['example.com/team', 'example.com/other/x', false],
  ] as const)
    assert.equal(matches(server, image), is, `${server} ${image}`);
});

test('credentials out of pull secrets, the most exact first', async () => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
  const auths = {
    'example.com': { auth: Buffer.from('u:p:w').toString('base64') },
    'example.com/team': { username: 'team', password: 'x' },
  };
  const objects = {
    configMap: async () => undefined,
    secret: async (name: string) =>
      name === 'good'
        ? { metadata: {}, data: { '.dockerconfigjson': encode({ auths }) } }
        : { metadata: {}, data: { '.dockerconfigjson': 'bm90IGpzb24=' } },
  };
  const p = pod({ imagePullSecrets: [{ name: 'broken' }, { name: 'good' }] });
  assert.deepEqual(await credentialsFor(p, 'example.com/team/x:1', objects), [
    { serverAddress: 'example.com/team', username: 'team', password: 'x' },
    { serverAddress: 'example.com', username: 'u', password: 'p:w' },
  ]);
  assert.deepEqual(await credentialsFor(p, 'quay.io/x', objects), []);
});

test('images to remove: the longest unused first, never pinned ones, nor those in use', () => {
  const image = (id: string, more: Partial<Image> = {}): Image => ({
    id,
    repoTags: [`${id}:1`],
    repoDigests: [],
    size: 100,
    uid: null,
    username: '',
    pinned: false,
    ...more,
  });
  const now = 10_000_000;
  const candidate = (id: string, lastUsed: number, more: Partial<Image> = {}, firstSeen = 0): Candidate => ({
    image: image(id, more),
    lastUsed,
    firstSeen,
  });
  const all = [
    candidate('new', 0, {}, now - 1000),
    candidate('old', 1),
    candidate('older', 0),
    candidate('pinned', 0, { pinned: true }),
    candidate('named', 0),
    candidate('used', 0),
  ];
  const chosen = (bytes: number): string[] =>
    chooseImages(all, new Set(['used']), ['named:1'], bytes, now).map(i => i.id);
  assert.deepEqual(chosen(50), ['older']);
  assert.deepEqual(chosen(150), ['older', 'old']);
  assert.deepEqual(chosen(10_000), ['older', 'old']);
  assert.deepEqual(chosen(0), []);
});
