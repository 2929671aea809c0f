/**
 * What the store is asked and how long it takes, under the names upstream's dashboards know (`etcd_request_duration_seconds` and
 * its kin), whatever the store is.
 *
 * Counted by operation and type; timed by operation, and by type only where something is written: how long that takes is the disk's
 * matter, while a read is one from memory whatever it reads, and sixty histograms of them would only say so sixty times.
 */
import type { Counter, Histogram, MetricRegistry } from '../lib/metrics.ts';
import type { CommitResult, KeyValue, RangeOptions, RangeResult, Store, Write } from '../store/store.ts';
import { requestBuckets } from './metrics.ts';

type Read = 'get' | 'list' | 'listWithCount';
type Operation = Read | 'create' | 'update' | 'delete';

interface Measure {
  /** `pods`, `deployments.apps` */
  readonly type: string;
  readonly total: Counter;
  readonly seconds: Histogram;
}

export interface MeasuredStore extends Store {
  /** There is no such type any more: what was counted of it goes. @param prefix of its keys */
  forgetType(prefix: string): void;
}

/** The same store; everything that is asked of it is counted in `registry`. */
export function measuredStore(store: Store, registry: MetricRegistry): MeasuredStore {
  const labels = ['operation', 'type'];
  const total = registry.counter('etcd_requests_total', 'Requests to the store, by operation and type.', labels);
  const errors = registry.counter('etcd_request_errors_total', 'Requests to the store that failed.', labels);
  const seconds = registry.histogram(
    'etcd_request_duration_seconds',
    'How long the store takes, in seconds: by operation, writes by type too.',
    labels,
    requestBuckets,
  );
  const known: Record<Operation, Map<string, Measure>> = {
    get: new Map(),
    list: new Map(),
    listWithCount: new Map(),
    create: new Map(),
    update: new Map(),
    delete: new Map(),
  };
  const measureOf = (operation: Operation, key: string): Measure => {
    const measures = known[operation];
    const folder = folderOf(key);
    let found = measures.get(folder);
    if (!found) {
      const type = typeOf(folder);
      const isWrite = operation === 'create' || operation === 'update' || operation === 'delete';
      found = { type, total: total.with(operation, type), seconds: seconds.with(operation, isWrite ? type : '') };
      measures.set(folder, found);
    }
    return found;
  };
  const measured = <T>(operation: Operation, key: string, asked: Promise<T>): Promise<T> => {
    const beganMs = performance.now();
    const measure = measureOf(operation, key);
    measure.total.inc();
    const done = (): void => measure.seconds.observe((performance.now() - beganMs) / 1000);
    asked.then(done, () => {
      done();
      errors.with(operation, measure.type).inc();
    });
    return asked;
  };
  return {
    revision: () => store.revision(),
    compactedRevision: () => store.compactedRevision(),
    get: (key, revision): Promise<KeyValue | undefined> => measured('get', key, store.get(key, revision)),
    range: (options: RangeOptions): Promise<RangeResult> => measured('list', options.prefix, store.range(options)),
    hold: revision => store.hold(revision),
    count: prefix => measured('listWithCount', prefix, store.count(prefix)),
    commit: (write: Write): Promise<CommitResult> => measured(operationOf(write), write.key, store.commit(write)),
    watch: (options, watcher) => store.watch(options, watcher),
    compact: revision => store.compact(revision),
    snapshot: path => store.snapshot(path),
    close: () => store.close(),
    forgetType(prefix) {
      const folder = folderOf(prefix);
      const type = typeOf(folder);
      for (const operation of Object.keys(known) as Operation[]) {
        known[operation].delete(folder);
        total.remove(operation, type);
        errors.remove(operation, type);
        seconds.remove(operation, type);
      }
    },
  };
}

const ROOT = '/registry/';

/** `core/pods` of a pod's key, or of the prefix of all pods. */
function folderOf(key: string): string {
  const end = key.indexOf('/', key.indexOf('/', ROOT.length) + 1);
  return key.slice(ROOT.length, end < 0 ? undefined : end);
}

function typeOf(folder: string): string {
  const [group = '', resource = ''] = folder.split('/');
  return group === 'core' ? resource : `${resource}.${group}`;
}

function operationOf({ value, expect }: Write): Operation {
  if (value === null) return 'delete';
  return expect === 0 ? 'create' : 'update';
}
