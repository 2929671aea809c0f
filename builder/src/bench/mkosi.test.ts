import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mkosiConfiguration, mkosiSources } from './mkosi.ts';

const wanted = { packages: ['systemd', 'nodejs'], components: ['main', 'non-free-firmware'] };

test('mkosi gets our packages, one an indented line, and our mirror', () => {
  const lines = mkosiConfiguration(wanted, 'http://example.test/debian').split('\n');
  assert.ok(lines.includes('Mirror=http://example.test/debian'));
  assert.deepEqual(lines.slice(lines.indexOf('Packages='), lines.indexOf('[Build]')), [
    'Packages=',
    '    systemd',
    '    nodejs',
  ]);
});

test('its apt has one suite, signed by Debian', () => {
  assert.equal(
    mkosiSources(wanted, 'http://example.test/debian'),
    'Types: deb\nURIs: http://example.test/debian\nSuites: trixie\nComponents: main non-free-firmware\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
  );
});
