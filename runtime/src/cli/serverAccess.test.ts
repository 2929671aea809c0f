import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { type Command, parseOptions, type Values } from './command.ts';
import { accessOptions, anonymousOf, auditOf, staticTokensOf } from './serverAccess.ts';

const command: Command = { name: 'server', summary: '', options: accessOptions, run: async () => 0 };
const values = (...argv: string[]): Values => parseOptions(command, argv, {}).values;
const parts = { clock: systemClock, logger: silentLogger };
let directory: string;

describe('the options about who may come', () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-access-'));
    await writeFile(join(directory, 'tokens.csv'), 't,jane,u\n');
    await writeFile(join(directory, 'wrong.csv'), 't,jane,u\nx\n');
    await writeFile(
      join(directory, 'policy.yaml'),
      'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n',
    );
    await writeFile(join(directory, 'wrong.yaml'), 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: All\n');
  });
  after(() => rm(directory, { recursive: true, force: true }));
  const file = (name: string): string => join(directory, name);

  it('ask for nothing when nothing is said', async () => {
    assert.equal(anonymousOf(values()), true);
    assert.equal(await staticTokensOf(values()), undefined);
    assert.equal(await auditOf(values(), directory, parts), undefined);
  });

  it('take true and false alone', () => {
    assert.equal(anonymousOf(values('--anonymous-auth=false')), false);
    assert.throws(() => anonymousOf(values('--anonymous-auth', 'no')), /--anonymous-auth: "no" is not true or false/);
  });

  it('read tokens, and name the line that is wrong', async () => {
    assert.equal((await staticTokensOf(values('--token-auth-file', file('tokens.csv'))))?.size, 1);
    await assert.rejects(
      staticTokensOf(values('--token-auth-file', file('wrong.csv'))),
      /wrong\.csv:2: a line is token,user,uid/,
    );
    await assert.rejects(
      staticTokensOf(values('--token-auth-file', file('none'))),
      /--token-auth-file: .*none cannot be read: ENOENT/,
    );
  });

  it('open the audit log, below the data directory unless said otherwise', async () => {
    const audit = await auditOf(values('--audit-policy-file', file('policy.yaml')), directory, parts);
    await audit?.close();
    assert.equal(await readFile(join(directory, 'logs', 'audit.log'), 'utf8'), '');
  });

  const wrong: readonly (readonly [argv: () => string[], message: RegExp])[] = [
    [() => ['--audit-log-path', '/x'], /--audit-log-path needs --audit-policy-file/],
    [() => ['--audit-policy-file', file('none')], /none: the audit policy cannot be read: ENOENT/],
    [() => ['--audit-policy-file', file('wrong.yaml')], /wrong\.yaml:4: level: "All": must be one of None, Metadata/],
    [
      () => ['--audit-policy-file', file('policy.yaml'), '--audit-log-maxsize', 'big'],
      /--audit-log-maxsize: "big" is not a whole number/,
    ],
  ];
  for (const [argv, message] of wrong) {
    it(String(message), () => assert.rejects(async () => auditOf(values(...argv()), directory, parts), message));
  }
});
