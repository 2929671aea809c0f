import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readStates, StateReporter } from './state.ts';

test('components report apart, the banner speaks for both', t => {
  const dir = mkdtempSync(join(tmpdir(), 'atoll-state-'));
  t.after(() => rmSync(dir, { recursive: true }));
  assert.deepEqual(readStates(dir), []);
  const server = new StateReporter(dir, 'server');
  const agent = new StateReporter(dir, 'agent');
  server.report('ready', '', { apiUrl: 'https://192.0.2.1:6443' });
  agent.report('not-ready', 'waiting for containerd', { nodeName: 'gw-1' });
  assert.deepEqual(
    readStates(dir).map(s => [s.component, s.phase]),
    [
      ['agent', 'not-ready'],
      ['server', 'ready'],
    ],
  );
  const banner = readFileSync(join(dir, 'banner'), 'utf8');
  assert.match(banner, /waiting for containerd/);
  assert.match(banner, /gw-1/);

  const before = statSync(join(dir, 'banner')).ino;
  agent.report('not-ready', 'waiting for containerd');
  assert.equal(statSync(join(dir, 'banner')).ino, before, 'the same state is not written again');
  agent.report('ready', '');
  assert.match(readFileSync(join(dir, 'banner'), 'utf8'), /Ready, [\d.]+ s after power-on/);
  assert.equal(readStates(dir)[0]?.nodeName, 'gw-1', 'facts once said are kept');
});

test('a half-written or foreign state file is passed over', t => {
  const dir = mkdtempSync(join(tmpdir(), 'atoll-state-'));
  t.after(() => rmSync(dir, { recursive: true }));
  new StateReporter(dir, 'server').report('starting', 'x');
  writeFileSync(join(dir, 'state', 'agent.json'), '{"component":"ag');
  writeFileSync(join(dir, 'state', 'agent.json.123'), '{}');
  assert.deepEqual(
    readStates(dir).map(s => s.component),
    ['server'],
  );
});
