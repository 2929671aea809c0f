/** kubectl's streams as a user has them: the real kubectl, API server, agent and containerd; WebSocket and SPDY. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer, text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { type StreamingNode, startStreamingNode } from './streamingNode.ts';

const kubectl = process.env.KUBECTL ?? 'kubectl';
const DEADLINE_MS = 60_000;
const MEBIBYTE = 1024 * 1024;

let node: StreamingNode;

/** How kubectl 1.31 and later choose; older ones know SPDY only. */
const transports = {
  WebSocket: {},
  SPDY: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' },
} as const;
type Transport = keyof typeof transports;

function start(command: string, args: readonly string[], transport: Transport = 'WebSocket'): ChildProcess {
  return spawn(command, args, {
    env: { ...process.env, ...transports[transport], KUBECONFIG: node.server.kubeconfig, HOME: node.containerd.dir },
    timeout: DEADLINE_MS,
    stdio: 'pipe',
  });
}

async function run(
  args: readonly string[],
  { stdin, transport, command = kubectl }: { stdin?: Buffer | string; transport?: Transport; command?: string } = {},
): Promise<{ code: number | null; out: Buffer; err: string }> {
  const child = start(command, args, transport);
  child.stdin?.on('error', () => undefined);
  if (stdin === undefined) child.stdin?.end();
  else child.stdin?.end(stdin);
  const [out, err, [code]] = await Promise.all([
    child.stdout ? buffer(child.stdout) : Buffer.alloc(0),
    child.stderr ? text(child.stderr) : '',
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, out, err };
}

before(async () => {
  node = await startStreamingNode();
});
after(() => node?.close());

for (const transport of Object.keys(transports) as Transport[]) {
  describe(`kubectl over ${transport}`, { timeout: 4 * DEADLINE_MS }, () => {
    const exec = (command: readonly string[], stdin?: Buffer | string) =>
      run(['exec', 'streams', '-c', 'main', ...(stdin === undefined ? [] : ['-i']), '--', ...command], {
        transport,
        ...(stdin === undefined ? {} : { stdin }),
      });

    it('exec gives both outputs and the exit code', async () => {
      const { code, out, err } = await exec(['sh', '-c', 'echo out; echo err >&2; exit 7']);
      assert.deepEqual([code, out.toString()], [7, 'out\n']);
      assert.match(err, /^err$/m);
      assert.match(err, /command terminated with exit code 7/);
      assert.equal((await exec(['true'])).code, 0);
    });

    it('exec ends standard input', async () => {
      const { code, out } = await exec(['sh', '-c', 'cat; echo end'], 'hi\n');
      assert.deepEqual([code, out.toString()], [0, 'hi\nend\n']);
    });

    it('exec says what cannot be run, and where there is nothing to run in', async () => {
      const { code, err } = await exec(['no-such-command']);
      assert.equal(code, 1);
      assert.match(err, /executable file not found/);
      const waiting = await run(['exec', 'waiting', '--', 'ls'], { transport });
      assert.match(waiting.err, /container not found \("absent"\)/);
    });

    it('exec gives all of a large output before the exit code', async () => {
      const { code, out } = await exec(['sh', '-c', 'head -c 20000000 /dev/zero; exit 9']);
      assert.deepEqual([code, out.length], [9, 20_000_000]);
    });

    it('cp copies 50 MiB there and back', async () => {
      const original = join(node.containerd.dir, `original-${transport}`);
      const back = join(node.containerd.dir, `back-${transport}`);
      const data = randomBytes(50 * MEBIBYTE);
      await writeFile(original, data);
      const there = await run(['cp', original, 'streams:/tmp/copy', '-c', 'main'], { transport });
      assert.equal(there.code, 0, there.err);
      const { code, err } = await run(['cp', 'streams:/tmp/copy', back, '-c', 'main'], { transport });
      assert.equal(code, 0, err);
      assert.ok(data.equals(await readFile(back)));
    });

    it('exec -t passes on the size of the terminal, and its changes', async () => {
      const sized = `/tmp/sized-${transport}`;
      const until = (condition: string): string => `until ${condition}; do sleep 0.05; done`;
      const wait = `${until('[ "$(stty size)" = "33 101" ]')}; touch ${sized}; ${until('[ "$(stty size)" = "40 90" ]')}; exit 5`;
      const inside = join(node.containerd.dir, `terminal-${transport}.sh`);
      await writeFile(
        inside,
        `stty rows 33 cols 101
        (${kubectl} exec streams -c main -- sh -c '${until(`[ -e ${sized} ]`)}' && stty rows 40 cols 90 < /dev/tty) &
        ${kubectl} exec -it streams -c main -- sh -c '${wait}'`,
      );
      const { code } = await run(['-q', '-e', '-c', `sh ${inside}`, '/dev/null'], {
        transport,
        command: 'script',
      });
      assert.equal(code, 5);
    });

    it('port-forward carries several connections at once', async () => {
      const child = start(kubectl, ['port-forward', 'pod/streams', ':8080', '--address', '127.0.0.1'], transport);
      try {
        if (!child.stdout) throw new Error('no output');
        let url = '';
        for await (const line of createInterface({ input: child.stdout })) {
          url = `http://${/Forwarding from (127\.0\.0\.1:\d+)/.exec(line)?.[1]}`;
          break;
        }
        child.stdout.resume();
        const fetched = await Promise.all(
          ['/', '/big', '/big', '/', '/missing'].map(async path => {
            const response = await fetch(url + path, { signal: AbortSignal.timeout(DEADLINE_MS) });
            return [response.status, (await response.arrayBuffer()).byteLength];
          }),
        );
        assert.deepEqual(fetched.slice(0, 4), [
          [200, 6],
          [200, 5_000_000],
          [200, 5_000_000],
          [200, 6],
        ]);
        assert.equal(fetched[4]?.[0], 404);
      } finally {
        child.kill();
        await once(child, 'close');
      }
    });
  });
}

describe('other clients', { timeout: DEADLINE_MS }, () => {
  /** Runs a command with one of the WebSocket protocols; gives each channel's text, in order of the channels. */
  const exec = async (protocols: string[], command: string, options = ''): Promise<string[]> => {
    const query = `container=main&stdout=1&stderr=1${options}&command=sh&command=-c&command=${encodeURIComponent(command)}`;
    const socket = new WebSocket(
      `${node.server.url.replace('https', 'wss')}/api/v1/namespaces/default/pods/streams/exec?${query}`,
      protocols,
      { ca: node.server.ca, cert: node.server.admin.certificatePem, key: node.server.admin.privateKeyPem },
    );
    const channels = ['', '', '', ''];
    socket.on('message', (data: Buffer) => {
      channels[data.readUInt8(0)] += data.toString('utf8', 1);
    });
    if (options !== '') socket.once('open', () => socket.send(Buffer.from('\0to stdin\n')));
    const [code] = await once(socket, 'close');
    assert.equal(code, 1000);
    return channels;
  };

  it('of v4 read the exit code as a Status', async () => {
    const [, out, err, status = ''] = await exec(['v4.channel.k8s.io'], 'echo out; echo err >&2; exit 3');
    assert.deepEqual([out, err], ['out\n', 'err\n']);
    assert.equal(JSON.parse(status).details.causes[0].message, '3');
    const [, , , success = ''] = await exec(['v5.channel.k8s.io', 'v4.channel.k8s.io'], 'exit 0');
    assert.equal(JSON.parse(success).status, 'Success');
  });

  it('of the first protocol, or none, read words, and may write', async () => {
    assert.deepEqual(await exec(['channel.k8s.io'], 'head -n 1', '&stdin=1'), ['', 'to stdin\n', '', '']);
    const [, , , failure = ''] = await exec([], 'exit 3');
    assert.match(failure, /exit code 3|exit status 3|non-zero exit code/);
  });

  it('that offer no protocol of ours are refused', async () => {
    await assert.rejects(exec(['v9.channel.k8s.io'], 'true'), /Unexpected server response: 400/);
  });
});

describe('kubectl', { timeout: 4 * DEADLINE_MS }, () => {
  it('attach speaks to the shell that runs', async () => {
    const child = start(kubectl, ['attach', '-i', 'streams', '-c', 'shell']);
    child.stdin?.write('echo answer-$((40+2))\n');
    let seen = '';
    for await (const chunk of child.stdout ?? []) {
      seen += chunk;
      if (seen.includes('answer-42')) break;
    }
    child.kill();
    assert.match(seen, /answer-42/);
  });

  it('logs gives what was written, and follows it to the end', async () => {
    const tail = await run(['logs', 'streams', '-c', 'talker', '--tail=2']);
    assert.equal(tail.out.toString().split('\n').length, 3, tail.err);
    const child = start(kubectl, ['logs', '-f', 'streams', '-c', 'talker']);
    if (!child.stdout) throw new Error('no output');
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout });
    for await (const line of reader) {
      // Only once following is under way may the container go on, and end.
      if (lines.push(line) === 6) await run(['attach', '-i', 'streams', '-c', 'talker'], { stdin: 'go\n' });
    }
    assert.deepEqual(
      lines.filter(line => !line.startsWith('oops')),
      ['line 1', 'line 2', 'line 3', 'last'],
    );
    assert.equal(lines.length, 7);
    const timed = await run(['logs', 'streams', '-c', 'talker', '--timestamps', '--tail=1']);
    assert.match(timed.out.toString(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z last\n$/);
  });

  it('logs says why there are none', async () => {
    const cases: [string[], RegExp][] = [
      [['waiting'], /container "absent" in pod "waiting" is waiting to start: ErrImageNeverPull/],
      [['streams', '-c', 'nobody'], /container nobody is not valid for pod streams/],
      [['streams', '-c', 'main', '--previous'], /previous terminated container "main" in pod "streams" not found/],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await run(['logs', ...args]);
      assert.equal(code, 1);
      assert.match(err, message);
    }
  });

  it('a client that does not read stalls nobody', async () => {
    const stalled = start(kubectl, ['exec', 'streams', '-c', 'main', '--', 'cat', '/dev/zero']);
    await once(stalled.stdout ?? stalled, 'readable');
    const { code, out } = await run(['exec', 'streams', '-c', 'main', '--', 'head', '-c', '3000000', '/dev/zero']);
    assert.deepEqual([code, out.length], [0, 3_000_000]);
    stalled.kill();
    await once(stalled, 'exit');
  });

  it('says that the node is not connected', async () => {
    await node.disconnect();
    const logs = await run(['logs', 'streams', '-c', 'main']);
    assert.match(logs.err, /node "node-a" is not connected/);
    const { err } = await run(['exec', 'streams', '-c', 'main', '--', 'ls']);
    assert.match(err, /node "node-a" is not connected/);
  });
});
