/**
 * The list of images that Raspberry Pi Imager reads: as a repository of one's own ("App options", "Content repository"), or as the part
 * of Raspberry Pi's list that is ours. Source: rpi-imager's doc/json-schema/os-list-schema.json, doc/schema-notes.md and
 * doc/os-sublist-example.json (format 4).
 */

import type { ImagerBoard } from '../boards.ts';

/** What the wizard's first page offers; an image is shown for a model when they have a tag in common. */
interface Model {
  readonly name: string;
  readonly description: string;
  readonly tags: readonly string[];
  /** `exclusive`: only images that name the model; `inclusive`: those that name none, too. */
  readonly matching_type: 'exclusive' | 'inclusive';
}

/** Models by the tags that Raspberry Pi's own list has for them. */
const models: readonly Model[] = [
  {
    name: 'Raspberry Pi 4',
    description: 'Model B, 400, Compute Module 4',
    tags: ['pi4-64bit', 'pi4-32bit'],
    matching_type: 'inclusive',
  },
  {
    name: 'Raspberry Pi 3',
    description: 'Model A+, B and B+, Compute Module 3',
    tags: ['pi3-64bit', 'pi3-32bit'],
    matching_type: 'inclusive',
  },
  {
    name: 'Raspberry Pi Zero 2 W',
    description: 'Zero 2 W',
    tags: ['pi3-64bit', 'pi3-32bit'],
    matching_type: 'inclusive',
  },
  { name: 'Raspberry Pi 2', description: 'Model B', tags: ['pi2-32bit'], matching_type: 'inclusive' },
];

/** An image as it is published. */
export interface PublishedImage {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly board: ImagerBoard;
  /** Of the compressed image. */
  readonly url: string;
  readonly icon: string;
  /** `2026-11-22` */
  readonly date: string;
  readonly rawBytes: number;
  readonly rawSha256: string;
  readonly compressedBytes: number;
  readonly compressedSha256: string;
}

/** The text of the list. */
export function repositoryText(images: readonly PublishedImage[]): string {
  const tags = new Set(images.flatMap(({ board }) => board.devices));
  const list = {
    imager: {
      devices: models
        .filter(model => model.tags.some(tag => tags.has(tag)))
        .map((model, index) => ({ ...model, default: index === 0 })),
    },
    os_list: images.map(image => ({
      name: `Atoll ${image.version} (${image.name})`,
      description: image.description,
      icon: image.icon,
      url: image.url,
      release_date: image.date,
      extract_size: image.rawBytes,
      extract_sha256: image.rawSha256,
      image_download_size: image.compressedBytes,
      image_download_sha256: image.compressedSha256,
      devices: image.board.devices,
      // user-data, network-config and meta-data on the FAT partition; Imager has no other word for it.
      init_format: 'cloudinit',
      architecture: image.board.architecture,
    })),
  };
  return `${JSON.stringify(list, undefined, 2)}\n`;
}
