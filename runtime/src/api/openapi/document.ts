/** OpenAPI documents as they are kept: compressed, since they are large and seldom asked for. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface OpenApiDocument {
  /** The JSON text, gzipped. */
  readonly gzip: Buffer;
  /** For the `ETag` header, with its quotes. */
  readonly etag: string;
}

export function packDocument(document: unknown): OpenApiDocument {
  const text = JSON.stringify(document);
  return { gzip: gzipSync(text, { level: 6 }), etag: `"${digest(text)}"` };
}

/** Upper-case hex of a SHA-512, as upstream's hashes look. */
export function digest(text: string): string {
  return createHash('sha512').update(text).digest('hex').toUpperCase();
}
