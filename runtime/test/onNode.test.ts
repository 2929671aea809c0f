/** `atoll --node NAME …` as a person types it: a process with a kubeconfig, the real API server and tunnel, a machine that is a folder. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Trial } from '../src/machine/upgrade/types.ts';
import { entry, type FolderMachine, ROOTHASH, startFolderMachine } from './nodeInterfaceFixture.ts';
import { type InProcessServer, startServer } from './startServer.ts';

const bin = fileURLToPath(new URL('../src/cli/bin.ts', import.meta.url));
const tsx = fileURLToPath(import.meta.resolve('tsx'));
const DEADLINE_MS = 60_000;

describe('atoll --node', { timeout: 8 * DEADLINE_MS }, () => {
  let server: InProcessServer;
  let machine: FolderMachine;
  let onUpgrade: (machine: FolderMachine) => Promise<void> = async () => undefined;

  before(async () => {
    server = await startServer();
    machine = await startFolderMachine(server, 'node-a', { onStart: of => void onUpgrade(of) });
  });
  after(async () => {
    await machine?.close();
    await server?.close();
  });
  beforeEach(async () => {
    machine.started.splice(0);
    machine.version = '1.0.0';
    await machine.state({ history: [entry('blessed', '1.0.0')] });
  });

  /** What the command that was begun last has said, and whether it still runs. */
  let command = { said: '', runs: false };
  const atoll = (
    words: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number | null; said: string }> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ['--import', tsx, bin, ...words], {
        env: { PATH: process.env.PATH, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: DEADLINE_MS,
      });
      const own = { said: '', runs: true };
      command = own;
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', text => {
          own.said += String(text);
        });
      child.once('error', reject);
      child.once('close', code => {
        own.runs = false;
        resolve({ code, said: own.said });
      });
    });
  const onNode = (...words: string[]) => atoll(['--node', 'node-a', '--kubeconfig', server.kubeconfig, ...words]);

  const trial = {
    id: 'x',
    version: '2.0.0',
    roothash: ROOTHASH,
    slot: 'b',
    armedAt: '',
    deadlineSeconds: 600,
  } as Trial;
  const install = async (of: FolderMachine): Promise<void> => {
    await of.progress({ pid: 5000, phase: 'writing', version: '2.0.0', doneBytes: 50, totalBytes: 100 });
    await shown('Writing');
    await of.progress({ pid: 5000, phase: 'restarting', version: '2.0.0' });
    await of.state({ trial, history: [entry('installed', '2.0.0'), entry('blessed', '1.0.0')] });
    await shown('Restarting');
  };
  /** The machine goes on when the person has seen this, however slow everything is; or sees nothing any more. */
  const shown = async (words: string): Promise<void> => {
    while (command.runs && !command.said.includes(words)) await new Promise(resolve => setTimeout(resolve, 20));
  };

  it('shows an upgrade over the restart, to the blessing', async () => {
    onUpgrade = async of => {
      await install(of);
      await of.restart(() => {
        of.version = '2.0.0';
        return shown('Waiting');
      });
      await shown('on trial');
      await of.state({ history: [entry('blessed', '2.0.0', 'healthy after 41 s'), entry('installed', '2.0.0')] });
    };
    const { code, said } = await onNode('upgrade', 'https://example.com/', '--limit', '2M', '--retry-for', '2h');
    assert.equal(code, 0, said);
    assert.deepEqual(machine.started, [
      'atoll-upgrade: upgrade --limit=2M --retry-for=2h --deadline=10m --yes -- https://example.com/',
    ]);
    const lines = said.split('\n');
    assert.equal(lines[0], 'node-a runs 1.0.0; it is being upgraded.');
    assert.match(said, /Writing\nRestarting\nWaiting for node-a to come back\nnode-a runs 2\.0\.0 on trial/);
    assert.equal(lines.at(-2), 'node-a runs 2.0.0: blessed (healthy after 41 s).');
  });

  it('says why the node fell back', async () => {
    onUpgrade = async of => {
      await install(of);
      await of.restart();
      const why = 'pods: default/web-0 does not run';
      await of.state({ history: [entry('fell-back', '2.0.0', why), entry('blessed', '1.0.0')] });
    };
    const { code, said } = await onNode('upgrade', 'https://example.com/');
    assert.equal(code, 1, said);
    assert.match(
      said,
      /node-a fell back to 1\.0\.0, because 2\.0\.0 was not healthy: pods: default\/web-0 does not run\n$/,
    );
  });

  it('says why nothing was installed', async () => {
    onUpgrade = of =>
      of.progress({
        pid: 6000,
        phase: 'failed',
        message: 'the bundle is signed by nobody this machine trusts',
        mayPass: false,
      });
    const { code, said } = await onNode('upgrade', '/usb');
    assert.equal(code, 1, said);
    assert.match(said, /node-a still runs 1\.0\.0: the bundle is signed by nobody this machine trusts\n$/);
  });

  it('goes back', async () => {
    onUpgrade = async of => {
      await of.restart(async () => {
        of.version = '0.9.0';
        await of.state({
          history: [entry('rolled-back', '1.0.0', 'to 0.9.0 in slot a, as asked'), entry('blessed', '1.0.0', 'x')],
        });
      });
    };
    assert.match((await onNode('rollback')).said, /rollback --yes goes back/);
    const { code, said } = await onNode('rollback', '--yes');
    assert.equal(code, 0, said);
    assert.deepEqual(machine.started, ['atoll-rollback: rollback --yes']);
    assert.match(said, /node-a went back to 0\.9\.0: to 0\.9\.0 in slot a, as asked\n$/);
  });

  it('looks', async () => {
    const [status, history, json, logs] = await Promise.all([
      onNode('upgrade', 'status'),
      onNode('upgrade', 'history'),
      atoll(['--node=node-a', 'upgrade', 'status', '-o', 'json'], { KUBECONFIG: server.kubeconfig }),
      onNode('logs', 'server', '-n', '5'),
    ]);
    assert.match(status.said, /Node\s+node-a, vm-x86_64\n\s+Runs\s+1\.0\.0, slot a\n/);
    assert.match(history.said, /blessed\s+1\.0\.0/);
    assert.equal((JSON.parse(json.said) as { running: { version: string } }).running.version, '1.0.0');
    assert.match(logs.said, /--unit=atoll-server\.service/);
    assert.match(logs.said, /--lines=5/);
  });

  it('says what is wrong', async () => {
    const rows: readonly (readonly [words: readonly string[], code: number, said: RegExp])[] = [
      [['--node'], 2, /--node needs a value/],
      [['--kubeconfig', 'x', 'status'], 2, /goes with --node/],
      [['--node', 'n', '--kubeconfig', '/none', 'status'], 2, /\/none cannot be read/],
      [
        ['--node', 'n', '--kubeconfig', server.kubeconfig, 'backup', 'list'],
        2,
        /works on its own machine only; through --node: upgrade/,
      ],
      [['--node', 'n', '--kubeconfig', server.kubeconfig, 'upgrade', 'status'], 1, /nodes "n" not found/],
      [
        ['--node', 'node-a', '--kubeconfig', server.kubeconfig, 'upgrade', 'bundles'],
        1,
        /neither a URL, nor a path of this node/,
      ],
      [['--node', 'node-a', '--kubeconfig', server.kubeconfig, 'reset'], 2, /reset --yes erases without asking/],
    ];
    const answers = await Promise.all(rows.map(([words]) => atoll(words)));
    for (const [i, [words, code, said]] of rows.entries()) {
      assert.match(answers[i]?.said ?? '', said, words.join(' '));
      assert.equal(answers[i]?.code, code, words.join(' '));
      assert.doesNotMatch(answers[i]?.said ?? '', /\n\s+at /, 'no stack');
    }
  });
});
