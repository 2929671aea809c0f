/**
 * An Ethernet switch for machines of this process: what one sends reaches the others, and nothing else does. No bridge, no root, no port
 * on the host: each cable is a socket pair QEMU has inherited, on which every frame follows its length (four bytes, the highest first).
 *
 * Invariants: a frame is passed on whole or not at all; a machine that does not read loses frames, as on a wire, and holds up nobody.
 */
import type { Duplex } from 'node:stream';

const lengthBytes = 4;
/** More waiting for one machine than this is dropped: a second of a fast card. */
const queueBytes = 16 * 1024 ** 2;
/** Longer than any frame a virtio card sends: 64 KiB, as segmentation is left to it. Beyond it, it is no frame. */
const longestFrameBytes = 128 * 1024;

/** Whole frames, their lengths still before them, from a stream's pieces. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws RangeError when it is no stream of frames */
  take(chunk: Buffer): Buffer[] {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    while (data.length >= lengthBytes) {
      const bytes = data.readUInt32BE(0);
      if (bytes > longestFrameBytes) throw new RangeError(`a frame of ${bytes} bytes`);
      if (data.length < lengthBytes + bytes) break;
      frames.push(data.subarray(0, lengthBytes + bytes));
      data = data.subarray(lengthBytes + bytes);
    }
    this.#rest = data;
    return frames;
  }
}

const address = (frame: Buffer, at: number): string => frame.toString('hex', lengthBytes + at, lengthBytes + at + 6);
/** Broadcast and multicast: the lowest bit of the first byte (IEEE 802.3 clause 3.2.3). */
const isForAll = (frame: Buffer): boolean => ((frame[lengthBytes] ?? 0) & 1) === 1;

export class Lan {
  readonly #cables = new Set<Duplex>();
  /** Who was last heard where. */
  readonly #known = new Map<string, Duplex>();

  /** Plugs a machine in, until its stream ends. */
  connect(cable: Duplex): void {
    const frames = new Frames();
    this.#cables.add(cable);
    const unplug = (): void => {
      this.#cables.delete(cable);
      for (const [mac, where] of this.#known) if (where === cable) this.#known.delete(mac);
    };
    cable.on('data', (chunk: Buffer) => {
      for (const frame of frames.take(chunk)) this.#pass(frame, cable);
    });
    for (const gone of ['error', 'end', 'close']) cable.on(gone, unplug);
  }

  #pass(frame: Buffer, from: Duplex): void {
    // Two addresses and a type: less is nothing a card sends.
    if (frame.length < lengthBytes + 14) return;
    this.#known.set(address(frame, 6), from);
    const one = isForAll(frame) ? undefined : this.#known.get(address(frame, 0));
    for (const cable of one === undefined ? this.#cables : [one])
      if (cable !== from && cable.writableLength < queueBytes) cable.write(frame);
  }
}
