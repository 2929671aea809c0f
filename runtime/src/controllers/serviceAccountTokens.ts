/**
 * Secrets of the type `kubernetes.io/service-account-token` hold a token of the account they name, the authority to trust and
 * the namespace; they go with their account
 * (https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets).
 */
import type { Secret } from '../api/generated/types/core.v1.ts';
import { isConflict, isNotFound } from '../client/apiError.ts';
import { anyCacheOf } from '../client/caches.ts';
import { type ApiObject, keyText, parseKey, Secrets, ServiceAccounts } from '../client/resources.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

const TYPE = 'kubernetes.io/service-account-token';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';
const BY_ACCOUNT = 'account';

export interface SecretToken {
  readonly namespace: string;
  readonly secretName: string;
  readonly accountName: string;
  readonly accountUid: string;
}

export interface ServiceAccountTokenOptions {
  readonly rootCaPem: string;
  readonly issue: (of: SecretToken) => string;
}

/** What is to become of a Secret: data and annotations to write, nothing, or its end. */
export type Step = { readonly patch: object } | 'leave' | 'delete';

export function serviceAccountTokens(options: ServiceAccountTokenOptions): Controller {
  return (context, signal) => {
    const { client, informers } = context;
    const accounts = anyCacheOf(informers, ServiceAccounts);
    // Only of this type: a cluster's other Secrets are none of our business.
    const secrets = informers.of(Secrets, { fieldSelector: `type=${TYPE}`, transform: slim });
    secrets.addIndex(BY_ACCOUNT, secret => [accountOf(secret)]);
    const queue = newQueue(context);
    const enqueue = (secret: Secret): void => queue.add(keyOf(secret));
    secrets.on({ add: enqueue, update: enqueue });
    const changed = (account: ApiObject): void => {
      for (const secret of secrets.byIndex(BY_ACCOUNT, keyOf(account))) enqueue(secret);
    };
    accounts.on({ add: changed, delete: changed });

    /** Account and secret are often made in one breath: one that the cache does not know yet is asked for. */
    const uidOf = async (namespace: string | undefined, name: string): Promise<string | undefined> => {
      if (name === '') return undefined;
      const known = accounts.get(namespace, name);
      if (known) return known.metadata.uid;
      try {
        return (await client.getMetadata(ServiceAccounts, { namespace, name }, { signal })).metadata.uid;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    };

    const work = async (key: string): Promise<undefined> => {
      const { namespace, name } = parseKey(key);
      if (!secrets.get(namespace, name)) return;
      try {
        // The cache holds no data: the whole Secret is read where something is to be decided.
        const secret = await client.get(Secrets, { namespace, name }, { signal });
        const step = next(secret, await uidOf(namespace, secret.metadata.annotations?.[NAME] ?? ''), options);
        if (step === 'leave') return;
        const preconditions = { uid: secret.metadata.uid, resourceVersion: secret.metadata.resourceVersion };
        if (step === 'delete') await client.delete(Secrets, { namespace, name }, { preconditions }, { signal });
        else await client.patch(Secrets, { namespace, name }, step.patch, { type: 'merge', signal });
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    };
    return reconcile(context, queue, [accounts, secrets], work, signal);
  };
}

/** @param accountUid of the account it names; undefined: there is none. */
export function next(
  secret: Secret,
  accountUid: string | undefined,
  { rootCaPem, issue }: ServiceAccountTokenOptions,
): Step {
  const { metadata, data = {} } = secret;
  if (metadata.deletionTimestamp !== undefined || secret.type !== TYPE) return 'leave';
  const accountName = metadata.annotations?.[NAME] ?? '';
  if (accountName === '') return 'leave';
  const uid = metadata.annotations?.[UID] ?? '';
  // It is for another account, which had the name before.
  if (accountUid === undefined || (uid !== '' && uid !== accountUid)) return 'delete';
  const namespace = metadata.namespace ?? '';
  const wanted: Record<string, string> = {};
  const put = (key: string, text: string): void => {
    const value = Buffer.from(text).toString('base64');
    if (data[key] !== value) wanted[key] = value;
  };
  put('ca.crt', rootCaPem);
  if (!data.namespace) put('namespace', namespace);
  if (!data.token) put('token', issue({ namespace, secretName: metadata.name ?? '', accountName, accountUid }));
  if (Object.keys(wanted).length === 0 && uid !== '') return 'leave';
  return {
    patch: {
      metadata: { resourceVersion: metadata.resourceVersion, annotations: { [UID]: accountUid } },
      data: wanted,
    },
  };
}

const keyOf = ({ metadata }: ApiObject): string =>
  keyText({ namespace: metadata.namespace, name: metadata.name ?? '' });

const accountOf = ({ metadata }: Secret): string =>
  keyText({ namespace: metadata.namespace, name: metadata.annotations?.[NAME] ?? '' });

/** Who it is and whose: no token stays in memory. */
function slim({ metadata, type }: Secret): Secret {
  const { name, namespace, uid, resourceVersion, annotations } = metadata;
  const kept = { [NAME]: annotations?.[NAME] ?? '' };
  return { metadata: { name, namespace, uid, resourceVersion, annotations: kept }, type };
}
