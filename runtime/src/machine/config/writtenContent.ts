/** What a file of `write_files` holds, out of how it is written in the configuration. */
import { gunzipSync } from 'node:zlib';

/** A file may unpack to so much. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** @returns the bytes, or what is wrong with `content`. */
export function writtenContent(content: string, encoding = 'text/plain'): Buffer | string {
  const base64 = /b(?:ase)?64$/.test(encoding);
  let bytes = Buffer.from(content, 'utf8');
  if (base64) {
    const packed = content.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(packed) || packed.replace(/=+$/, '').length % 4 === 1) return 'is not base64';
    bytes = Buffer.from(packed, 'base64');
  }
  if (!encoding.startsWith('gz')) return bytes;
  if (!base64) return 'cannot hold compressed bytes: they are written in base64, with encoding: gz+b64';
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_FILE_BYTES });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ERR_BUFFER_TOO_LARGE'
      ? `unpacks to more than ${MAX_FILE_BYTES / 1024 / 1024} MiB`
      : 'is not what gzip makes: damaged, or cut?';
  }
}
