/**
 * A registry next door for the boot tests: HTTPS by an authority of its own, a name and a password, one image under any name
 * (OCI distribution-spec 1.1: pull).
 */

import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Authority {
  /** PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority, and a certificate of it for `names` (`IP:10.0.2.100`, `DNS:…`). */
export async function authority(folder: string, name: string, names: readonly string[]): Promise<Authority> {
  const at = (file: string): string => join(folder, `${name}-${file}`);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'];
  await run('openssl', [
    ...['req', '-x509', ...ec, '-subj', `/CN=${name}`, '-keyout', at('ca.key'), '-out', at('ca.pem')],
  ]);
  await run('openssl', [
    ...['req', '-x509', ...ec, '-subj', '/CN=server', '-addext', `subjectAltName=${names.join(',')}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-CA', at('ca.pem'), '-CAkey', at('ca.key')],
    ...['-keyout', at('key.pem'), '-out', at('cert.pem')],
  ]);
  const read = (file: string): Promise<string> => readFile(at(file), 'utf8');
  const made = { ca: await read('ca.pem'), cert: await read('cert.pem'), key: await read('key.pem') };
  if (!new X509Certificate(made.cert).checkIssued(new X509Certificate(made.ca)))
    throw new Error(`${name}: the certificate is not its authority's`);
  return made;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export class Registry implements AsyncDisposable {
  /** What was asked for with the right password: `GET /v2/…`. */
  readonly asked: string[] = [];
  /** How many were without it. */
  refused = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param layer of the only image: an uncompressed tar. @param credentials `user:password` */
  static async start(tls: Authority, layer: Buffer, credentials: string): Promise<Registry> {
    const blobs = new Map<string, Buffer>();
    const blob = (mediaType: string, content: Buffer): { mediaType: string; digest: string; size: number } => {
      const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      blobs.set(digest, content);
      return { mediaType, digest, size: content.length };
    };
    const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
    const layers = [blob('application/vnd.oci.image.layer.v1.tar', layer)];
    const config = blob(
      'application/vnd.oci.image.config.v1+json',
      json({
        architecture: 'amd64',
        os: 'linux',
        config: { Cmd: ['/bin/busybox', 'sleep', '1000000'] },
        rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
      }),
    );
    const manifest = blob(manifestType, json({ schemaVersion: 2, mediaType: manifestType, config, layers }));
    const expected = `Basic ${Buffer.from(credentials).toString('base64')}`;
    const server = createServer({ cert: tls.cert, key: tls.key }, (request, response) => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      if (request.headers.authorization !== expected) {
        registry.refused += 1;
        response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end();
        return;
      }
      registry.asked.push(`${request.method} ${request.url}`);
      const [, kind, reference = ''] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
      const digest = kind === 'manifests' && !reference.startsWith('sha256:') ? manifest.digest : reference;
      const content = path === '/v2/' ? Buffer.from('{}') : blobs.get(digest);
      if (content === undefined) response.writeHead(404).end();
      else {
        response.writeHead(200, {
          'content-type': kind === 'manifests' ? manifestType : 'application/octet-stream',
          'content-length': content.length,
          'docker-content-digest': digest,
        });
        response.end(request.method === 'HEAD' ? undefined : content);
      }
    });
    const registry = new Registry(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
