/** The resources of one group and version, as the server lists them. */
export interface ApiResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/** `v1` → `/api/v1`, `apps/v1` → `/apis/apps/v1`. */
export const pathOfGroup = (apiVersion: string): string =>
  `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`;
