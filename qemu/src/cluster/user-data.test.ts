import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BuildError } from '../../../builder/src/errors.ts';
import { readUserData } from './user-data.ts';

describe('the user-data of a run', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-user-data-'));
  });
  after(() => rm(folder, { recursive: true }));
  const read = async (text: string | Buffer, nodes = 1): ReturnType<typeof readUserData> => {
    const file = join(folder, 'ci.yaml');
    await writeFile(file, text);
    return readUserData(file, nodes);
  };

  it('is handed over as it is', async () => {
    const text = '#cloud-config\n# Mine.\nruncmd: [["true"]]\n';
    assert.deepEqual(await read(text), { text, warnings: [] });
    assert.deepEqual(await read(text, 3), { text, warnings: [] });
  });

  it('that the nodes would refuse is refused before anything is booted, with its lines', async () => {
    for (const nodes of [1, 2])
      await assert.rejects(read('#cloud-config\nssh_authorised_keys: [a]\n', nodes), (error: unknown) => {
        assert.ok(error instanceof BuildError);
        assert.equal(error.code, 'CONFIGURATION_INVALID');
        assert.match(error.tail ?? '', /ci\.yaml:2:1: error: .*ssh_authorised_keys/);
        assert.match(error.hint ?? '', /^Nothing was booted/);
        return true;
      });
    await assert.rejects(read(Buffer.from('#cloud-config\nhostname: \xff\n', 'latin1')), {
      code: 'CONFIGURATION_INVALID',
    });
  });

  it('is judged with what the nodes of a cluster hear besides', async () => {
    const text = '#cloud-config\natoll: {role: agent}\n';
    await assert.rejects(read(text), { code: 'CONFIGURATION_INVALID' }, 'nobody says which server');
    assert.equal((await read(text, 2)).text, text);
  });

  it('must be there, and small enough for one argument of QEMU', async () => {
    await assert.rejects(readUserData(join(folder, 'none'), 1), /--user-data: .*none cannot be read/);
    await assert.rejects(read(`#cloud-config\n#${'x'.repeat(100 * 1024)}`), /has more than 102400 bytes/);
  });
});
