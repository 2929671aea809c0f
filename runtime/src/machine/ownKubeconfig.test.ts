import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { reach } from './health/observe.ts';
import { DEFAULT_KUBECONFIG, ownKubeconfig, tellOwnKubeconfig } from './ownKubeconfig.ts';

it('is where the server has written it last', t => {
  const folder = mkdtempSync(join(tmpdir(), 'atoll-kubeconfig-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const runDir = join(folder, 'run');
  assert.equal(ownKubeconfig(runDir), DEFAULT_KUBECONFIG);
  const places = { dataDir: folder, runDir, etcDir: folder, criSocket: '' };
  for (const name of ['one.yaml', 'two.yaml']) {
    const path = join(folder, name);
    tellOwnKubeconfig(runDir, path);
    assert.equal(ownKubeconfig(runDir), path);
    // Whoever judges a trial goes by it, too.
    assert.deepEqual(reach(places, []).access, { unknown: `it has not written ${path} yet` });
    writeFileSync(path, name);
    assert.equal(readFileSync(join(runDir, 'kubeconfig'), 'utf8'), name);
  }
});
