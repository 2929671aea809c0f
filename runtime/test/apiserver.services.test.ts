/** Addresses and ports of services over their lives: given, kept, released, refused. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Answered, ask } from './apiserverAsk.ts';
import { type InProcessServer, startServer } from './startServer.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const merge = { headers: { 'content-type': 'application/merge-patch+json' } };

let server: InProcessServer;
const send = (line: string, body?: unknown, more: object = {}): Promise<Answered> =>
  ask(server.apiServer.handler, line, { ...(body === undefined ? {} : { body }), ...more });

const create = (name: string, spec: object): Promise<Answered> =>
  send(`POST ${SERVICES}`, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
const patch = (name: string, spec: object): Promise<Answered> => send(`PATCH ${SERVICES}/${name}`, { spec }, merge);
const causes = ({ json }: Answered): string[] =>
  (json.details?.causes ?? []).map((c: { field: string; message: string }) => `${c.field}: ${c.message}`);

async function made(name: string, spec: object): Promise<Answered['json']> {
  const answer = await create(name, spec);
  assert.equal(answer.status, 201, JSON.stringify(answer.json));
  return answer.json.spec;
}

describe('services', { timeout: 60_000 }, () => {
  before(async () => {
    server = await startServer();
  });
  after(() => server.close());

  it('get an address of the range, and say of which family it is', async () => {
    const spec = await made('plain', {});
    assert.match(spec.clusterIP, /^10\.43\./);
    assert.deepEqual(spec.clusterIPs, [spec.clusterIP]);
    assert.deepEqual(spec.ipFamilies, ['IPv4']);
    assert.equal(spec.ipFamilyPolicy, 'SingleStack');
  });

  it('get a port of the nodes for each of theirs, one for all protocols of a number', async () => {
    const { ports } = await made('ports', {
      type: 'NodePort',
      ports: [
        { name: 'tcp', port: 53 },
        { name: 'udp', port: 53, protocol: 'UDP' },
        { name: 'web', port: 80 },
      ],
    });
    assert.equal(ports[0].nodePort, ports[1].nodePort);
    assert.notEqual(ports[0].nodePort, ports[2].nodePort);
    for (const { nodePort } of ports) assert.ok(nodePort >= 30_086 && nodePort <= 32_767, String(nodePort));
  });

  it('get a port for health checks where only local endpoints are to be asked', async () => {
    const spec = await made('local', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    assert.ok(spec.healthCheckNodePort >= 30_000);
    const taken = await create('local2', {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: spec.healthCheckNodePort,
    });
    assert.equal(taken.status, 500);
    assert.match(
      taken.json.message,
      /failed to allocate requested HealthCheck NodePort \d+: provided port is already allocated/,
    );
    const { json } = await patch('local', { externalTrafficPolicy: 'Cluster' });
    assert.equal(json.spec.healthCheckNodePort, undefined);
    await made('local2', {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: spec.healthCheckNodePort,
    });
  });

  it('without ports of the nodes, if a load balancer is not to have any', async () => {
    const spec = await made('bare', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
    assert.equal(spec.ports[0].nodePort, undefined);
  });

  it('refuse what is taken, and what is not theirs to give', async () => {
    const { clusterIP } = await made('first', { type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] });
    const rows: readonly (readonly [spec: object, ...said: string[]])[] = [
      [
        { clusterIP },
        `spec.clusterIPs: Invalid value: ["${clusterIP}"]: failed to allocate IP ${clusterIP}: provided IP is already allocated`,
      ],
      [
        { clusterIP: '192.0.2.1' },
        'spec.clusterIPs: Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1: the provided network does not match the current range: the valid range is 10.43.0.0/16',
      ],
      [
        { type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] },
        'spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated',
      ],
      [
        { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] },
        'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
      ],
      [
        { ipFamilyPolicy: 'RequireDualStack' },
        'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
      ],
      [{ ipFamilies: ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
      [
        { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'SingleStack' },
        "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
      ],
    ];
    for (const [spec, ...said] of rows) {
      const answer = await create('refused', spec);
      assert.equal(answer.status, 422, JSON.stringify(spec));
      assert.deepEqual(causes(answer), said);
    }
    // Nothing of them is left behind.
    await made('second', { type: 'NodePort', ports: [{ port: 80, nodePort: 30002 }] });
  });

  it('are headless in the families their endpoints may have', async () => {
    const known = await made('known', { clusterIP: 'None', selector: { a: 'b' } });
    assert.deepEqual([known.ipFamilies, known.ipFamilyPolicy, known.clusterIPs], [['IPv4'], 'SingleStack', ['None']]);
    const unknown = await made('unknown', { clusterIP: 'None' });
    assert.deepEqual([unknown.ipFamilies, unknown.ipFamilyPolicy], [['IPv4', 'IPv6'], 'RequireDualStack']);
  });

  it('prefer two families and live with one', async () => {
    const spec = await made('prefer', { ipFamilyPolicy: 'PreferDualStack' });
    assert.deepEqual([spec.ipFamilies, spec.clusterIPs.length], [['IPv4'], 1]);
  });

  it('keep what they have where a manifest says nothing', async () => {
    const before = await made('kept', { type: 'NodePort' });
    const { status, json } = await send(`PUT ${SERVICES}/kept`, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kept' },
      spec: { type: 'NodePort', ports: [{ port: 80 }] },
    });
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal(json.spec.clusterIP, before.clusterIP);
    assert.equal(json.spec.ports[0].nodePort, before.ports[0].nodePort);
    const changed = await patch('kept', { clusterIP: '10.43.9.9' });
    assert.equal(changed.status, 422);
    assert.deepEqual(causes(changed), ['spec.clusterIPs[0]: Invalid value: ["10.43.9.9"]: may not change once set']);
  });

  it('give back what their new type has no use for', async () => {
    const before = await made('turned', { type: 'NodePort', ports: [{ port: 80, nodePort: 30003 }] });
    const inner = await patch('turned', { type: 'ClusterIP' });
    assert.equal(inner.json.spec.ports[0].nodePort, undefined);
    assert.equal(inner.json.spec.externalTrafficPolicy, undefined);
    await made('taker', { type: 'NodePort', ports: [{ port: 80, nodePort: 30003 }] });
    const name = await patch('turned', {
      type: 'ExternalName',
      externalName: 'example.com',
      clusterIP: null,
      clusterIPs: null,
    });
    assert.equal(name.status, 200, JSON.stringify(name.json));
    assert.equal(name.json.spec.clusterIP, undefined);
    assert.equal(name.json.spec.ipFamilies, undefined);
    await made('heir', { clusterIP: before.clusterIP });
    const back = await patch('turned', { type: 'ClusterIP', externalName: null });
    assert.match(back.json.spec.clusterIP, /^10\.43\./);
    assert.notEqual(back.json.spec.clusterIP, before.clusterIP);
  });

  it('leave everything behind when they go', async () => {
    const { clusterIP } = await made('gone', { type: 'NodePort', ports: [{ port: 80, nodePort: 30004 }] });
    await send(`DELETE ${SERVICES}/gone`);
    await made('next', { clusterIP, type: 'NodePort', ports: [{ port: 80, nodePort: 30004 }] });
  });

  it('promise nothing in a dry run', async () => {
    const body = { metadata: { name: 'dry' }, spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30005 }] } };
    assert.equal((await send(`POST ${SERVICES}?dryRun=All`, body)).status, 201);
    await made('wet', { type: 'NodePort', ports: [{ port: 80, nodePort: 30005 }] });
  });

  it('race for one port, and one wins', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        create(`race-${i}`, { type: 'NodePort', ports: [{ port: 80, nodePort: 30006 }] }),
      ),
    );
    assert.deepEqual(answers.map(a => a.status).sort(), [201, 422, 422, 422, 422, 422, 422, 422]);
  });
});
