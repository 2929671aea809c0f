import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod } from '../api/generated/types/core.v1.ts';
import { asking, makePod } from '../api/testing/make.ts';
import { podRequests, scoredRequests } from './requests.ts';

const MI = 2 ** 20;
const sidecar = (requests: Record<string, string>): Container => asking(requests, { restartPolicy: 'Always' });

const table: [name: string, pod: Pod, want: Record<string, number>][] = [
  ['nothing', makePod('p', { containers: [asking({})] }), {}],
  [
    'containers add up',
    makePod('p', { containers: [asking({ cpu: '100m', memory: '1Mi' }), asking({ cpu: '1' })] }),
    { cpu: 1100, memory: MI },
  ],
  [
    'init containers count by the largest',
    makePod('p', { containers: [asking({ cpu: '1' })], initContainers: [asking({ cpu: '3' }), asking({ cpu: '2' })] }),
    { cpu: 3000 },
  ],
  [
    'a sidecar adds to the containers',
    makePod('p', { containers: [asking({ cpu: '1' })], initContainers: [sidecar({ cpu: '500m' })] }),
    { cpu: 1500 },
  ],
  [
    'and to init containers after it',
    makePod('p', { containers: [asking({ cpu: '1' })], initContainers: [sidecar({ cpu: '1' }), asking({ cpu: '2' })] }),
    { cpu: 3000 },
  ],
  [
    'but not to those before it',
    makePod('p', { containers: [asking({ cpu: '1' })], initContainers: [asking({ cpu: '2' }), sidecar({ cpu: '1' })] }),
    { cpu: 2000 },
  ],
  [
    'overhead comes on top',
    makePod('p', { containers: [asking({ cpu: '1' })], overhead: { cpu: '250m', memory: '2Mi' } }),
    { cpu: 1250, memory: 2 * MI },
  ],
  [
    "the pod's own requests stand above",
    makePod('p', { containers: [asking({ cpu: '1', 'example.com/x': '2' })], resources: { requests: { cpu: '5' } } }),
    { cpu: 5000, 'example.com/x': 2 },
  ],
];
for (const [name, pod, want] of table) test(`requests: ${name}`, () => assert.deepEqual(podRequests(pod), want));

test('for scores, a container without requests asks for a little', () => {
  assert.deepEqual(scoredRequests(makePod('p', { containers: [asking({}), asking({ cpu: '0', memory: '10Mi' })] })), {
    cpu: 100,
    memory: 210 * MI,
  });
});
