/** One look at one Deployment: at most one kind of change to its ReplicaSets, then its status. */
import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from '../../api/generated/types/apps.v1.ts';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { controllerOf } from '../../api/owners.ts';
import { isTerminal } from '../../api/pods.ts';
import { labelSelectorMatches, selectorOf } from '../../api/selectors.ts';
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../../client/apiError.ts';
import { BY_CONTROLLER, orphansOf } from '../../client/caches.ts';
import type { Informer } from '../../client/informer.ts';
import { Deployments, keyOf, keyText, ReplicaSets } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { omitZero, patchIsVain } from '../conditions.ts';
import type { ControllerContext } from '../context.ts';
import type { Freshness } from '../freshness.ts';
import { claim, controllerReference, settleClaims } from '../ownership.ts';
import {
  annotationsFor,
  beyondHistory,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  maxRevision,
  newSetOf,
  REVISION,
  sameTemplate,
  TEMPLATE_HASH,
  templateHash,
} from './revisions.ts';
import {
  desiredReplicas,
  isRollingUpdate,
  isScaling,
  maxReplicas,
  newSetReplicas,
  type Resize,
  replicasOf,
  rollingStep,
  scaled,
} from './rollout.ts';
import { deadlineInMs, isComplete, rolloutStatusOf, statusOf, withPause, withProgress } from './status.ts';

export function matcherOf(deployment: Deployment): (labels: Record<string, string> | undefined) => boolean {
  const selector = selectorOf(deployment.spec?.selector ?? {});
  // An empty selector would take every ReplicaSet there is; validation refuses it.
  return labels => selector.length > 0 && labelSelectorMatches(selector, labels);
}

export class Round {
  readonly #now: string;
  readonly #nowMs: number;
  #conditions: readonly DeploymentCondition[];
  #collisionCount: number | undefined;

  constructor(
    private readonly context: ControllerContext,
    private readonly sets: Informer<ReplicaSet>,
    private readonly pods: Informer<Pod>,
    private readonly expected: Freshness<ReplicaSet>,
    private readonly deployment: Deployment,
    private readonly signal: AbortSignal,
  ) {
    this.#nowMs = context.clock.now();
    this.#now = wireTime(this.#nowMs);
    this.#conditions = deployment.status?.conditions ?? [];
    this.#collisionCount = deployment.status?.collisionCount;
  }

  /** @returns when to look again although nothing happens. */
  async run(): Promise<number | undefined> {
    const { deployment } = this;
    const owned = await this.#ownedSets();
    let newSet = newSetOf(deployment, owned);
    const oldSets = owned.filter(set => set !== newSet);
    const settled = (): DeploymentStatus =>
      statusOf(deployment, newSet, owned, this.#conditions, this.#collisionCount, this.#now);

    if (deployment.metadata.deletionTimestamp) return this.#write(settled());
    this.#conditions = withPause(deployment, this.#conditions, this.#now);
    const paused = deployment.spec?.paused === true;
    if (paused || isScaling(deployment, owned)) {
      if (newSet) await this.#syncNewSet(newSet, oldSets);
      for (const resize of scaled(deployment, newSet, oldSets)) await this.#resize(resize);
      if (paused) await this.#cleanUp(oldSets);
      return this.#write(settled());
    }
    if (!isRollingUpdate(deployment) && (await this.#stopOld(newSet, oldSets)))
      return this.#writeRollout(newSet, owned);
    if (newSet) await this.#syncNewSet(newSet, oldSets);
    else newSet = await this.#createNewSet(oldSets);
    if (!newSet) return this.#write(settled());
    const resizes = isRollingUpdate(deployment)
      ? rollingStep(deployment, newSet, oldSets)
      : [{ set: newSet, replicas: desiredReplicas(deployment) }];
    for (const resize of resizes) await this.#resize(resize);
    if (deployment.status && isComplete(deployment, deployment.status)) await this.#cleanUp(oldSets);
    return this.#writeRollout(newSet, owned.includes(newSet) ? owned : [...owned, newSet]);
  }

  async #ownedSets(): Promise<ReplicaSet[]> {
    const { deployment, sets, context, signal } = this;
    const { uid = '', namespace } = deployment.metadata;
    const candidates = [...sets.byIndex(BY_CONTROLLER, uid), ...sets.byIndex(BY_CONTROLLER, orphansOf(namespace))];
    const claims = claim(deployment, candidates, matcherOf(deployment));
    return settleClaims(context.client, Deployments, deployment, ReplicaSets, claims, signal);
  }

  /** Recreate: no new pod before the last old one is gone. @returns whether old ones are still there. */
  async #stopOld(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Promise<boolean> {
    const active = oldSets.filter(set => replicasOf(set) > 0);
    for (const set of active) await this.#resize({ set, replicas: 0 });
    return (
      active.length > 0 ||
      oldSets.some(
        set => set !== newSet && this.pods.byIndex(BY_CONTROLLER, set.metadata.uid ?? '').some(pod => !isTerminal(pod)),
      )
    );
  }

  async #syncNewSet(newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Promise<void> {
    const { deployment } = this;
    const revision = maxRevision(oldSets) + 1;
    const annotations = annotationsFor(
      deployment,
      newSet,
      revision,
      desiredReplicas(deployment),
      maxReplicas(deployment),
    );
    // Sizes are noted when they are set: here they would hide that the Deployment was scaled.
    for (const name of [DESIRED_REPLICAS, MAX_REPLICAS]) {
      const noted = newSet.metadata.annotations?.[name];
      if (noted !== undefined) annotations[name] = noted;
    }
    const spec = { minReadySeconds: omitZero(deployment.spec?.minReadySeconds ?? 0) };
    if (!patchIsVain({ metadata: { annotations }, spec }, newSet))
      await this.#patchSet(newSet, { metadata: { annotations }, spec });
    await this.#noteRevision(annotations[REVISION]);
    this.#conditions = withProgress(
      deployment,
      this.#conditions,
      { reason: 'FoundNewReplicaSet', set: newSet.metadata.name ?? '' },
      this.#now,
    );
  }

  async #createNewSet(oldSets: readonly ReplicaSet[]): Promise<ReplicaSet | undefined> {
    const { deployment, context, signal } = this;
    const { namespace, name = '', labels: _ } = deployment.metadata;
    const template = deployment.spec?.template;
    if (!template) return undefined;
    const hash = templateHash(template, this.#collisionCount);
    const labels = { ...template.metadata?.labels, [TEMPLATE_HASH]: hash };
    const { selector, minReadySeconds } = deployment.spec ?? {};
    const replicas = newSetReplicas(deployment, oldSets, undefined);
    const revision = maxRevision(oldSets) + 1;
    const set: ReplicaSet = {
      metadata: {
        namespace,
        name: `${name}-${hash}`,
        labels,
        annotations: annotationsFor(
          deployment,
          undefined,
          revision,
          desiredReplicas(deployment),
          maxReplicas(deployment),
        ),
        ownerReferences: [controllerReference(Deployments, deployment)],
      },
      spec: {
        replicas,
        ...(minReadySeconds ? { minReadySeconds } : {}),
        selector: { ...selector, matchLabels: { ...selector?.matchLabels, [TEMPLATE_HASH]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    };
    let created: ReplicaSet;
    try {
      created = await context.client.create(ReplicaSets, set, { signal });
      this.expected.wrote(keyText(keyOf(deployment)), created);
      if (replicas > 0) this.#sayScaled('up', created, 0, replicas);
      this.#conditions = withProgress(
        deployment,
        this.#conditions,
        { reason: 'NewReplicaSetCreated', set: created.metadata.name ?? '' },
        this.#now,
      );
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (isAlreadyExists(error)) return this.#collided(set, error);
      const message = error instanceof Error ? error.message : String(error);
      this.#conditions = withProgress(
        deployment,
        this.#conditions,
        { reason: 'ReplicaSetCreateError', message },
        this.#now,
      );
      context.events.event(
        Deployments,
        deployment,
        'Warning',
        'ReplicaSetCreateError',
        `Failed to create new replica set "${set.metadata.name}": ${message}`,
      );
      await this.#write(statusOf(deployment, undefined, oldSets, this.#conditions, this.#collisionCount, this.#now));
      throw error;
    }
    await this.#noteRevision(String(revision));
    return created;
  }

  /** The name is taken: by our own earlier creation that the cache does not show yet, or by a hash collision. */
  async #collided(wanted: ReplicaSet, error: unknown): Promise<ReplicaSet> {
    const { deployment, context, signal } = this;
    const existing = await context.client.get(ReplicaSets, keyOf(wanted), { signal });
    if (
      controllerOf(existing)?.uid === deployment.metadata.uid &&
      sameTemplate(existing.spec?.template, wanted.spec?.template)
    ) {
      return existing;
    }
    this.#collisionCount = (this.#collisionCount ?? 0) + 1;
    context.logger.info(
      { deployment: keyText(keyOf(deployment)), collisionCount: this.#collisionCount },
      'the hash of the template is taken',
    );
    await this.#write({ ...deployment.status, collisionCount: this.#collisionCount });
    throw error;
  }

  async #resize({ set, replicas }: Resize): Promise<void> {
    const { deployment } = this;
    const annotations = {
      [DESIRED_REPLICAS]: String(desiredReplicas(deployment)),
      [MAX_REPLICAS]: String(maxReplicas(deployment)),
    };
    const from = replicasOf(set);
    const patch = { metadata: { annotations }, spec: { replicas } };
    if (patchIsVain(patch, set)) return;
    await this.#patchSet(set, patch);
    if (from !== replicas) this.#sayScaled(replicas > from ? 'up' : 'down', set, from, replicas);
  }

  #sayScaled(direction: 'up' | 'down', set: ReplicaSet, from: number, to: number): void {
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`;
    this.context.events.event(Deployments, this.deployment, 'Normal', 'ScalingReplicaSet', message);
  }

  async #patchSet(set: ReplicaSet, patch: { readonly metadata: object; readonly spec: object }): Promise<void> {
    const { uid } = set.metadata;
    const whole = { ...patch, metadata: { uid, ...patch.metadata } };
    const written = await this.context.client.patch(ReplicaSets, keyOf(set), whole, {
      type: 'merge',
      signal: this.signal,
    });
    this.expected.wrote(keyText(keyOf(this.deployment)), written);
  }

  async #noteRevision(revision: string | undefined): Promise<void> {
    const { deployment, context, signal } = this;
    if (revision === undefined || deployment.metadata.annotations?.[REVISION] === revision) return;
    const patch = { metadata: { uid: deployment.metadata.uid, annotations: { [REVISION]: revision } } };
    await context.client.patch(Deployments, keyOf(deployment), patch, { type: 'merge', signal });
  }

  async #cleanUp(oldSets: readonly ReplicaSet[]): Promise<void> {
    for (const set of beyondHistory(this.deployment, oldSets)) {
      try {
        await this.context.client.delete(ReplicaSets, keyOf(set), {}, { signal: this.signal });
        this.expected.deleted(keyText(keyOf(this.deployment)), set);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  #writeRollout(newSet: ReplicaSet | undefined, all: readonly ReplicaSet[]): Promise<number | undefined> {
    return this.#write(
      rolloutStatusOf(this.deployment, newSet, all, this.#conditions, this.#collisionCount, this.#nowMs, this.#now),
    );
  }

  async #write(status: DeploymentStatus): Promise<number | undefined> {
    const { deployment, context, signal } = this;
    const patch = {
      ...status,
      replicas: omitZero(status.replicas ?? 0),
      updatedReplicas: omitZero(status.updatedReplicas ?? 0),
      readyReplicas: omitZero(status.readyReplicas ?? 0),
      availableReplicas: omitZero(status.availableReplicas ?? 0),
      unavailableReplicas: omitZero(status.unavailableReplicas ?? 0),
      conditions: status.conditions?.length ? status.conditions : null,
    };
    if (!patchIsVain(patch, deployment.status ?? {})) {
      try {
        const whole = { metadata: { uid: deployment.metadata.uid }, status: patch };
        await context.client.patch(Deployments, keyOf(deployment), whole, {
          type: 'merge',
          subresource: 'status',
          signal,
        });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return deadlineInMs(deployment, status, this.#nowMs);
  }
}
