/** `metadata.generation`: how often the wish has changed. */
import type { KubeObject } from '../object.ts';
import { sameValue } from './errors.ts';

/** One more than before where anything but metadata and status has changed. In place. */
export function bumpGeneration(object: KubeObject, old: KubeObject): void {
  const generation = old.metadata.generation;
  if (generation === undefined) {
    delete object.metadata.generation;
    return;
  }
  const wish = ({ apiVersion, kind, metadata, status, ...rest }: KubeObject): unknown => rest;
  object.metadata.generation = sameValue(wish(object), wish(old)) ? generation : generation + 1;
}
