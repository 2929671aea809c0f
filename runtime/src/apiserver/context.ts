/** What the handlers of resource requests share: the server's parts, and one request as it has been understood. */
import type { KindModule } from '../api/kinds/kind.ts';
import type { ResourceInfo } from '../api/resources.ts';
import type { Clock } from '../lib/clock.ts';
import type { Request, User } from '../lib/exchange.ts';
import type { Logger } from '../lib/log.ts';
import type { KeyValue, Store } from '../store/store.ts';
import type { Admission } from './admission/admission.ts';
import type { Allocations } from './allocation/services.ts';
import type { Asked } from './answer.ts';
import type { ServiceAccountTokens } from './authentication/serviceAccount.ts';
import type { TokenAuthenticator } from './authentication/tokens.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import type { Bindings } from './authorization/bindings.ts';
import type { Catalog, CustomResource } from './customResources/catalog.ts';
import type { HealthCheck } from './endpoints/health.ts';
import type { Tunnels } from './kubelet/tunnels.ts';
import type { Mirrors } from './mirrors.ts';
import type { RequestInfo } from './requestInfo.ts';
import type { WatchHub } from './watch/hub.ts';

export interface Parts {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mirrors: Mirrors;
  readonly admission: Admission;
  readonly authorizer: Authorizer;
  /** Roles and who has them: for reviews of what somebody may do. */
  readonly bindings: Bindings;
  /** Issues tokens of service accounts. */
  readonly tokens: ServiceAccountTokens;
  /** Knows every kind of bearer token. */
  readonly bearer: TokenAuthenticator;
  readonly services: Allocations;
  readonly watches: WatchHub;
  /** To the kubelets, and through them to their pods. */
  readonly tunnels: Tunnels;
  /** What ComponentStatuses tell of. */
  readonly components: readonly HealthCheck[];
}

export interface Context {
  readonly parts: Parts;
  readonly request: Request;
  readonly info: RequestInfo;
  readonly user: User;
  readonly resource: ResourceInfo;
  readonly kind: KindModule | undefined;
  /** Texts for `Warning` headers, in order. */
  readonly warnings: string[];
  /** Tells the audit log, where there is one. */
  readonly annotate?: (key: string, value: string) => void;
  /** `dryRun=All`: everything happens but the write. */
  readonly dryRun: boolean;
  /** Of a custom resource: where it is defined. */
  readonly custom?: CustomResource | undefined;
  /** Of custom resources: aborts when their definition changes or goes, and watches with it. */
  readonly retired?: AbortSignal;
  /** Of custom resources: what is stored would be written differently today, so that an update without a change writes it. */
  readonly isOutdated?: (stored: KeyValue) => boolean;
}

/** Before an object is made anew, since the one there has changed: what concerns its kind stays. */
export function forgetWarnings({ warnings, kind }: Context): void {
  warnings.length = kind?.deprecated === undefined ? 0 : 1;
}

export const askedOf = ({ request, resource, kind, warnings, parts }: Context): Asked => ({
  request,
  resource,
  kind,
  warnings,
  nowMs: parts.clock.now(),
});
