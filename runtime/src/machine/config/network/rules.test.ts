import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { documentOf, networkText, problemText, read } from './testing/document.ts';
import { wrongNetworks } from './testing/wrong.ts';

describe('what is said of networks that cannot be', () => {
  for (const [what, text, expected] of wrongNetworks) {
    it(what, () => {
      const { problems, rendered } = read(networkText(text));
      assert.deepEqual(problems.map(problemText), expected);
      assert.equal(
        rendered === undefined,
        problems.some(({ severity }) => severity === 'error'),
      );
      for (const { place } of problems) assert.equal(place?.document, 'network-config');
    });
  }
});

it('shows lines and columns', () => {
  const { problems } = read(`network:
  version: 2
  ethernets:
    eth0:
      addresses:
        - 192.0.2.10/24
      routes:
        - to: default
          via: 192.0.3.1
`);
  assert.deepEqual(
    problems.map(({ place }) => [place?.line, place?.column]),
    [[9, 16]],
  );
});

it('never shows passwords and keys', () => {
  const secrets = ['sh0rt', 'not-a-key', 'pässwörter'];
  const { problems } = read(
    documentOf(
      `{wifis: {wlan0: {access-points: {a: {password: ${secrets[0]}}, b: {password: ${secrets[2]}}}}}, tunnels: {wg0: {mode: wireguard, key: ${secrets[1]}}}}`,
    ),
  );
  const text = JSON.stringify(problems);
  for (const secret of secrets) assert.ok(!text.includes(secret), text);
  assert.ok(problems.length > 0);
});
