/** One HTTPS request with a client certificate. */
import https from 'node:https';

export interface Asked {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly body?: string;
}

const TIMEOUT_MS = 20_000;

export function ask({ body, ...options }: Asked): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = https.request(
      { ...options, host: '127.0.0.1', headers, agent: false, timeout: TIMEOUT_MS },
      response => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      },
    );
    request.on('timeout', () => request.destroy(new Error(`no answer to ${options.method} ${options.path} in time`)));
    request.on('error', reject);
    request.end(body);
  });
}
