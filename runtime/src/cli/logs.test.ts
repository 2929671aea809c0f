import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JournalQuestionError, journalArguments } from '../machine/journal.ts';
import { type Entry, lineOf } from './logs.ts';

describe('atoll logs', () => {
  const base = ['--boot', '--output=json', '--no-pager', '--quiet'];
  const rows: readonly (readonly [Parameters<typeof journalArguments>[0], readonly string[]])[] = [
    [{ part: 'server', follow: false }, [...base, '--unit=atoll-server.service']],
    [
      { follow: false },
      [
        ...base,
        ...['atoll-server', 'atoll-agent', 'containerd', 'atoll-config', 'atoll-config-look'],
        ...['atoll-config-fetch', 'atoll-config-refresh', 'atoll-config-final', 'atoll-reset'],
      ].map(word => (word.startsWith('--') ? word : `--unit=${word}.service`)),
    ],
    [{ part: 'ssh', follow: false }, [...base, '--unit=atoll-ssh.service']],
    [{ part: 'kernel', follow: true }, [...base, '--dmesg', '--follow']],
    [{ part: 'agent', follow: false, since: '10m' }, [...base, '--unit=atoll-agent.service', '--since=-600s']],
    [{ part: 'agent', follow: false, since: '2d' }, [...base, '--unit=atoll-agent.service', '--since=-172800s']],
    [
      { part: 'agent', follow: false, since: '2026-11-21T22:00', lines: 5 },
      [...base, '--unit=atoll-agent.service', '--since=2026-11-21 22:00', '--lines=5'],
    ],
  ];
  for (const [asked, words] of rows) it(JSON.stringify(asked), () => assert.deepEqual(journalArguments(asked), words));

  it('names what it does not know', () => {
    assert.throws(() => journalArguments({ part: 'sever', follow: false }), /not "sever"; did you mean server\?/);
    assert.throws(() => journalArguments({ part: 'constructor', follow: false }), JournalQuestionError);
    for (const since of ['soon', '-5m', '$(x)'])
      assert.throws(() => journalArguments({ follow: false, since }), JournalQuestionError, since);
  });

  const lines: readonly (readonly [Entry, string])[] = [
    [
      {
        __REALTIME_TIMESTAMP: '1795299003000000',
        _SYSTEMD_UNIT: 'atoll-server.service',
        MESSAGE: '{"level":30,"time":"x","name":"atoll-server","part":"api","port":6443,"msg":"API ready"}',
      },
      '11-21 22:10:03 server api: API ready port=6443',
    ],
    [
      {
        __REALTIME_TIMESTAMP: '0',
        _SYSTEMD_UNIT: 'atoll-agent.service',
        MESSAGE: '{"level":50,"err":{"message":"no route"},"msg":"no tunnel","pods":["a"]}',
      },
      '01-01 00:00:00 agent: ERROR no tunnel (no route) pods=["a"]',
    ],
    // systemd's word on a unit is the unit's; nobody else's is.
    [
      { _PID: '1', _SYSTEMD_UNIT: 'init.scope', UNIT: 'atoll-server.service', MESSAGE: 'Started' },
      '01-01 00:00:00 server Started',
    ],
    [{ _PID: '7', _SYSTEMD_UNIT: 'x.scope', UNIT: 'atoll-server.service', MESSAGE: 'a' }, '01-01 00:00:00 x.scope a'],
    [{ SYSLOG_IDENTIFIER: 'kernel', PRIORITY: '3', MESSAGE: 'oops' }, '01-01 00:00:00 kernel ERROR oops'],
    [{ SYSLOG_IDENTIFIER: 'x', MESSAGE: [104, 105, 255] }, '01-01 00:00:00 x hi\ufffd'],
    [{ SYSLOG_IDENTIFIER: 'x', MESSAGE: '{half' }, '01-01 00:00:00 x {half'],
    [{ SYSLOG_IDENTIFIER: 'x', MESSAGE: null }, '01-01 00:00:00 x '],
    // Nothing that a terminal would act on; a stack is one entry.
    [{ SYSLOG_IDENTIFIER: 'x', MESSAGE: 'a\x1b[2Jb\u202ec\t' }, '01-01 00:00:00 x a\\u001b[2Jb\\u202ec\t'],
    [{ SYSLOG_IDENTIFIER: 'x', MESSAGE: 'Error: a\n  at b\n' }, '01-01 00:00:00 x Error: a\n      at b\n'],
    [{ MESSAGE: '{"msg":"x","name2":"\\u001b[31m"}' }, '01-01 00:00:00 : x name2=\\u001b[31m'],
  ];
  for (const [entry, line] of lines) it(line, () => assert.equal(lineOf(entry), line));
});
