/** OpenAPI documents as they are kept: compressed, since they are large and seldom asked for. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

const zip = promisify(gzip);
const unzip = promisify(gunzip);

export interface OpenApiDocument {
  /** The text, gzipped. */
  readonly gzip: Buffer;
  /** For the `ETag` header, with its quotes. */
  readonly etag: string;
}

/** @param etag of what the document was made, where that is known; otherwise of the text */
export async function packText(text: string | Buffer, etag = `"${digest(text)}"`): Promise<OpenApiDocument> {
  return { gzip: await zip(text, { level: 6 }), etag };
}

export const textOf = async ({ gzip }: OpenApiDocument): Promise<string> => (await unzip(gzip)).toString('utf8');

/** Upper-case hex of a SHA-512, as upstream's hashes look. */
export function digest(text: string | Buffer): string {
  return createHash('sha512').update(text).digest('hex').toUpperCase();
}
