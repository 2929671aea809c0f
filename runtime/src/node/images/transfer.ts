/**
 * Brings an image archive into containerd through its own Transfer and Streaming services, on the socket CRI is on: CRI has no
 * call for it. Source: containerd 1.7 and 2.x, api/services/{transfer,streaming,images}/v1, api/types/transfer.
 *
 * The archive goes as a stream of 32 KiB pieces; containerd says by window updates how much it takes, so a large archive is never
 * in memory. An image has its name only when all of it is there and unpacked.
 *
 * containerd 1.7's Transfer tells nobody of the names it writes, and CRI goes by what it is told: so each name's labels are
 * written once more through the Images service, which does.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Client, type ClientDuplexStream, credentials, Metadata, status } from '@grpc/grpc-js';
import { type FieldDescriptor, Messages } from '../../lib/protobuf/messages.ts';

const NAMESPACE = 'k8s.io';
const PIECE_BYTES = 32 * 1024;
const TIMEOUT_MS = 10 * 60_000;
const LABEL_MS = 30_000;

const string = (id: number): FieldDescriptor => ({ type: 'string', id });
const any = (id: number): FieldDescriptor => ({ type: 'google.protobuf.Any', id });

/** The few messages of it, by full name; field numbers are containerd's. */
const messages = new Messages({
  'google.protobuf.Any': { fields: { typeUrl: string(1), value: { type: 'bytes', id: 2 } } },
  'google.protobuf.FieldMask': { fields: { paths: { rule: 'repeated', type: 'string', id: 1 } } },
  'containerd.services.transfer.v1.TransferRequest': { fields: { source: any(1), destination: any(2) } },
  'containerd.services.streaming.v1.StreamInit': { fields: { id: string(1) } },
  'containerd.services.images.v1.GetImageRequest': { fields: { name: string(1) } },
  'containerd.services.images.v1.ListImagesRequest': {
    fields: { filters: { rule: 'repeated', type: 'string', id: 1 } },
  },
  'containerd.services.images.v1.ListImagesResponse': {
    fields: { images: { rule: 'repeated', type: 'containerd.services.images.v1.Image', id: 1 } },
  },
  'containerd.services.images.v1.Image': { fields: { name: string(1) } },
  'containerd.services.images.v1.Labelled': {
    fields: { labels: { keyType: 'string', type: 'string', id: 2 } },
  },
  // The image is passed on as it came.
  'containerd.services.images.v1.GetImageResponse': { fields: { image: { type: 'bytes', id: 1 } } },
  'containerd.services.images.v1.UpdateImageRequest': {
    fields: { image: { type: 'bytes', id: 1 }, updateMask: { type: 'google.protobuf.FieldMask', id: 2 } },
  },
  'containerd.types.Platform': { fields: { os: string(1), architecture: string(2), variant: string(3) } },
  'containerd.types.transfer.Data': { fields: { data: { type: 'bytes', id: 1 } } },
  'containerd.types.transfer.WindowUpdate': { fields: { update: { type: 'int32', id: 1 } } },
  'containerd.types.transfer.ImageImportStream': { fields: { stream: string(1), mediaType: string(2) } },
  'containerd.types.transfer.ImageReference': {
    fields: { name: string(1), isPrefix: { type: 'bool', id: 2 }, allowOverwrite: { type: 'bool', id: 3 } },
  },
  'containerd.types.transfer.UnpackConfiguration': {
    fields: { platform: { type: 'containerd.types.Platform', id: 1 }, snapshotter: string(2) },
  },
  'containerd.types.transfer.ImageStore': {
    fields: {
      name: string(1),
      labels: { keyType: 'string', type: 'string', id: 2 },
      extraReferences: { rule: 'repeated', type: 'containerd.types.transfer.ImageReference', id: 6 },
      unpacks: { rule: 'repeated', type: 'containerd.types.transfer.UnpackConfiguration', id: 10 },
    },
  },
});

interface Any {
  readonly typeUrl: string;
  readonly value: Buffer;
}

/** containerd's type URLs are bare names. */
const wrap = (typeUrl: string, value: object): Any => ({ typeUrl, value: messages.encode(typeUrl, value) });

const encodeAny = (value: Any): Buffer => messages.encode('google.protobuf.Any', value);
const decodeAny = (encoded: Buffer): Any => messages.decode('google.protobuf.Any', encoded) as unknown as Any;

/** What failed, in containerd's words where they are its. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
  constructor(archive: string, why: string) {
    super(`the images of ${archive} could not be imported: ${why}`);
  }
}

export interface ImportOptions {
  /** containerd's socket, without scheme. */
  readonly socket: string;
  /** A tar, also compressed with gzip or zstd: OCI image layout, or what `docker save` writes. Images need names in it. */
  readonly archive: string;
  /** The names in it that CRI is to know; all there are when absent. */
  readonly names?: readonly string[];
  readonly snapshotter?: string;
  /** Of every image. */
  readonly labels: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Imports and unpacks all images of the archive. Names that exist are moved to the new images. CRI sees them a moment after.
 * @returns their names
 * @throws {@link ImportError}, also where a name of `names` is not in the archive
 */
export async function importArchive(options: ImportOptions): Promise<readonly string[]> {
  const { archive, signal } = options;
  const client = new Client(`unix:${options.socket}`, credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  const metadata = new Metadata();
  metadata.set('containerd-namespace', NAMESPACE);
  const deadline = Date.now() + TIMEOUT_MS;
  // One name a process and archive: streams of containerd share one space of names.
  const id = `atoll-import-${process.pid}-${archive}`;
  const stream = client.makeBidiStreamRequest<Any, Any>(
    '/containerd.services.streaming.v1.Streaming/Stream',
    encodeAny,
    decodeAny,
    metadata,
    { deadline },
  );
  try {
    const sent = send(stream, id, archive);
    await sent.registered;
    const imported = transfer(caller(client, metadata, deadline), id, options);
    // The archive's error is the cause of the transfer's.
    return await Promise.race([imported, sent.failed, aborted(signal)]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof ImportError ? error : new ImportError(archive, textOf(error));
  } finally {
    stream.cancel();
    client.close();
  }
}

const IMAGES = 'containerd.services.images.v1';

/** Says which import an image came by; the only way to hear of the names in an archive. */
const IMPORT_LABEL = 'atoll/import';

async function transfer(call: Call, stream: string, options: ImportOptions): Promise<readonly string[]> {
  const { snapshotter = 'overlayfs' } = options;
  const by = randomBytes(8).toString('hex');
  const labels = options.names ? options.labels : { ...options.labels, [IMPORT_LABEL]: by };
  await call('/containerd.services.transfer.v1.Transfer/Transfer', 'containerd.services.transfer.v1.TransferRequest', {
    source: wrap('containerd.types.transfer.ImageImportStream', { stream, mediaType: '' }),
    destination: wrap('containerd.types.transfer.ImageStore', {
      labels,
      // Whatever full name the archive gives.
      extraReferences: [{ name: 'import', isPrefix: true, allowOverwrite: true }],
      unpacks: [{ platform: thisPlatform(), snapshotter }],
    }),
  });
  const names = options.names ?? (await namesImported(call, by));
  for (const name of names) await tellAgain(call, name);
  return names;
}

async function namesImported(call: Call, by: string): Promise<string[]> {
  const answer = await call(`/${IMAGES}.Images/List`, `${IMAGES}.ListImagesRequest`, {
    filters: [`labels."${IMPORT_LABEL}"==${by}`],
  });
  const { images = [] } = messages.decode(`${IMAGES}.ListImagesResponse`, answer) as {
    images?: { name: string }[];
  };
  // containerd gives a name by digest as well.
  return images.map(({ name }) => name).filter(name => !name.startsWith('import') && !name.startsWith('sha256:'));
}

async function tellAgain(call: Call, name: string): Promise<void> {
  const answer = await call(`/${IMAGES}.Images/Get`, `${IMAGES}.GetImageRequest`, { name });
  const { image } = messages.decode(`${IMAGES}.GetImageResponse`, answer);
  const request = { image, updateMask: { paths: ['labels'] } };
  await call(`/${IMAGES}.Images/Update`, `${IMAGES}.UpdateImageRequest`, request);
}

/**
 * Gives an image that is there these labels, besides those it has. CRI hears of it.
 * @throws Error in containerd's words
 */
export async function labelImage(
  socket: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  const metadata = new Metadata();
  metadata.set('containerd-namespace', NAMESPACE);
  try {
    const call = caller(client, metadata, Date.now() + LABEL_MS);
    const answer = await call(`/${IMAGES}.Images/Get`, `${IMAGES}.GetImageRequest`, { name });
    const { image: found } = messages.decode(`${IMAGES}.GetImageResponse`, answer) as { image: Buffer };
    // Of a map, later entries of a message win.
    const image = Buffer.concat([found, messages.encode(`${IMAGES}.Labelled`, { labels })]);
    const paths = Object.keys(labels).map(label => `labels.${label}`);
    await call(`/${IMAGES}.Images/Update`, `${IMAGES}.UpdateImageRequest`, { image, updateMask: { paths } });
  } finally {
    client.close();
  }
}

type Call = (path: string, type: string, request: object) => Promise<Buffer>;

const caller =
  (client: Client, metadata: Metadata, deadline: number): Call =>
  (path, type, request) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest<object, Buffer>(
        path,
        value => messages.encode(type, value),
        answer => answer,
        request,
        metadata,
        { deadline },
        (error, answer) => (error ? reject(error) : resolve(answer ?? Buffer.alloc(0))),
      );
    });

/** In Go's words (https://go.dev/doc/install/source#environment). */
function thisPlatform(): { os: string; architecture: string; variant?: string } {
  const { arch } = process;
  if (arch === 'arm') return { os: 'linux', architecture: 'arm', variant: 'v7' };
  return { os: 'linux', architecture: arch === 'x64' ? 'amd64' : arch };
}

/** Registers the stream and then sends the archive, as much as containerd has asked for and no more. */
function send(
  stream: ClientDuplexStream<Any, Any>,
  id: string,
  archive: string,
): { registered: Promise<void>; failed: Promise<never> } {
  const file = createReadStream(archive, { highWaterMark: PIECE_BYTES });
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  let window = 0;
  let wake = (): void => undefined;
  const sendFile = async (): Promise<void> => {
    for await (const chunk of file) {
      for (let piece = chunk as Buffer; piece.length > 0; ) {
        while (window <= 0) {
          await new Promise<void>(resume => {
            wake = resume;
          });
          if (file.destroyed) return;
        }
        const now = piece.subarray(0, window);
        window -= now.length;
        stream.write(wrap('containerd.types.transfer.Data', { data: now }));
        piece = piece.subarray(now.length);
      }
    }
    stream.end();
  };
  const registered = new Promise<void>((resolve, reject) => {
    stream.on('error', error => {
      reject(error);
      fail(error);
    });
    stream.on('close', () => {
      file.destroy();
      wake();
    });
    // containerd's first answer, whatever is in it, says that the stream is registered.
    stream.once('data', () => {
      stream.on('data', ({ typeUrl, value }: Any) => {
        if (typeUrl !== 'containerd.types.transfer.WindowUpdate') return;
        window += Number(messages.decode(typeUrl, value).update);
        wake();
      });
      sendFile().catch(fail);
      resolve();
    });
    stream.write(wrap('containerd.services.streaming.v1.StreamInit', { id }));
  });
  return { registered, failed };
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, details } = error as { code?: unknown; details?: unknown };
  if (typeof code !== 'number' || typeof details !== 'string') return error.message;
  return `containerd: ${details || (status[code] ?? error.message)}`;
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
