/** Whether the cluster's DNS answers, as a trial's judge asks it: a real API server that names one endpoint, and a resolver that knows one domain. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client } from '../src/client/client.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import { EndpointSlices, Namespaces } from '../src/client/resources.ts';
import { hostAddresses } from '../src/machine/addresses.ts';
import { isUnknown } from '../src/machine/health/observation.ts';
import { observe, observePlaces } from '../src/machine/health/observe.ts';
import { tellOwnKubeconfig } from '../src/machine/ownKubeconfig.ts';
import { StateReporter } from '../src/machine/state.ts';
import { adminUser, type InProcessServer, startServer } from './startServer.ts';

const DOMAIN = 'plant.example';
/** Endpoints are nowhere on the loopback. */
const ADDRESS = hostAddresses().find(address => !address.includes(':')) ?? '';

/** Answers an A question for `name` with 10.43.0.1, every other with NXDOMAIN (RFC 1035, 4.1). */
async function resolver(name: string): Promise<{ readonly socket: Socket; readonly port: number }> {
  const socket = createSocket('udp4');
  socket.on('message', (question, { port, address }) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
      labels.push(question.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const end = at + 5;
    const known = labels.join('.') === name;
    const head = Buffer.from([0, 0, 0x81, known ? 0x80 : 0x83, 0, 1, 0, known ? 1 : 0, 0, 0, 0, 0]);
    question.copy(head, 0, 0, 2);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 43, 0, 1]);
    socket.send(Buffer.concat([head, question.subarray(12, end), known ? record : Buffer.alloc(0)]), port, address);
  });
  socket.bind(0);
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

describe('the cluster’s DNS', { timeout: 60_000 }, () => {
  let server: InProcessServer;
  let dns: Awaited<ReturnType<typeof resolver>>;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-health-dns-'));
    [server, dns] = await Promise.all([startServer(), resolver(`kubernetes.default.svc.${DOMAIN}`)]);
    const client = new Client(inProcessTransport(server.apiServer.handler, adminUser));
    await client.create(Namespaces, { metadata: { name: 'kube-system' } }).catch(() => undefined);
    await client.create(EndpointSlices, {
      metadata: { name: 'dns', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [ADDRESS], conditions: { ready: true } }],
      ports: [{ name: 'dns', port: dns.port, protocol: 'UDP' }],
    });
    // A server without an agent: no container runtime is asked.
    await writeFile(join(folder, 'no-agent'), '');
  });
  after(async () => {
    dns?.socket.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  for (const component of ['server', 'agent'] as const)
    it(`is asked for names of the domain that the ${component} says is the cluster’s`, async () => {
      const runDir = join(folder, component);
      tellOwnKubeconfig(runDir, server.kubeconfig);
      new StateReporter(runDir, component).report('ready', '', { clusterDomain: DOMAIN });
      const { services } = await observe({
        ...observePlaces,
        ...{ dataDir: folder, runDir, etcDir: folder },
      });
      assert.ok(!isUnknown(services.dns), JSON.stringify(services.dns));
      assert.deepEqual(services.dns.endpoints, [{ address: `${ADDRESS}:${dns.port}`, answers: true, why: '' }]);
    });
});
