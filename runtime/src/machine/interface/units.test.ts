import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { StatusError } from '../../api/status.ts';
import { systemdUnits } from './units.ts';

/** systemd's commands, as far as they are asked: what was said to each is kept; the work lasts as long as its second word says, in seconds. */
const systemdRun = `#!/bin/sh
echo "run $*" >> "$0.log"
while [ "$1" != -- ]; do shift; done
exec sleep "$4"
`;
const systemctl = `#!/bin/sh
echo "$*" >> "$0.log"
`;

describe('work as a unit of systemd', { timeout: 30_000 }, () => {
  const path = process.env.PATH;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-units-'));
    await writeFile(join(folder, 'systemd-run'), systemdRun, { mode: 0o755 });
    await writeFile(join(folder, 'systemctl'), systemctl, { mode: 0o755 });
    process.env.PATH = `${folder}:${path}`;
  });
  after(async () => {
    process.env.PATH = path;
    await rm(folder, { recursive: true });
  });
  beforeEach(() =>
    Promise.all(['systemd-run', 'systemctl'].map(name => rm(join(folder, `${name}.log`), { force: true }))),
  );
  const said = async (name: string): Promise<string> => {
    for (;;) {
      const text = await readFile(join(folder, `${name}.log`), 'utf8').catch(() => '');
      if (text !== '') return text;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  };

  it('is waited for, and systemd knows how long it may take', async () => {
    const { code } = await systemdUnits.run(['upgrade', '0'], 1_800_000, new AbortController().signal);
    assert.equal(code, 0);
    assert.match(await said('systemd-run'), /--property=RuntimeMaxSec=1800 -- \/usr\/bin\/atoll upgrade 0\n/);
  });

  it('is ended, and says so, when it takes longer', async () => {
    const error = await systemdUnits.run(['upgrade', '60'], 300, new AbortController().signal).catch(thrown => thrown);
    assert.ok(error instanceof StatusError, String(error));
    assert.equal(error.code, 504);
    assert.match(error.message, /atoll upgrade did not come to its end/);
    const [, unit = ''] = /--unit=(\S+)/.exec(await said('systemd-run')) ?? [];
    assert.equal(await said('systemctl'), `stop --no-block ${unit}\n`);
  });

  it('is ended when whoever asked has left', async () => {
    const gone = new AbortController();
    const running = systemdUnits.run(['upgrade', '60'], 1_800_000, gone.signal);
    await Promise.all([assert.rejects(running), said('systemd-run').then(() => gone.abort())]);
    assert.match(await said('systemctl'), /^stop --no-block atoll-asked-/);
  });
});
