import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type KubeletSettings, kubeletArguments } from './kubeletArguments.ts';
import { nodeConditions } from './status/nodeConditions.ts';
import { nodeResources } from './status/nodeResources.ts';

const good: readonly (readonly [argument: string, settings: KubeletSettings])[] = [
  ['max-pods=60', { maxPods: 60 }],
  ['--max-pods=60', { maxPods: 60 }],
  ['image-gc-high-threshold=70', { imageGcHighPercent: 70, imageGcLowPercent: 60 }],
  ['minimum-image-ttl-duration=1h30m', { minimumImageAgeMs: 5_400_000 }],
  ['node-status-update-frequency=4s', { statusUpdateMs: 4000 }],
  ['system-reserved=cpu=100m,memory=64Mi', { systemReserved: { cpu: '100m', memory: '64Mi' } }],
  ['kube-reserved=pid=100', { kubeReserved: { pid: '100' } }],
  [
    'eviction-hard=memory.available<50Mi,nodefs.available<5%',
    { evictionHard: { 'memory.available': { amount: 52_428_800 }, 'nodefs.available': { percent: 5 } } },
  ],
  ['eviction-hard=', { evictionHard: {} }],
  ['fail-swap-on=false', {}],
];
const bad: readonly (readonly [argument: string, message: RegExp])[] = [
  ['max-pods', /max-pods: must be max-pods=VALUE/],
  ['max-pods=0', /whole number from 1 to 250/],
  ['max-pods=many', /whole number from 1 to 250/],
  ['max-pods=251', /254 addresses/],
  ['image-gc-low-threshold=101', /0 to 100/],
  ['image-gc-low-threshold=90', /must be under image-gc-high-threshold \(85\)/],
  ['node-status-update-frequency=10', /must be a duration such as 10s/],
  ['node-status-update-frequency=10ms', /1s or more/],
  ['system-reserved=disk=1Gi', /"disk" must be one of cpu, memory/],
  ['system-reserved=memory=lots', /"lots" of memory must be an amount/],
  ['eviction-hard=memory<5%', /must be SIGNAL<AMOUNT/],
  ['eviction-hard=imagefs.available<5%', /use nodefs.available/],
  ['eviction-hard=memory.available<-5Mi', /must be an amount/],
  ['eviction-soft=memory.available<5%', /"eviction-soft" is not available yet: only eviction-hard/],
  ['cluster-dns=10.0.0.1', /"cluster-dns" is not available: it is an option by itself/],
  ['node-labels=a=b', /use node-label/],
  ['container-log-max-size=5Mi', /not rotated by size/],
  ['fail-swap-on=true', /it is always false here, not "true"/],
  ['feature-gates=X=true', /"feature-gates" is not available/],
  ['constructor=x', /"constructor" is not available/],
];

describe('options of the kubelet', () => {
  for (const [argument, settings] of good)
    it(argument, () => {
      const companion = argument.startsWith('image-gc-high') ? ['image-gc-low-threshold=60'] : [];
      assert.deepEqual(kubeletArguments([argument, ...companion]), { settings, problems: [] });
    });
  for (const [argument, message] of bad)
    it(`not ${argument}`, () => {
      const { problems } = kubeletArguments([argument]);
      assert.equal(problems.length, 1, problems.join('; '));
      assert.match(problems[0] ?? '', message);
    });
  it('the last of a name wins', () => assert.equal(kubeletArguments(['max-pods=1', 'max-pods=2']).settings.maxPods, 2));
});

describe('what pods may use', () => {
  const has = { cpus: 4, memoryBytes: 1024 * 1024 * 1024, diskBytes: 10_000_000_000 };
  it('is all but upstream’s defaults', () => {
    const { capacity, allocatable } = nodeResources(has);
    assert.equal(capacity?.memory, '1048576Ki');
    assert.equal(allocatable?.memory, `${1048576 - Math.ceil(1048576 / 20)}Ki`);
    assert.equal(allocatable?.cpu, '4');
    assert.equal(allocatable?.pods, '110');
    assert.equal(allocatable?.['ephemeral-storage'], '9000000000');
  });
  it('is less what is reserved, and what is held back', () => {
    const { settings } = kubeletArguments([
      'max-pods=20',
      'system-reserved=cpu=250m,memory=64Mi,ephemeral-storage=1G',
      'kube-reserved=cpu=250m,memory=64Mi',
      'eviction-hard=memory.available<128Mi,nodefs.available<20%',
    ]);
    const { allocatable } = nodeResources(has, settings);
    assert.deepEqual(
      { ...allocatable, 'hugepages-1Gi': undefined, 'hugepages-2Mi': undefined },
      {
        cpu: '3500m',
        memory: `${(1024 - 128 - 128) * 1024}Ki`,
        pods: '20',
        'ephemeral-storage': '7000000000',
        'hugepages-1Gi': undefined,
        'hugepages-2Mi': undefined,
      },
    );
  });
  it('pressure begins where eviction-hard says', () => {
    const measures = {
      runtime: undefined,
      notReady: undefined,
      memory: { totalBytes: 1e9, availableBytes: 2e8 },
      disk: { totalBytes: 1e9, availableBytes: 2e8, inodes: { total: 1000, free: 40 } },
      pids: { processes: 10, maximum: 1000 },
    };
    const under = (eviction: string): string[] => {
      const { settings } = kubeletArguments([`eviction-hard=${eviction}`]);
      const conditions = nodeConditions(measures, [], 0, settings.evictionHard);
      return conditions.filter(({ type, status }) => type.endsWith('Pressure') && status === 'True').map(c => c.type);
    };
    assert.deepEqual(under('memory.available<100Mi'), ['DiskPressure']);
    assert.deepEqual(under('nodefs.inodesFree<1%'), []);
    assert.deepEqual(under('nodefs.inodesFree<1%,memory.available<50%'), ['MemoryPressure']);
    assert.deepEqual(under('nodefs.inodesFree<1%,nodefs.available<300M'), ['DiskPressure']);
    assert.deepEqual(under('nodefs.inodesFree<1%,pid.available<995'), ['PIDPressure']);
  });
});
