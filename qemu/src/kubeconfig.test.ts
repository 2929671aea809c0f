import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { forHost, KubeconfigPort } from './kubeconfig.ts';

describe('the kubeconfig port', () => {
  it('gives the newest whole document, in whatever parts it comes', async () => {
    const port = new KubeconfigPort();
    const stream = new PassThrough();
    port.attach(stream);
    const waited = port.document();
    for (const part of ['kind: Con', 'fig\n..', '.\nkind: Second\n']) {
      stream.write(part);
    }
    assert.equal(await waited, 'kind: Config\n');
    stream.write('...\n');
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(await port.document(), 'kind: Second\n');
    port.reset();
    assert.equal(port.newest, undefined);
  });
});

it('points a kubeconfig at the forwarded port', () => {
  const inGuest =
    'clusters:\n- cluster:\n    certificate-authority-data: QUJD\n    server: https://127.0.0.1:6443\n  name: atoll\n';
  assert.equal(
    forHost(inGuest, 40001),
    'clusters:\n- cluster:\n    certificate-authority-data: QUJD\n    server: https://127.0.0.1:40001\n  name: atoll\n',
  );
});
