/** A machine that is well, for tests: what was before, and what is now. */
import type { Before } from '../upgrade/types.ts';
import type { ControlPlaneNow, EndpointNow, NodeNow, Observation, UnitNow } from './observation.ts';

export const unit = (name: string, active = 'active', sub = 'running', restarts = 0, why = ''): UnitNow => ({
  name,
  active,
  sub,
  restarts,
  why,
});
export const server = unit('atoll-server.service');
export const agent = unit('atoll-agent.service');
export const containerd = unit('containerd.service');

export const before: Before = {
  role: 'server',
  takenAt: '2026-11-22T00:00:00.000Z',
  nodeReady: true,
  serverReachable: true,
  pods: [],
  failedUnits: [],
  kubernetesAnswered: true,
};
export const node: NodeNow = { ready: 'True', reason: 'KubeletReady', message: '', bootId: 'boot-2', pressure: [] };
export const answers: EndpointNow = { address: '192.0.2.1:6443', answers: true, why: '' };
export const silent: EndpointNow = { address: '192.0.2.1:6443', answers: false, why: 'no answer within 2000 ms' };
export const ready: ControlPlaneNow = { state: 'ready', server: 'https://127.0.0.1:6443', why: '' };
export const well: Observation = {
  at: '2026-11-22T00:05:00.000Z',
  role: 'server',
  bootId: 'boot-2',
  nodeName: 'n1',
  units: { system: 'running', jobs: [], failed: [], wanted: [server, containerd, agent] },
  controlPlane: ready,
  node,
  services: { kubernetes: { endpoints: [answers] }, dns: { endpoints: [] } },
  pods: [],
  runtime: { running: {} },
};
