/**
 * Carries out what `next.ts` says of one Plan. Loaded with the first Plan there is.
 *
 * Always true: everything that has to be known again after a restart is in the API, in the Plan's status and on its nodes; of each node
 * one step is taken, then it is looked at anew.
 */
import type { Node, Pod } from '../../api/generated/types/core.v1.ts';
import {
  ASK_CHECK_MS,
  type NodeUpgradeCheck,
  type NodeUpgradeReport,
  type NodeUpgradeRequest,
  nodePath,
} from '../../api/nodeUpgrade.ts';
import { ApiError, isNotFound, isTooManyRequests } from '../../client/apiError.ts';
import type { Client, RequestOptions } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf, Nodes, Pods, parseKey } from '../../client/resources.ts';
import type { ControllerContext } from '../context.ts';
import { type Drain, drainOf } from './drain.ts';
import {
  checked,
  hashOf,
  isUrl,
  type NodeStep,
  nextOfNode,
  nextOfPlan,
  patienceOf,
  selectedNodes,
  stageOf,
  stoppedBy,
} from './next.ts';
import { withCondition } from './status.ts';
import {
  ATTEMPT,
  type Attempt,
  attemptOf,
  type Plan,
  type PlanSpec,
  type PlanStatus,
  Plans,
  planLabel,
} from './types.ts';

/** How long what a channel had is believed; upstream's polling interval. */
const RESOLVED_MS = 15 * 60_000;
const LOOK_MS = 2_000;

interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Nodes being asked what there is, and what they said. */
interface Lookup {
  readonly generation: number | undefined;
  found?: { readonly version: string } | { readonly reasons: readonly string[] };
}

export interface PlanCaches {
  readonly plans: () => Iterable<Plan>;
  readonly nodes: Informer<Node>;
}

type Told = (plan: Plan, type: 'Normal' | 'Warning', reason: string, message: string) => void;

export class PlanWork {
  readonly #client: Client;
  readonly #context: ControllerContext;
  readonly #caches: PlanCaches;
  readonly #told: Told;
  /** By Plan. A node looks as long as its line makes it: other Plans do not wait for it. */
  readonly #lookups = new Map<string, Lookup>();

  constructor(context: ControllerContext, caches: PlanCaches) {
    this.#client = context.client;
    this.#context = context;
    this.#caches = caches;
    this.#told = (plan, ...event) => context.events.event(Plans, plan, ...event);
  }

  /** @returns when to look again, ms */
  async reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const plan = await this.#client.get(Plans, parseKey(key), { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (!plan || plan.metadata.deletionTimestamp) {
      this.#lookups.delete(key);
      return this.#releaseAll(key);
    }
    const { spec = {}, status = {} } = plan;
    const conditions = checked(spec);
    let next: PlanStatus = conditions.reduce<PlanStatus>(
      (so, condition) => withCondition(so, condition, this.#now),
      status,
    );
    if (conditions.some(condition => condition.status === 'False')) {
      await this.#say(plan, next);
      return undefined;
    }
    const resolved = this.#resolve(key, plan, next, signal);
    next = resolved.status;
    const version = next.latestVersion;
    if (resolved.looking === 'for all') {
      await this.#say(plan, next);
      return LOOK_MS / 2;
    }
    if (version === undefined) {
      await this.#say(plan, next);
      return LOOK_MS * 6;
    }
    const hash = hashOf(spec, version);
    // It stopped at the version of before.
    const before = { ...plan, status: next };
    next = { ...next, latestHash: hash };
    const nodes = [...this.#caches.nodes.list()];
    const step = nextOfPlan({
      plan: before,
      hash,
      nodes,
      exclusiveElsewhere: this.#exclusiveElsewhere(key),
      nowMs: this.#now,
    });
    const applying = step.do === 'apply' ? step.applying : [];
    next = { ...next, applying: [...applying] };
    if (step.do === 'complete') next = this.#completed(plan, next, selectedNodes(plan, nodes).length);
    else if (step.do === 'apply' && !stoppedBy(before, hash))
      next = this.#condition(plan, next, {
        status: 'False',
        reason: applying.length > 0 ? 'Applying' : 'Waiting',
        message: applying.length > 0 ? `upgrading ${applying.join(', ')} to ${version}` : step.why,
      });
    const said = await this.#say(plan, next);
    if (step.do !== 'apply') {
      if (resolved.looking) return LOOK_MS;
      return spec.version === undefined ? RESOLVED_MS : undefined;
    }
    const waits = [step.waitMs ?? Number.POSITIVE_INFINITY];
    for (const name of applying) {
      if (signal.aborted) return undefined;
      waits.push(await this.#node(said, { key, hash, version, name }));
    }
    const least = Math.min(...waits);
    return Number.isFinite(least) ? Math.max(least, 50) : LOOK_MS;
  }

  get #now(): number {
    return this.#context.clock.now();
  }

  /** One step of one node. @returns when to look again, ms */
  async #node(
    plan: Plan,
    { key, hash, version, name }: { key: string; hash: string; version: string; name: string },
  ): Promise<number> {
    const { spec = {} } = plan;
    const node = await this.#client.get(Nodes, { name });
    const stage = stageOf({ spec, key, hash, node });
    const step = nextOfNode({
      spec,
      key,
      hash,
      version,
      node,
      nowMs: this.#now,
      ...(stage === 'drain' ? { drain: await this.#drain(name, spec) } : {}),
      ...(stage === 'upgrade' ? { report: await this.#report(name) } : {}),
    });
    if (step.do !== 'wait') this.#context.logger.info({ plan: key, node: name, step: step.do }, 'a step of a Plan');
    return this.#carryOut(plan, node, step, { key, hash, version });
  }

  async #carryOut(
    plan: Plan,
    node: Node,
    step: NodeStep,
    { key, hash, version }: { key: string; hash: string; version: string },
  ): Promise<number> {
    const name = node.metadata.name ?? '';
    const attempt = attemptOf(node);
    switch (step.do) {
      case 'wait':
        return step.ms;
      case 'begin': {
        const begun: Attempt = { plan: key, hash, beganAt: new Date(this.#now).toISOString(), cordoned: step.cordon };
        // Taken over from a hash of before: who made it unschedulable is still so.
        const cordoned = step.cordon || (attempt?.plan === key && attempt.cordoned);
        await this.#remember(node, { ...begun, cordoned }, step.cordon ? { unschedulable: true } : undefined);
        this.#told(plan, 'Normal', 'UpgradeBegun', `${name} is to be upgraded to ${version}`);
        return 0;
      }
      case 'remember':
        await this.#remember(node, step.attempt);
        return 0;
      case 'evict':
        await this.#evict(name, plan.spec ?? {});
        return 1_000;
      case 'ask':
        await this.#ask(name, plan.spec ?? {}, version, attempt && patienceOf(plan.spec ?? {}, attempt, this.#now));
        if (attempt) await this.#remember(node, { ...attempt, askedAt: new Date(this.#now).toISOString() });
        return LOOK_MS;
      case 'finish': {
        const { postCompleteLabels = {}, postCompleteDelay } = plan.spec ?? {};
        const labels = {
          ...Object.fromEntries(
            Object.entries(postCompleteLabels).map(([label, value]) => [
              label,
              value.replaceAll('$(LATEST_HASH)', hash).replaceAll('$(LATEST_VERSION)', version.replaceAll('+', '-')),
            ]),
          ),
          [planLabel(plan.metadata.name ?? '')]: hash,
        };
        const done = { ...attempt, doneAt: new Date(this.#now).toISOString(), cordoned: false };
        await this.#patchNode(node, {
          metadata: {
            labels,
            annotations: { [ATTEMPT]: postCompleteDelay === undefined ? null : JSON.stringify(done) },
          },
          ...(attempt?.cordoned ? { spec: { unschedulable: null } } : {}),
        });
        this.#told(plan, 'Normal', 'NodeUpgraded', `${name} runs ${version}`);
        if (postCompleteDelay === undefined) await this.#dropFrom(plan, name);
        return 0;
      }
      case 'release':
        await this.#release(node);
        await this.#dropFrom(plan, name);
        return 0;
      case 'fail': {
        // It runs what it ran before, and may as well be of use.
        await this.#release(node);
        const message = `${name}: ${step.message}`;
        await this.#dropFrom(plan, name, { status: 'False', reason: step.reason, message });
        this.#told(plan, 'Warning', step.reason, message);
        this.#context.logger.warn({ plan: key, node: name, reason: step.reason, message }, 'a Plan has stopped');
        return 0;
      }
    }
  }

  async #report(name: string): Promise<NodeUpgradeReport | string> {
    try {
      return await this.#client.rawJson<NodeUpgradeReport>({ method: 'GET', path: nodePath(name, 'upgrade') });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #post<Out>(name: string, path: string, body: NodeUpgradeRequest, options: RequestOptions = {}): Promise<Out> {
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', path: nodePath(name, path), headers, body: Buffer.from(JSON.stringify(body)) };
    return this.#client.rawJson<Out>(request, options);
  }

  async #ask(name: string, spec: PlanSpec, version: string, retryFor: string | undefined): Promise<void> {
    const body = { ...sourceOf(spec), ...(spec.version !== undefined && isUrl(spec.version) ? {} : { version }) };
    const patient = retryFor === undefined ? body : { ...body, retryFor };
    const asked = this.#post(name, 'upgrade', patient).catch((error: unknown) => {
      // A node of a version that has no such field, and waits for some minutes.
      const older = error instanceof ApiError && error.code === 400 && /unknown field "retryFor"/.test(error.message);
      if (!older) throw error;
      return this.#post(name, 'upgrade', body);
    });
    await asked.catch((error: unknown) => {
      // It is at work, since we asked for it before a restart of ours.
      if (!(error instanceof ApiError && error.code === 409)) throw error;
    });
  }

  /**
   * The version that is meant: the Plan's own, or what a node finds where the Plan sends it. `looking`: a node has been asked; `for all`
   * where nothing can be done before it has said.
   */
  #resolve(
    key: string,
    plan: Plan,
    status: PlanStatus,
    signal: AbortSignal,
  ): { readonly status: PlanStatus; readonly looking?: 'for all' | 'for newer' } {
    const { spec = {} } = plan;
    if (spec.version !== undefined && !isUrl(spec.version)) {
      const known = { ...status, latestVersion: spec.version };
      return { status: this.#latest(known, { status: 'True', reason: 'Version', message: '' }) };
    }
    const { generation } = plan.metadata;
    const before = status.conditions?.find(({ type }) => type === 'LatestResolved');
    const freshMs = this.#now - Date.parse(before?.lastUpdateTime ?? '');
    const changed = before?.observedGeneration !== undefined && before.observedGeneration !== generation;
    const known = before?.status === 'True' && !changed && status.latestVersion !== undefined;
    if (known && freshMs < RESOLVED_MS) return { status };
    // While nodes are on their way, to where does not change.
    if (status.latestVersion !== undefined && !changed && (status.applying ?? []).length > 0) return { status };
    const { found } = this.#lookup(key, plan, signal);
    if (!found) return { status, looking: known ? 'for newer' : 'for all' };
    this.#lookups.delete(key);
    if ('version' in found) {
      const resolved = { status: 'True', reason: spec.channel ? 'Channel' : 'Version', message: '' } as const;
      return { status: this.#latest({ ...status, latestVersion: found.version }, resolved, generation) };
    }
    const { reasons } = found;
    const message = reasons.length > 0 ? reasons.join('; ') : 'no node is selected that could look what there is';
    return { status: this.#latest(status, { status: 'False', reason: 'Error', message }, generation) };
  }

  /** What nodes are being asked of this Plan, as it is now. */
  #lookup(key: string, plan: Plan, signal: AbortSignal): Lookup {
    const { generation } = plan.metadata;
    const running = this.#lookups.get(key);
    if (running && running.generation === generation) return running;
    const lookup: Lookup = { generation };
    this.#lookups.set(key, lookup);
    this.#whatThereIs(plan, signal).then(found => {
      lookup.found = found;
    });
    return lookup;
  }

  /** What the first node says that can. Never throws. */
  async #whatThereIs({ spec = {}, ...plan }: Plan, signal: AbortSignal): Promise<NonNullable<Lookup['found']>> {
    const reasons: string[] = [];
    for (const node of selectedNodes({ spec, ...plan }, [...this.#caches.nodes.list()]).slice(0, 3)) {
      const name = node.metadata.name ?? '';
      try {
        const asked = { timeoutMs: ASK_CHECK_MS, signal };
        const found = await this.#post<NodeUpgradeCheck>(name, 'upgrade/check', sourceOf(spec), asked);
        // Nothing newer: what this node runs is the latest.
        return { version: found.version ?? found.current };
      } catch (error) {
        reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return { reasons };
  }

  #latest(status: PlanStatus, condition: Verdict, generation?: number): PlanStatus {
    const touched = generation === undefined ? {} : { observedGeneration: generation, touch: true };
    return withCondition(status, { type: 'LatestResolved', ...condition, ...touched }, this.#now);
  }

  #condition(plan: Plan, status: PlanStatus, condition: Verdict): PlanStatus {
    const { generation } = plan.metadata;
    const of = {
      type: 'Complete',
      ...condition,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    } as const;
    return withCondition(status, of, this.#now);
  }

  #completed(plan: Plan, status: PlanStatus, count: number): PlanStatus {
    const { nodeSelector } = plan.spec ?? {};
    const none = nodeSelector
      ? 'no node has the labels of nodeSelector'
      : 'nodeSelector is not set: no node is selected';
    return this.#condition(plan, status, { status: 'True', reason: 'PlanComplete', message: count === 0 ? none : '' });
  }

  /** Writes the status where it is another. */
  async #say(plan: Plan, status: PlanStatus): Promise<Plan> {
    if (JSON.stringify(plan.status ?? {}) === JSON.stringify(status)) return plan;
    return this.#client.updateStatus(Plans, { ...plan, status });
  }

  async #dropFrom(plan: Plan, name: string, failed?: Verdict): Promise<void> {
    const now = await this.#client.get(Plans, keyOf(plan));
    const status = { ...now.status, applying: (now.status?.applying ?? []).filter(other => other !== name) };
    await this.#say(now, failed ? this.#condition(now, status, failed) : status);
  }

  #exclusiveElsewhere(key: string): boolean {
    return [...this.#caches.plans()].some(({ metadata, spec, status }) => {
      const other = `${metadata.namespace}/${metadata.name}` !== key;
      return other && spec?.exclusive === true && (status?.applying ?? []).length > 0;
    });
  }

  async #drain(name: string, spec: PlanSpec): Promise<Drain> {
    const pods: Pod[] = [];
    for await (const pod of this.#client.listAll(Pods, { fieldSelector: `spec.nodeName=${name}` })) pods.push(pod);
    return drainOf(pods, spec.drain ?? {}, this.#now);
  }

  async #evict(name: string, spec: PlanSpec): Promise<void> {
    const { evict } = await this.#drain(name, spec);
    const { gracePeriod = -1, disableEviction = false } = spec.drain ?? {};
    const deleteOptions = gracePeriod >= 0 ? { gracePeriodSeconds: gracePeriod } : {};
    for (const pod of evict) {
      const { namespace, name: podName, uid } = pod.metadata;
      const preconditions = { preconditions: { uid } };
      const going = disableEviction
        ? this.#client.delete(Pods, keyOf(pod), { ...deleteOptions, ...preconditions })
        : this.#client.createSubresource(Pods, keyOf(pod), 'eviction', {
            apiVersion: 'policy/v1',
            kind: 'Eviction',
            metadata: { name: podName, namespace },
            deleteOptions: { ...deleteOptions, ...preconditions },
          });
      await going.catch((error: unknown) => {
        // A budget says not yet: at the next look.
        if (!isNotFound(error) && !isTooManyRequests(error)) throw error;
      });
    }
  }

  #remember(node: Node, attempt: Attempt, spec?: object): Promise<void> {
    const annotations = { [ATTEMPT]: JSON.stringify(attempt) };
    return this.#patchNode(node, { metadata: { annotations }, ...(spec ? { spec } : {}) });
  }

  #release(node: Node): Promise<void> {
    return this.#patchNode(node, {
      metadata: { annotations: { [ATTEMPT]: null } },
      ...(attemptOf(node)?.cordoned ? { spec: { unschedulable: null } } : {}),
    });
  }

  async #patchNode(
    node: Node,
    { metadata, ...rest }: { readonly metadata: object; readonly spec?: object },
  ): Promise<void> {
    const { resourceVersion, name = '' } = node.metadata;
    const patch = { metadata: { ...metadata, resourceVersion }, ...rest };
    await this.#client.patch(Nodes, { name }, patch, { type: 'merge' });
  }

  /** The Plan is gone: nodes it had are as they were. */
  async #releaseAll(key: string): Promise<undefined> {
    for (const cached of this.#caches.nodes.list()) {
      if (attemptOf(cached)?.plan !== key) continue;
      const node = await this.#client.get(Nodes, { name: cached.metadata.name ?? '' });
      if (attemptOf(node)?.plan === key) await this.#release(node);
    }
    return undefined;
  }
}

const sourceOf = ({ channel, version }: PlanSpec): NodeUpgradeRequest => {
  const source = version !== undefined && isUrl(version) ? version : channel;
  return source === undefined ? {} : { source };
};
