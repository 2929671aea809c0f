/** Whether a cluster is Ready, and newly so: what a restored API says of itself is as old as the snapshot. */
import { BuildError } from '../../../builder/src/errors.ts';
import { type Api, ApiError } from '../api.ts';
import { TimeoutError } from '../deadline.ts';

interface NodeObject {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

interface LeaseObject {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly renewTime?: string };
}

export interface ReadyOptions {
  /** How many nodes there are. */
  readonly count: number;
  /** Milliseconds since 1970: Leases have to be renewed after it. */
  readonly renewedAfter?: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const nodesPath = '/api/v1/nodes?watch=1';
const leasesPath = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases?watch=1';

/** Conditions that say what a node has not done of what it was told; it is Ready all the same (docs/first-boot.md). */
const notAsTold = ['ConfigurationRefused', 'ConfigurationIncomplete'] as const;

/**
 * @returns the names of the nodes that are Ready now, when they are `count`
 * @throws TimeoutError saying what the others are; BuildError CONFIGURATION_INVALID when one is Ready, and not as it was told to be
 */
export async function allReady(
  api: Pick<Api, 'watch'>,
  { count, renewedAfter, timeoutMs, signal }: ReadyOptions,
): Promise<string[]> {
  const deadline = performance.now() + timeoutMs;
  const said = new Map<string, string>();
  const wrong = new Map<string, string | undefined>();
  const isReady = new Set<string>();
  const isRenewed = new Set<string>();
  const done = new AbortController();
  const over = AbortSignal.any([signal, done.signal, AbortSignal.timeout(Math.ceil(timeoutMs))]);
  const names = (): string[] => [...isReady].filter(name => renewedAfter === undefined || isRenewed.has(name)).sort();
  const seeNode = ({ metadata: { name }, status }: NodeObject): void => {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    said.set(
      name,
      `${name} is ${ready?.status === 'True' ? 'Ready' : `not Ready: ${ready?.message ?? 'no word of it'}`}`,
    );
    if (ready?.status === 'True') isReady.add(name);
    else isReady.delete(name);
    const failed = notAsTold.map(type => status?.conditions?.find(one => one.type === type && one.status === 'True'));
    wrong.set(name, failed.find(one => one !== undefined)?.message);
  };
  const seeLease = ({ metadata: { name }, spec }: LeaseObject): void => {
    if (renewedAfter !== undefined && Date.parse(spec?.renewTime ?? '') >= renewedAfter) isRenewed.add(name);
  };
  let trouble = '';
  const follow = async (path: string, see: (object: never) => void): Promise<void> => {
    while (!over.aborted) {
      try {
        for await (const { type, object } of api.watch(path, Math.max(1, Math.ceil(deadline - performance.now())))) {
          if (type === 'ADDED' || type === 'MODIFIED') see(object as never);
          if (names().length >= count) return done.abort();
          if (over.aborted) return;
        }
      } catch (error) {
        // Not listening yet, or restarting: there is no event for that, so ask again shortly.
        trouble = error instanceof ApiError ? error.message : `no API: ${String(error)}`;
        await new Promise(resolve => setTimeout(resolve, 100));
      }
    }
  };
  const ended = new Promise<void>(resolve => over.addEventListener('abort', () => resolve(), { once: true }));
  const following = [
    follow(nodesPath, seeNode as (object: never) => void),
    ...(renewedAfter === undefined ? [] : [follow(leasesPath, seeLease as (object: never) => void)]),
  ];
  for (const one of following) one.catch(() => {});
  await ended;
  signal.throwIfAborted();
  if (done.signal.aborted) {
    for (const name of names()) {
      const message = wrong.get(name);
      if (message !== undefined) throw notConfigured(name, message);
    }
    return names();
  }
  const stale = [...isReady].filter(name => renewedAfter !== undefined && !isRenewed.has(name));
  const words = [...said.values(), ...stale.map(name => `the Lease of ${name} is not renewed`)];
  throw new TimeoutError(`${count} nodes to be Ready`, timeoutMs, words.length > 0 ? words.join('\n') : trouble);
}

const notConfigured = (name: string, message: string): BuildError =>
  new BuildError('CONFIGURATION_INVALID', `node ${name} is Ready, but not as it was told to be: ${message}`, {
    hint: 'Mend the user-data (docs/configuration.md has every key); what came of it is in the console, too.',
  });
