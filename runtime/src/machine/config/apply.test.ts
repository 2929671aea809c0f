import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type ApplyOptions, type Outcome, takeSources } from './apply.ts';
import { compile } from './compile.ts';
import { linked, linkedFolder } from './generations.ts';
import type { SourceDocuments, SourceName } from './types.ts';

const source = (name: SourceName, userData: string, more: SourceDocuments['documents'] = {}): SourceDocuments => ({
  source: name,
  location: `the ${name}`,
  documents: { 'user-data': Buffer.from(userData), ...more },
});
const image = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\n',
  group: 'root:x:0:\ndialout:x:20:\n',
  shadow: 'root:!*:1::::::\n',
  gshadow: 'root:!*::\ndialout:!*::\n',
};
const good = '#cloud-config\nhostname: one\n';

describe('taking what the sources say', () => {
  let base: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'config-'));
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const take = (sources: readonly SourceDocuments[], options: Partial<ApplyOptions> = {}): Outcome =>
    takeSources({ sources, problems: [] }, { base, image: 'image-1', compile, accounts: () => image, ...options });
  const inForce = (path: string): string => readFileSync(join(linkedFolder(base, 'generation') ?? '', path), 'utf8');

  it('stores what is right, once', () => {
    const outcome = take([source('esp', good)]);
    assert.equal(outcome.kind, 'stored');
    assert.deepEqual(outcome.status.sources, [{ source: 'esp', location: 'the esp', documents: ['user-data'] }]);
    assert.equal(inForce('etc/hostname'), 'one\n');
    assert.equal(inForce('sources/esp/user-data'), good);
    assert.equal(inForce('image'), 'image-1\n');
    assert.equal(take([source('esp', good)]).kind, 'unchanged');
    assert.equal(linked(base, 'generation'), 1);
  });

  it('gives no user the number of another', () => {
    take([source('esp', '#cloud-config\nusers: [kai]\n')]);
    const { kind, status } = take([source('esp', '#cloud-config\nusers: [kai, {name: ops, uid: 1000}]\n')]);
    assert.deepEqual(
      [kind, status.problems.map(({ path, message }) => `${path}: ${message}`)],
      ['refused', ['users[1].uid: 1000 is the number of "kai" since it was added to this machine']],
    );
    assert.equal(take([source('esp', '#cloud-config\nusers: [kai, {name: ops, uid: 1001}]\n')]).kind, 'stored');
    const moved = take([source('esp', '#cloud-config\nusers: [{name: kai, uid: 1002}, {name: ops, uid: 1001}]\n')]);
    assert.deepEqual([moved.kind, moved.status.problems], ['stored', []]);
    const gone = take([source('esp', '#cloud-config\nusers: [{name: new, uid: 1001}]\n')]);
    assert.deepEqual(
      [gone.kind, gone.status.problems.map(({ severity, message }) => `${severity}: ${message}`)],
      ['stored', ['warning: 1001 was the number of "ops" on this machine: its files belong to "new" now']],
    );
    const back = take([source('esp', '#cloud-config\nusers: [{name: new, uid: 1001}, ops]\n')]);
    assert.deepEqual([back.kind, back.status.problems[0]?.path], ['refused', 'users[0].uid']);
  });

  it('says that it cannot be stored, and tries again', () => {
    writeFileSync(join(base, 'generations'), '');
    const outcome = take([source('esp', good)]);
    assert.equal(outcome.kind, 'refused');
    assert.match(outcome.status.problems[0]?.message ?? '', /^cannot be stored in \S+: E[A-Z]+: /);
    assert.equal(linked(base, 'refusal'), undefined);
    rmSync(join(base, 'generations'));
    assert.equal(take([source('esp', good)]).kind, 'stored');
  });

  it('makes it anew for another image', () => {
    take([source('esp', good)]);
    assert.equal(take([], { image: 'image-2' }).kind, 'stored');
    assert.equal(inForce('image'), 'image-2\n');
    assert.equal(inForce('etc/hostname'), 'one\n');
  });

  it('is made by every version for itself, from the same documents, there and back again', () => {
    take([source('esp', good)]);
    take([source('esp', good)], { image: 'image-2' });
    assert.equal(take([source('esp', good)]).kind, 'stored');
    assert.deepEqual([linked(base, 'generation'), inForce('image')], [3, 'image-1\n']);
    assert.equal(inForce('sources/esp/user-data'), good);
    take([source('esp', good)], { image: 'image-2' });
    assert.deepEqual(readdirSync(join(base, 'generations')).sort(), ['2', '3', '4']);
  });

  it('stays as another version made it where this one does not take it', () => {
    take([source('esp', good)], { image: 'image-2' });
    const older: typeof compile = () => ({
      instanceId: '',
      problems: [{ severity: 'error', path: 'new', message: 'is not known' }],
    });
    const outcome = take([source('esp', good)], { compile: older });
    assert.deepEqual([outcome.kind, outcome.status.generation], ['refused', 1]);
    assert.equal(inForce('image'), 'image-2\n');
    assert.equal(inForce('etc/hostname'), 'one\n');
  });

  const lacking: readonly (readonly [userData: string, problem: string | undefined])[] = [
    ['atoll: {token-file: /etc/no-such-token}', 'there is no file "/etc/no-such-token" on this machine'],
    ['atoll: {token-file: /etc/token}\nwrite_files: [{path: /etc/token, content: x}]', undefined],
    ['atoll: {token-file: /run/not-yet}', undefined],
    ['atoll: {resolv-conf: /etc/no-such-conf}', 'there is no file "/etc/no-such-conf" on this machine'],
    [
      'atoll: {token-file: /var/data/token}\nfs_setup: [{device: /dev/nope, filesystem: ext4, label: data}]\nmounts: [[LABEL=data, /var/data]]',
      '"/var/data/token" is no file of write_files',
    ],
    ['atoll: {write-kubeconfig-group: kvm}', 'there is no group "kvm", and users makes none'],
    ['atoll: {write-kubeconfig-group: dialout}', undefined],
    ['write_files: [{path: /etc/x, owner: "root:nope"}]', 'there is no group "nope", and users makes none'],
    ['write_files: [{path: /etc/x, owner: www-data}]', 'there is no user "www-data", and users makes none'],
    ['write_files: [{path: /etc/x, owner: "jane:ops"}]\nusers: [{name: jane, groups: [ops]}]', undefined],
  ];
  for (const [userData, problem] of lacking)
    it(`a machine looks what it has: ${userData}`, () => {
      const { kind, status } = take([source('esp', `#cloud-config\n${userData}\n`)]);
      const [first] = status.problems;
      assert.equal(kind, first?.severity === 'error' ? 'refused' : 'stored');
      if (problem === undefined) return;
      assert.ok(first?.message.startsWith(problem) === true, first?.message);
      assert.equal(first?.place?.line, 2);
    });

  it('keeps the good one when the new one is wrong, and says why', () => {
    take([source('esp', good)]);
    const outcome = take([source('esp', '#cloud-config\nhostnam: two\n')]);
    assert.equal(outcome.kind, 'refused');
    assert.equal(outcome.status.generation, 1);
    assert.equal(outcome.status.problems[0]?.place?.line, 2);
    assert.equal(inForce('etc/hostname'), 'one\n');
    assert.match(readFileSync(join(linkedFolder(base, 'refusal') ?? '', 'status.json'), 'utf8'), /hostnam/);
    // Right again: nothing is refused any more.
    assert.equal(take([source('esp', good)]).kind, 'unchanged');
    assert.equal(linkedFolder(base, 'refusal'), undefined);
  });

  it('refuses the whole when one source is wrong', () => {
    const outcome = take([source('smbios', '#cloud-config\nhostname: [\n'), source('esp', good)]);
    assert.equal(outcome.kind, 'refused');
    assert.equal(linked(base, 'generation'), undefined);
    assert.equal(outcome.status.generation, undefined);
  });

  it('refuses when a source cannot be read, and when reading it is a mistake of ours', () => {
    const problem = { severity: 'error', path: '', message: 'cidata: it cannot be mounted' } as const;
    const options = { base, image: 'image-1', compile, accounts: () => image };
    assert.equal(takeSources({ sources: [], problems: [problem] }, options).kind, 'refused');
    const broken = take([source('esp', good)], {
      compile: () => {
        throw new TypeError('oops');
      },
    });
    assert.match(broken.status.problems[0]?.message ?? '', /oops/);
  });

  it('keeps what a silent source said last; what a person gave goes when it is to', () => {
    take([source('cidata', good)]);
    take([source('esp', '#cloud-config\ntimezone: UTC\n')]);
    assert.equal(inForce('etc/hostname'), 'one\n');
    assert.equal(inForce('etc/timezone'), 'UTC\n');
    take([source('command', '#cloud-config\nhostname: mine\n')]);
    assert.equal(inForce('etc/hostname'), 'mine\n');
    assert.equal(take([], { forget: ['command'] }).kind, 'stored');
    assert.equal(inForce('etc/hostname'), 'one\n');
  });

  it('changes nothing when it only looks', () => {
    assert.equal(take([source('esp', good)], { dryRun: true }).kind, 'stored');
    assert.equal(take([source('esp', 'x')], { dryRun: true }).kind, 'refused');
    assert.equal(linked(base, 'generation'), undefined);
    assert.equal(linkedFolder(base, 'refusal'), undefined);
  });

  it('keeps secrets for the superuser, and out of the status', () => {
    take([source('esp', '#cloud-config\natoll: {token: very-secret-word}\n')]);
    const folder = linkedFolder(base, 'generation') ?? '';
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, 'etc/atoll/config.yaml')).mode & 0o777, 0o600);
    assert.doesNotMatch(inForce('status.json'), /very-secret/);
    const refused = take([source('esp', '#cloud-config\natoll: {token: [very-secret-word]}\nx: y\n')]);
    assert.equal(refused.kind, 'refused');
    assert.doesNotMatch(JSON.stringify(refused.status), /very-secret/);
  });

  it('gives a user the number it had, even when others come and go', () => {
    const users = (...names: string[]): string =>
      `#cloud-config\nusers: [${names.map(name => `{name: ${name}}`).join(', ')}]\n`;
    const uid = (name: string): string | undefined =>
      new RegExp(`^${name}:x:(\\d+):`, 'm').exec(inForce('etc/passwd'))?.[1];
    take([source('esp', users('ann', 'bob'))]);
    assert.deepEqual([uid('ann'), uid('bob')], ['1000', '1001']);
    take([source('esp', users('bob', 'cat'))]);
    assert.deepEqual([uid('bob'), uid('cat')], ['1001', '1002']);
    take([source('esp', users('dan', 'ann', 'bob'))]);
    assert.deepEqual([uid('dan'), uid('ann'), uid('bob')], ['1003', '1000', '1001']);
  });
});
