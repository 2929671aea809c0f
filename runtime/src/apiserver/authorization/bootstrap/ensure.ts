/** When the bootstrap policy is made: at the first start before the server is ready, later after it is. */
import type { Clock } from '../../../lib/clock.ts';
import type { Store } from '../../../store/store.ts';

/** What {@link bootstrapPolicy} names last: where it is there, all of it has been made before. */
const LAST = '/registry/rbac.authorization.k8s.io/rolebindings/kube-public/system:controller:bootstrap-signer';

/**
 * Resolves when the cluster has its roles.
 * @returns what remains to be done when there is time: to add what a newer version grants, or to bring back what somebody has
 * taken away.
 */
export async function ensurePolicy(store: Store, clock: Clock): Promise<() => Promise<void>> {
  const reconcile = async (): Promise<void> => {
    const { reconcilePolicy } = await import('./reconcile.ts');
    await reconcilePolicy(store, clock.now());
  };
  if (await store.get(LAST)) return reconcile;
  await reconcile();
  return async () => undefined;
}
