import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ConfigMap, Pod, Secret, Volume } from '../../api/generated/types/core.v1.ts';
import type { Client } from '../../client/client.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import { container, pod } from '../pods/testing.ts';
import { type ProjectedFile, writePayload } from './atomicWriter.ts';
import { containerMounts } from './containerMounts.ts';
import { prepareHostPath } from './hostPath.ts';
import { mountsUnder } from './mounts.ts';
import { onlyUser, type PayloadSources, payloadOf } from './payload.ts';
import { subPathIn } from './subPath.ts';
import { Tokens } from './tokens.ts';
import { MountError, Volumes } from './volumes.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atoll-volumes-'));
});
after(() => rm(dir, { recursive: true }));

const file = (text: string, mode = 0o644): ProjectedFile => ({ data: Buffer.from(text), mode });
const visible = async (path: string): Promise<string[]> =>
  (await readdir(path)).filter(name => !name.startsWith('..')).sort();

test('a payload changes as one; what is no longer in it goes', async () => {
  const path = join(dir, 'atomic');
  assert.equal(
    await writePayload(
      path,
      new Map([
        ['a', file('1')],
        ['deep/b', file('2', 0o600)],
      ]),
    ),
    true,
  );
  assert.deepEqual(await visible(path), ['a', 'deep']);
  assert.equal(await readlink(join(path, 'a')), '..data/a');
  assert.equal(await readFile(join(path, 'deep/b'), 'utf8'), '2');
  assert.equal((await stat(join(path, 'deep/b'))).mode & 0o777, 0o600);
  const first = await readlink(join(path, '..data'));
  assert.equal(
    await writePayload(
      path,
      new Map([
        ['a', file('1')],
        ['deep/b', file('2', 0o600)],
      ]),
    ),
    false,
    'nothing to do',
  );
  assert.equal(await readlink(join(path, '..data')), first);
  assert.equal(
    await writePayload(
      path,
      new Map([
        ['a', file('one')],
        ['c', file('3')],
      ]),
    ),
    true,
  );
  assert.deepEqual(await visible(path), ['a', 'c']);
  assert.equal(await readFile(join(path, 'a'), 'utf8'), 'one');
  const hidden = (await readdir(path)).filter(name => name.startsWith('..'));
  assert.equal(hidden.length, 2, 'the old payload and the temporary link are gone');
  assert.equal(await writePayload(path, new Map()), true);
  assert.deepEqual(await visible(path), []);
});

test('an interrupted change leaves nothing behind after the next', async () => {
  const path = join(dir, 'interrupted');
  await writePayload(path, new Map([['a', file('1')]]));
  await mkdir(join(path, '..2020_half'));
  await symlink('..2020_half', join(path, '..data_tmp'));
  await writePayload(path, new Map([['a', file('2')]]));
  assert.equal(await readFile(join(path, 'a'), 'utf8'), '2');
  assert.equal((await readdir(path)).length, 3);
});

test('paths that would leave the volume are refused', async () => {
  for (const bad of ['', '/abs', '../up', 'a/../../b', '..hidden'])
    await assert.rejects(writePayload(join(dir, 'bad'), new Map([[bad, file('x')]])), /invalid path/, bad);
});

test('fsGroup: the group may read what the owner may', async () => {
  const path = join(dir, 'grouped');
  await writePayload(path, new Map([['a', file('1', 0o400)]]), { group: 2000 });
  const { mode, gid } = await stat(join(path, 'a'));
  assert.equal(mode & 0o777, 0o440);
  assert.equal(gid, 2000);
});

const configMap: ConfigMap = { metadata: {}, data: { k: 'v', other: 'o' }, binaryData: { bin: 'AAE=' } };
const secret: Secret = { metadata: {}, data: { p: Buffer.from('pw').toString('base64') } };
const sources: PayloadSources = {
  objects: {
    configMap: async name => (name === 'cm' ? configMap : undefined),
    secret: async name => (name === 'sec' ? secret : undefined),
  },
  tokens: { get: async () => ({ token: 'jwt', expiresAt: 9000, renewAt: 5000 }) },
  addresses: { podIps: ['10.42.0.5'], hostIps: ['192.0.2.1'] },
  allocatable: {},
};

test('payloads of every kind', async () => {
  const p = pod({}, { labels: { a: 'b' } });
  const cases: readonly (readonly [string, Volume, Record<string, [string, number]>])[] = [
    [
      'configMap',
      { name: 'v', configMap: { name: 'cm' } },
      { k: ['v', 0o644], other: ['o', 0o644], bin: ['\0\x01', 0o644] },
    ],
    [
      'items and modes',
      {
        name: 'v',
        configMap: {
          name: 'cm',
          defaultMode: 0o440,
          items: [
            { key: 'k', path: 'x/y', mode: 0o400 },
            { key: 'other', path: 'z' },
          ],
        },
      },
      { 'x/y': ['v', 0o400], z: ['o', 0o440] },
    ],
    ['secret', { name: 'v', secret: { secretName: 'sec' } }, { p: ['pw', 0o644] }],
    ['optional and missing', { name: 'v', secret: { secretName: 'none', optional: true } }, {}],
    ['optional key', { name: 'v', configMap: { name: 'cm', optional: true, items: [{ key: 'none', path: 'n' }] } }, {}],
    [
      'downwardAPI',
      { name: 'v', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      { l: ['a="b"', 0o644] },
    ],
    [
      'projected',
      {
        name: 'v',
        projected: {
          defaultMode: 0o600,
          sources: [
            { serviceAccountToken: { path: 'token' } },
            { configMap: { name: 'cm', items: [{ key: 'k', path: 'ca' }] } },
            { secret: { name: 'sec' } },
          ],
        },
      },
      { token: ['jwt', 0o600], ca: ['v', 0o600], p: ['pw', 0o600] },
    ],
  ];
  for (const [name, volume, want] of cases) {
    const { files } = await payloadOf(p, volume, sources);
    const got = Object.fromEntries([...files].map(([path, f]) => [path, [f.data.toString(), f.mode]]));
    assert.deepEqual(got, want, name);
  }
  for (const [volume, message] of [
    [{ name: 'v', configMap: { name: 'none' } }, 'configmap "none" not found'],
    [{ name: 'v', secret: { secretName: 'none' } }, 'secret "none" not found'],
    [
      { name: 'v', configMap: { name: 'cm', items: [{ key: 'x', path: 'x' }] } },
      'configmap references non-existent config key: x (ns/cm)',
    ],
  ] as const)
    await assert.rejects(payloadOf(p, volume as unknown as Volume, sources), { message });
});

test('who owns a token', () => {
  const user = (runAsUser: number) => ({ securityContext: { runAsUser } });
  assert.equal(onlyUser(pod({ containers: [container('a', user(5)), container('b', user(5))] })), 5);
  assert.equal(onlyUser(pod({ containers: [container('a', user(5)), container('b', user(6))] })), undefined);
  assert.equal(onlyUser(pod()), undefined);
  assert.equal(onlyUser(pod({ securityContext: { runAsUser: 7 } })), 7);
});

test('tokens are kept until four fifths of their life are over, and survive a server that is away', async () => {
  const clock = new ManualClock();
  let asked = 0;
  let away = false;
  const client = {
    createSubresource: async () => {
      if (away) throw new Error('away');
      asked++;
      return { status: { token: `t${asked}`, expirationTimestamp: new Date(clock.now() + 600_000).toISOString() } };
    },
  } as unknown as Client;
  const tokens = new Tokens(client, clock);
  const projection = { path: 'token', expirationSeconds: 600 };
  const token = async (): Promise<string> => (await tokens.get(pod(), projection)).token;
  assert.equal(await token(), 't1');
  await clock.advance(479_000);
  assert.equal(await token(), 't1');
  await clock.advance(1000);
  assert.equal(await token(), 't2');
  away = true;
  await clock.advance(590_000);
  assert.equal(await token(), 't2');
  await clock.advance(10_000);
  await assert.rejects(token(), /away/);
  away = false;
  assert.equal(await token(), 't3');
  tokens.forget('u');
  assert.equal(await token(), 't4');
});

test('host paths are made or checked as their type says', async () => {
  const socket = createServer();
  await new Promise<void>(resolve => socket.listen(join(dir, 'socket'), resolve));
  try {
    await writeFile(join(dir, 'file'), '');
    for (const [name, type, error] of [
      ['new-directory', 'DirectoryOrCreate', undefined],
      ['new-file', 'FileOrCreate', undefined],
      ['file', 'File', undefined],
      ['file', 'FileOrCreate', undefined],
      ['socket', 'Socket', undefined],
      ['none', '', undefined],
      ['none', 'Directory', /is not a directory/],
      ['none', 'File', /is not a file/],
      ['file', 'Directory', /is not a directory/],
      ['file', 'DirectoryOrCreate', /is not a directory/],
      ['file', 'Socket', /is not a socket file/],
      ['file', 'CharDevice', /is not a character device/],
    ] as const) {
      const prepared = prepareHostPath({ path: join(dir, name), type });
      if (error) await assert.rejects(prepared, error, `${type} ${name}`);
      else await prepared;
    }
    assert.ok((await stat(join(dir, 'new-directory'))).isDirectory());
    assert.ok((await stat(join(dir, 'new-file'))).isFile());
    await prepareHostPath({ path: '/dev/null', type: 'CharDevice' });
  } finally {
    socket.close();
  }
});

test('sub-paths stay inside, whatever links there are', async () => {
  const volume = join(dir, 'sub');
  await mkdir(join(volume, 'real'), { recursive: true });
  await symlink('real', join(volume, 'inner'));
  await symlink(dir, join(volume, 'outer'));
  assert.equal(await subPathIn(volume, 'inner/made'), join(volume, 'real/made'));
  assert.ok((await stat(join(volume, 'real/made'))).isDirectory());
  for (const bad of ['../x', '/etc', 'a/../../b', 'outer', 'outer/made'])
    await assert.rejects(subPathIn(volume, bad), /must not|leads out/, bad);
  assert.ok(!(await readdir(dir)).includes('made'), 'nothing was made outside');
});

test('a pod’s volumes come, may come again, and go with their mounts', async () => {
  const dirs = { pods: join(dir, 'pods'), memory: join(dir, 'memory') };
  const volumes = new Volumes(dirs);
  const p: Pod = pod({
    securityContext: { fsGroup: 3000 },
    volumes: [
      { name: 'scratch', emptyDir: {} },
      { name: 'ram', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'config', configMap: { name: 'cm' } },
      { name: 'secret', secret: { secretName: 'sec' } },
      { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
    ],
  });
  const path = (name: string): string => {
    const volume = p.spec?.volumes?.find(v => v.name === name);
    assert.ok(volume);
    return volumes.hostPath(p, volume);
  };
  assert.equal(await volumes.mount(p, sources), 5000);
  assert.equal(path('scratch'), join(dirs.pods, 'u/volumes/kubernetes.io~empty-dir/scratch'));
  assert.equal((await stat(path('scratch'))).mode & 0o7777, 0o2777);
  assert.equal((await stat(path('scratch'))).gid, 3000);
  assert.equal((await stat(path('ram'))).gid, 3000);
  assert.ok(path('secret').startsWith(dirs.memory), 'secrets are in memory');
  assert.ok(path('token').startsWith(dirs.memory), 'tokens are in memory');
  assert.deepEqual(await mountsUnder(dirs.pods), [path('ram')]);
  await writeFile(join(path('scratch'), 'kept'), 'x');
  await writeFile(join(path('ram'), 'kept'), 'x');
  await volumes.mount(p, sources);
  assert.equal(await readFile(join(path('scratch'), 'kept'), 'utf8'), 'x');
  assert.equal(await readFile(join(path('ram'), 'kept'), 'utf8'), 'x');
  assert.deepEqual(await mountsUnder(dirs.pods), [path('ram')], 'not mounted twice');
  assert.deepEqual(await volumes.uids(), ['u']);
  const c = container('a', {
    volumeMounts: [
      { name: 'config', mountPath: '/c' },
      { name: 'scratch', mountPath: 's', subPathExpr: '$(X)' },
    ],
  });
  const mounts = await containerMounts(p, c, volumes, new Map([['X', 'y']]), { etcHosts: '/h', terminationLog: '/t' });
  assert.deepEqual(
    mounts.map(m => [m.containerPath, m.hostPath, m.readonly === true]),
    [
      ['/c', path('config'), true],
      ['/s', join(path('scratch'), 'y'), false],
      ['/etc/hosts', '/h', false],
    ],
  );
  await new Volumes(dirs).unmount('u');
  assert.deepEqual(await mountsUnder(dirs.pods), []);
  assert.deepEqual(await volumes.uids(), ['u']);
  assert.deepEqual(await readdir(join(dirs.pods, 'u')), []);
  assert.deepEqual(await readdir(dirs.memory), []);
});

test('a volume that cannot be had is named', async () => {
  const volumes = new Volumes({ pods: join(dir, 'p2'), memory: join(dir, 'm2') });
  const missing = pod({ volumes: [{ name: 'v', configMap: { name: 'none' } }] });
  const claimed = pod({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'x' } }] });
  for (const [p, message] of [
    [missing, 'MountVolume.SetUp failed for volume "v" : configmap "none" not found'],
    [claimed, 'MountVolume.SetUp failed for volume "v" : volumes of kind persistentVolumeClaim are not supported yet'],
  ] as const)
    await assert.rejects(volumes.mount(p, sources), error => {
      assert.ok(error instanceof MountError);
      assert.equal(error.message, message);
      return true;
    });
});
