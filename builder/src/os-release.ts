/**
 * What an image is, for those who look into it. It is written into the root last of all, with the runtime: nothing else in the root
 * knows the version, so that two versions differ in little. Source: os-release(5).
 */
export interface ImageIdentity {
  readonly name: string;
  readonly version: string;
  readonly description: string;
}

export const osReleasePath = 'usr/lib/os-release';

export function osRelease({ name, version, description }: ImageIdentity): string {
  const values = {
    NAME: 'Atoll',
    PRETTY_NAME: `Atoll ${version}`,
    ID: 'atoll',
    ID_LIKE: 'debian',
    VERSION_ID: version,
    IMAGE_ID: name,
    IMAGE_VERSION: version,
    VARIANT: description,
  };
  return Object.entries(values)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
    .join('');
}
