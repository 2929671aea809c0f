/** What a configuration says and a machine cannot do: said by `/usr/lib/atoll/config-words`, shown wherever the configuration is. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { configConditions, defaultsStatus, failureText, readConfigStatus } from './status.ts';

const words = fileURLToPath(new URL('../../../../rootfs/overlay/usr/lib/atoll/config-words', import.meta.url));

describe('what cannot be done', () => {
  let root = '';
  beforeEach(t => {
    root = mkdtempSync(join(tmpdir(), 'atoll-failures-'));
    mkdirSync(join(root, 'files'));
    writeFileSync(join(root, 'files/0'), 'new\n');
    writeFileSync(join(root, 'files/1'), 'exit 7\n');
    writeFileSync(join(root, 'a-file'), 'old\n');
    mkdirSync(join(root, 'a-folder'));
    writeFileSync(join(root, 'config.json'), JSON.stringify({ ...defaultsStatus, state: 'applied', generation: 3 }));
    assert.ok('after' in t);
    t.after(() => rmSync(root, { recursive: true }));
  });

  /** Runs words as a boot does; below `root`, what they call themselves is real. */
  function run(...boot: readonly string[]): void {
    const script = `. "$1"; here=$2; failures=$2/config-failures; kernel=/dev/null; cd "$2"; ${boot.join('\n')}`;
    execFileSync('sh', ['-c', script, 'sh', words, root], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
  }
  /** The reasons are the programs' own words, which differ between their makers. */
  const told = (): readonly string[] =>
    (readConfigStatus(root)?.failures ?? []).map(line =>
      line.replaceAll(root, '').replace(/(cannot be (?:written|made): )(?!it is ).+/, '$1…'),
    );

  const rows: readonly (readonly [
    what: string,
    boot: (root: string) => readonly string[],
    failures: readonly string[],
  ])[] = [
    ['a file whose folder is a file', at => [`put files/0 '${at}/a-file/b' 600 -`], ['/a-file/b cannot be written: …']],
    ['deep below a file', at => [`put files/0 '${at}/a-file/b/c' 600 -`], ['/a-file/b/c cannot be written: …']],
    [
      'where a folder is',
      at => [`put files/0 '${at}/a-folder' 600 -`],
      ['/a-folder cannot be written: it is a folder'],
    ],
    [
      'at the end of a folder',
      at => [`append files/0 '${at}/a-folder' 600 -`],
      ['/a-folder cannot be written: it is a folder'],
    ],
    [
      'an owner there is not',
      at => [`put files/0 '${at}/b' 600 nobody-here`, `append files/0 '${at}/a-file' 600 nobody-here`],
      ['/b cannot be written: …', '/a-file cannot be written: …'],
    ],
    [
      'an owner of a file that is right',
      at => [`cp files/0 c`, `put files/0 '${at}/c' 600 nobody-here`],
      ['/c cannot be written: …'],
    ],
    [
      'a name with quotes and a backslash',
      at => [`put files/0 '${at}/a-file/"\\x' 600 -`],
      ['/a-file/"\\x cannot be written: …'],
    ],
    ['a home', at => [`home '${at}/a-file/h' 1 1`], ['the folder /a-file/h cannot be made: …']],
    [
      'keys',
      at => [`keys files/0 '${at}/a-file' 1 1`],
      ['the folder /a-file/.ssh cannot be made: …', '/a-file/.ssh/authorized_keys cannot be written: …'],
    ],
    [
      'commands',
      () => ['early files/0 2>&-', 'early files/1', 'late files/1'],
      ['bootcmd ended with 127', 'bootcmd ended with 7', 'runcmd ended with 7'],
    ],
    ['what can be done', at => [`put files/0 '${at}/d/e' 640 -`, `append files/0 '${at}/a-file' 600 -`], []],
  ];
  for (const [what, boot, failures] of rows)
    it(what, () => {
      run(...boot(root));
      assert.deepEqual(told(), failures);
      // Nothing half-written is left, and what was there is there.
      assert.deepEqual(
        readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.includes('atoll-new')),
        [],
      );
      assert.match(readFileSync(join(root, 'a-file'), 'utf8'), /^old\n/);
      const [, incomplete] = configConditions(readConfigStatus(root));
      assert.equal(incomplete?.type, 'ConfigurationIncomplete');
      assert.equal(incomplete.status, failures.length > 0 ? 'True' : 'False');
    });

  it('may be read by everybody, as the rest of what became of the configuration', () => {
    run(`put files/0 '${root}/a-file/b' 600 -`);
    assert.equal(statSync(join(root, 'config-failures')).mode & 0o777, 0o644);
  });

  it('is one sentence for the console, and not without end', () => {
    run(...Array.from({ length: 30 }, (_, i) => `put files/0 '${root}/a-file/${i}' 600 -`));
    assert.equal(told().length, 21);
    assert.equal(told().at(-1), 'and 10 more: journalctl -k');
    assert.match(
      failureText(readConfigStatus(root)) ?? '',
      /^not all of the configuration could be done: .* and 20 more$/,
    );
  });

  it('is not there before the configuration has been looked at', () => {
    rmSync(join(root, 'config.json'));
    assert.equal(readConfigStatus(root), undefined);
  });
});
