import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { it } from 'node:test';
import { BuildError } from '../../../builder/src/errors.ts';
import { Machine } from '../machine.ts';
import { portExplained } from './refused-port.ts';

it('a port that is taken is told, in words of the option', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const error = await Machine.start({ forwards: [80], hostPorts: { 80: port } }).then(
      async machine => {
        await machine.stop();
        return assert.fail('QEMU has a port that is taken');
      },
      (cause: unknown) => portExplained(cause),
    );
    assert.ok(error instanceof BuildError, String(error));
    assert.equal(error.message, `-p ${port}:80: port ${port} of 127.0.0.1 cannot be had: another program has it`);
    assert.match(error.hint ?? '', /-p 80\.$/);
  } finally {
    server.close();
  }
});

it('anything else is what it was', async () => {
  const error = new Error('the machine did not start: QEMU exited with status 1');
  assert.equal(await portExplained(error), error);
});
