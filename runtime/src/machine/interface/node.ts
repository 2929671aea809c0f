/** What the node's labels in the API say of its machine. */
import type { Release } from '../release.ts';

/** Labels hold letters, digits, `-`, `_`, `.`, at most 63 of them. */
const labelValue = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 63)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');

/** None outside an image. */
export function machineLabels({ version, image }: Release, slot: string | undefined): Readonly<Record<string, string>> {
  if (image === 'none') return {};
  return {
    'atoll.dev/image': labelValue(image),
    'atoll.dev/version': labelValue(version),
    ...(slot === undefined ? {} : { 'atoll.dev/slot': labelValue(slot) }),
  };
}
