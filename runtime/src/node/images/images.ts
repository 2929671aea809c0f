/** Images a container needs: found, or pulled as its policy says (https://kubernetes.io/docs/concepts/containers/images/). */
import type { Container, Pod } from '../../api/generated/types/core.v1.ts';
import type { CriClient } from '../cri/client.ts';
import type { Image } from '../cri/types.ts';
import type { NamespaceObjects } from '../spec/env.ts';
import { credentialsFor } from './credentials.ts';
import { nodeCredentials, type Registries } from './registries.ts';

/** `reason` is the container's waiting reason: `ErrImagePull`, `ErrImageNeverPull`, `InvalidImageName`. */
export class ImageError extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.name = 'ImageError';
    this.reason = reason;
  }
}

export type PullPolicy = 'Always' | 'Never' | 'IfNotPresent';

/** The API server's default, again here for pods that did not pass through it. */
export function pullPolicy(container: Pick<Container, 'image' | 'imagePullPolicy'>): PullPolicy {
  if (container.imagePullPolicy) return container.imagePullPolicy;
  const [name = '', digest] = (container.image ?? '').split('@');
  if (digest) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(name)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

export type ImageEvent = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

export class Images {
  readonly #cri: CriClient;
  readonly #registries: Registries;

  /** @param registries who this node is, for pods that do not say who they are */
  constructor(cri: CriClient, registries: Registries = {}) {
    this.#cri = cri;
    this.#registries = registries;
  }

  /** The image on this node. @throws ImageError, in upstream's words. */
  async ensure(
    pod: Pod,
    container: Pick<Container, 'image' | 'imagePullPolicy'>,
    objects: NamespaceObjects,
    event: ImageEvent,
    signal: AbortSignal,
  ): Promise<Image> {
    const name = container.image ?? '';
    if (!validName(name)) {
      const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`;
      event('Warning', 'InspectFailed', message);
      throw new ImageError('InvalidImageName', message);
    }
    const policy = pullPolicy(container);
    const present = await this.#cri.imageStatus(name);
    if (present && policy !== 'Always') {
      event('Normal', 'Pulled', `Container image "${name}" already present on machine and can be accessed by the pod`);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${name}" is not present with pull policy of Never`;
      event('Warning', 'ErrImageNeverPull', message);
      throw new ImageError('ErrImageNeverPull', message);
    }
    return this.#pull(pod, name, objects, event, signal);
  }

  async #pull(
    pod: Pod,
    name: string,
    objects: NamespaceObjects,
    event: ImageEvent,
    signal: AbortSignal,
  ): Promise<Image> {
    event('Normal', 'Pulling', `Pulling image "${name}"`);
    const begun = Date.now();
    try {
      const candidates = [...(await credentialsFor(pod, name, objects)), ...nodeCredentials(this.#registries, name)];
      let failure: unknown;
      for (const auth of candidates.length > 0 ? candidates : [undefined]) {
        try {
          await this.#cri.pullImage(name, auth, { signal });
          failure = undefined;
          break;
        } catch (error) {
          failure = error;
        }
      }
      if (failure) throw failure;
    } catch (error) {
      const message = `Failed to pull image "${name}": ${error instanceof Error ? error.message : String(error)}`;
      event('Warning', 'Failed', message);
      throw new ImageError('ErrImagePull', message.slice(message.indexOf(': ') + 2));
    }
    const image = await this.#cri.imageStatus(name);
    if (!image) throw new ImageError('ErrImagePull', `image "${name}" was pulled and is not there: is the disk full?`);
    const seconds = ((Date.now() - begun) / 1000).toFixed(3);
    const text = `Successfully pulled image "${name}" in ${seconds}s (${seconds}s including waiting). Image size: ${image.size} bytes.`;
    event('Normal', 'Pulled', text);
    return image;
  }
}

function validName(name: string): boolean {
  return (
    /^[A-Za-z0-9]([A-Za-z0-9._:/-]*[A-Za-z0-9])?(@sha256:[0-9a-f]{64})?$/.test(name) &&
    !/\/[^/]*[A-Z][^/]*(\/|$|:)/.test(name.replace(/:[^/]*$/, ''))
  );
}
