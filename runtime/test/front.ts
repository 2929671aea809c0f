/** A TLS front end as the API server's: turns Node's requests and upgrades into exchanges, and verifies client certificates. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { statusOf } from '../src/api/status.ts';
import type { Handler, Request, UpgradeHandler } from '../src/lib/exchange.ts';
import type { Pki } from '../src/lib/pki.ts';
import { subjectOf } from '../src/lib/x509.ts';

export interface Front {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export async function startFront(pki: Pki, handler: Handler, upgrade: UpgradeHandler, port = 0): Promise<Front> {
  const server = https.createServer({
    cert: pki.serving.certificatePem,
    key: pki.serving.privateKeyPem,
    ca: pki.clientCa.certificatePem,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const open = new Set<Duplex>();
  server.on('connection', socket => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const exchange = (message: IncomingMessage, body: Buffer, signal: AbortSignal): Request => {
    const url = new URL(message.url ?? '/', 'https://front');
    const socket = message.socket as TLSSocket;
    const certificate = socket.authorized ? subjectOf(socket.getPeerCertificate().raw) : undefined;
    const headers = Object.entries(message.headers).map(([k, v]) => [k, Array.isArray(v) ? v.join(', ') : v]);
    return {
      method: message.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: Object.fromEntries(headers),
      body,
      signal,
      remoteAddress: socket.remoteAddress ?? '',
      ...(certificate ? { clientCertificate: certificate } : {}),
    };
  };
  server.on('request', async (message, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const answer = await handler(exchange(message, await buffer(message), gone.signal));
      response.writeHead(answer.status, answer.headers);
      if (Buffer.isBuffer(answer.body)) response.end(answer.body);
      else {
        for await (const chunk of answer.body) if (!response.write(chunk)) await once(response, 'drain', gone);
        response.end();
      }
    } catch (error) {
      if (response.headersSent) response.destroy();
      else
        response
          .writeHead(statusOf(error).code, { 'content-type': 'application/json' })
          .end(JSON.stringify(statusOf(error)));
    }
  });
  server.on('upgrade', (message, socket: Duplex, head: Buffer) => {
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    socket.on('error', () => undefined);
    upgrade(exchange(message, Buffer.alloc(0), gone.signal), socket, head).catch(() => socket.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `https://127.0.0.1:${bound}`,
    port: bound,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
