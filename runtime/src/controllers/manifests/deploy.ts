/** Applies the objects of one manifest (server-side apply), and removes those it no longer has. */

import { isNotFound } from '../../client/apiError.ts';
import type { Client } from '../../client/client.ts';
import type { ApiObject, ResourceRef } from '../../client/resources.ts';
import type { AppliedObject } from './applied.ts';
import type { ApiResourceList } from './served.ts';
import { pathOfGroup } from './served.ts';

const FIELD_MANAGER = 'atoll-manifests';

export class Deployer {
  readonly #client: Client;
  /** By group and version; forgotten with each pass, as definitions come and go. */
  #served = new Map<string, Promise<ApiResourceList>>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Asks the server anew for what it serves. */
  forget(): void {
    this.#served = new Map();
  }

  /** @returns where it is. @throws ApiError; Error when the server does not serve its kind (yet) */
  async apply(object: ApiObject, signal: AbortSignal): Promise<AppliedObject> {
    const ref = await this.#refOf(object.apiVersion ?? '', object.kind ?? '', signal);
    const { name = '' } = object.metadata;
    const namespace = ref.namespaced ? (object.metadata.namespace ?? 'default') : undefined;
    await this.#client.patch(ref, { ...(namespace === undefined ? {} : { namespace }), name }, object, {
      type: 'apply',
      fieldManager: FIELD_MANAGER,
      force: true,
      signal,
    });
    // What it defines is served a moment later.
    if (object.kind === 'CustomResourceDefinition' || object.kind === 'APIService') this.forget();
    return placeOf(object, namespace);
  }

  async remove(object: AppliedObject, signal: AbortSignal): Promise<void> {
    try {
      const ref = await this.#refOf(object.apiVersion, object.kind, signal);
      const { name, namespace } = object;
      const key = { ...(namespace === undefined ? {} : { namespace }), name };
      await this.#client.delete(ref, key, { propagationPolicy: 'Background' }, { signal });
    } catch (error) {
      // Gone with its definition, or by hand.
      if (!isNotFound(error) && !(error instanceof NotServedError)) throw error;
    }
  }

  async #refOf(apiVersion: string, kind: string, signal: AbortSignal): Promise<ResourceRef> {
    const [version = '', group = ''] = apiVersion.split('/').reverse();
    let asked = this.#served.get(apiVersion);
    if (!asked) {
      asked = this.#client.rawJson<ApiResourceList>({ method: 'GET', path: pathOfGroup(apiVersion) }, { signal });
      asked.catch(() => this.#served.delete(apiVersion));
      this.#served.set(apiVersion, asked);
    }
    let list: ApiResourceList;
    try {
      list = await asked;
    } catch (error) {
      if (isNotFound(error)) throw new NotServedError(apiVersion, kind);
      throw error;
    }
    const resource = list.resources.find(served => served.kind === kind && !served.name.includes('/'));
    if (!resource) {
      this.#served.delete(apiVersion);
      throw new NotServedError(apiVersion, kind);
    }
    return { group, version, resource: resource.name, kind, namespaced: resource.namespaced };
  }
}

export class NotServedError extends Error {
  override readonly name = 'NotServedError';
  constructor(apiVersion: string, kind: string) {
    super(`the server does not serve ${kind} of ${apiVersion}: is its CustomResourceDefinition applied?`);
  }
}

function placeOf({ apiVersion = '', kind = '', metadata }: ApiObject, namespace: string | undefined): AppliedObject {
  return { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name: metadata.name ?? '' };
}
