import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { publicLine } from './hostKeys.ts';
import { phoneHome } from './phoneHome.ts';
import type { PhoneHome } from './types.ts';

/** Made by Debian 13's dropbearkey, with the line it printed. */
const file = Buffer.from(
  'AAAAC3NzaC1lZDI1NTE5AAAAQNJGIHUlelhTseciztsF2XwNKIk4I/17s9c/i6fGZ4G/0/r2L/bHsPb4M9CZd8qvQYGLLwe0z1x7xE5QB5weFvw=',
  'base64',
);
const LINE = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINP69i/2x7D2+DPQmXfKr0GBiy8HtM9ce8ROUAecHhb8 root@press-7';

describe('the host key of the SSH server', () => {
  it('has the public line that dropbearkey prints', () => assert.equal(publicLine(file, 'press-7'), LINE));
  const broken: readonly (readonly [name: string, file: Buffer])[] = [
    ['nothing', Buffer.alloc(0)],
    ['its start', file.subarray(0, 40)],
    ['one byte less', file.subarray(0, -1)],
    ['another type', Buffer.from(file.toString('latin1').replace('ed25519', 'ed25518'), 'latin1')],
    ['a length beyond its end', Buffer.from('ffffffff00', 'hex')],
  ];
  for (const [name, bytes] of broken)
    it(`has none in ${name}`, () => assert.equal(publicLine(bytes, 'press-7'), undefined));
});

describe('phone_home', () => {
  const posts: string[] = [];
  let answers: number[] = [];
  let server: Server;
  let url = '';
  const folder = mkdtempSync(join(tmpdir(), 'phone-'));
  before(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', chunk => {
        body += String(chunk);
      });
      request.on('end', () => {
        posts.push(`${request.method} ${request.url} ${body}`);
        response.writeHead(answers.shift() ?? 200).end();
      });
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/i-7`;
    writeFileSync(join(folder, 'instance'), 'i-7\n');
    writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost\n127.0.1.1 press-7.hall.example press-7\n');
    writeFileSync(join(folder, 'key'), file);
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const call = async (post: PhoneHome['post'], key = 'key', tries = 1) => {
    posts.length = 0;
    writeFileSync(join(folder, 'phone-home.json'), JSON.stringify({ url, post, tries } satisfies PhoneHome));
    const said: string[] = [];
    const code = await phoneHome(folder, text => said.push(text), {
      hostName: 'press-7',
      hosts: join(folder, 'hosts'),
      hostKey: join(folder, key),
    });
    return { code, said, forms: posts.map(text => text.replace('POST /i-7 ', '')) };
  };

  it("tells all that cloud-init's keys name, and N/A for keys that do not exist", async () => {
    const { code, forms } = await call('all');
    assert.equal(code, 0);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(forms[0])), {
      pub_key_rsa: 'N/A',
      pub_key_ecdsa: 'N/A',
      pub_key_ed25519: LINE,
      instance_id: 'i-7',
      hostname: 'press-7',
      fqdn: 'press-7.hall.example',
    });
  });
  it('tells what it is asked for, in that order', async () =>
    assert.deepEqual((await call(['hostname', 'pub_key_ed25519'], 'none')).forms, [
      'hostname=press-7&pub_key_ed25519=N%2FA',
    ]));
  it('tries again, and says why', async () => {
    answers = [503];
    const { code, forms, said } = await call(['instance_id'], 'key', 2);
    assert.deepEqual([code, forms.length], [0, 2]);
    assert.match(said.join('\n'), /^phone_home, attempt 1 of 2: http:\/\/127\.0\.0\.1:\d+\/i-7: HTTP 503$/);
  });
  it('gives up', async () => {
    answers = [500];
    assert.equal((await call(['instance_id'])).code, 1);
  });
});
