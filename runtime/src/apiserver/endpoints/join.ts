/**
 * `POST /v1-atoll/certificates`: a node becomes part of the cluster (docs/contracts.md, "Joining").
 *
 * Invariants:
 * - only the node token opens it, compared in constant time, and wrong tokens are slowed down per address;
 * - a node name belongs to the first key that used it; the record is written before the certificate is given away.
 */
import { createHash, createPublicKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import { dns1123SubdomainErrors } from '../../api/names.ts';
import type { KubeObject } from '../../api/object.ts';
import { findResource } from '../../api/resources.ts';
import { badRequest, forbidden, StatusError, tooManyRequests, unauthorized } from '../../api/status.ts';
import type { Request, Response } from '../../lib/exchange.ts';
import { issueClientCertificate, type KeyPair } from '../../lib/pki.ts';
import { parseJson } from '../body.ts';
import type { Parts } from '../context.ts';
import { apiServerUser, contextFor } from '../internal.ts';
import { keyOf } from '../keys.ts';
import { createObject } from '../registry.ts';
import { deserialize } from '../serialized.ts';

const NAMESPACE = 'kube-system';
/** Wrong tokens an address may send in {@link WINDOW_MS}. */
const MAX_FAILURES = 10;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 4096;

export interface JoinOptions {
  readonly parts: Parts;
  readonly clientCa: KeyPair;
  readonly serverCaPem: string;
  /** The secret part of the node token; undefined: nobody can join. */
  readonly nodeSecret: string | undefined;
  /** Another one, for agents (K3s' agent token). */
  readonly agentSecret?: string | undefined;
}

interface Asked {
  readonly nodeName: string;
  readonly publicKey: KeyObject;
  readonly publicKeyPem: string;
}

export class Join {
  readonly #options: JoinOptions;
  readonly #failures = new Map<string, { count: number; untilMs: number }>();

  constructor(options: JoinOptions) {
    this.#options = options;
  }

  /** @throws StatusError 400, 401, 403, 429 */
  async answer(request: Request): Promise<Response> {
    const { parts, clientCa, serverCaPem } = this.#options;
    this.#checkToken(request);
    const asked = readBody(request);
    await this.#claim(asked);
    const clientCertificatePem = issueClientCertificate(
      clientCa,
      { commonName: `system:node:${asked.nodeName}`, organizations: ['system:nodes'] },
      asked.publicKey,
      new Date(parts.clock.now()),
    );
    parts.logger.info({ node: asked.nodeName, from: request.remoteAddress }, 'a node has been given a certificate');
    const body = { clientCertificatePem, clientCaPem: clientCa.certificatePem, serverCaPem };
    return {
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      body: Buffer.from(JSON.stringify(body)),
    };
  }

  #checkToken({ headers, remoteAddress }: Request): void {
    const nowMs = this.#options.parts.clock.now();
    const failures = this.#failures.get(remoteAddress);
    if (failures && failures.untilMs > nowMs && failures.count >= MAX_FAILURES) {
      const seconds = Math.ceil((failures.untilMs - nowMs) / 1000);
      throw tooManyRequests(`too many wrong tokens from ${remoteAddress}: try again in ${seconds} s`, seconds);
    }
    const secrets = [this.#options.nodeSecret, this.#options.agentSecret].filter(secret => secret !== undefined);
    const match = /^basic\s+([A-Za-z0-9+/=]+)$/i.exec(headers.authorization ?? '');
    const [user, ...rest] = Buffer.from(match?.[1] ?? '', 'base64')
      .toString('utf8')
      .split(':');
    // All are compared, so that the time tells nothing.
    const fits = secrets.filter(secret => same(rest.join(':'), secret));
    if (user === 'node' && fits.length > 0) {
      this.#failures.delete(remoteAddress);
      return;
    }
    if (failures && failures.untilMs > nowMs) failures.count++;
    else {
      if (this.#failures.size >= MAX_ADDRESSES) this.#failures.clear();
      this.#failures.set(remoteAddress, { count: 1, untilMs: nowMs + WINDOW_MS });
    }
    throw unauthorized(
      'the node token is wrong: use the content of /var/lib/atoll/server/node-token on the server, whole (K10…::node:…)',
    );
  }

  /** The first key to use a name owns it. */
  async #claim({ nodeName, publicKey, publicKeyPem }: Asked): Promise<void> {
    const { parts } = this.#options;
    const secrets = findResource('', 'v1', 'secrets');
    if (!secrets) throw new Error('secrets are not in the schema table');
    const name = `${nodeName}.node-identity.atoll`;
    const fingerprint = fingerprintOf(publicKey);
    const key = keyOf(secrets, NAMESPACE, name);
    let found = await parts.store.get(key);
    if (!found) {
      const secret: KubeObject = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace: NAMESPACE },
        type: 'atoll.io/node-identity',
        data: {
          fingerprint: Buffer.from(fingerprint).toString('base64'),
          publicKey: Buffer.from(publicKeyPem).toString('base64'),
        },
      };
      try {
        await createObject(contextFor(parts, apiServerUser, secrets, NAMESPACE, name), secret);
        return;
      } catch (error) {
        if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error;
        found = await parts.store.get(key); // somebody else was faster
      }
    }
    const data = found
      ? (deserialize(found.value, found.modRevision).data as Record<string, string> | undefined)
      : undefined;
    const owner = Buffer.from(data?.fingerprint ?? '', 'base64').toString('utf8');
    if (owner === fingerprint) return;
    throw forbidden(
      { group: '', resource: 'nodes' },
      nodeName,
      'this node name belongs to another key. If the node was reinstalled, run "kubectl delete secret -n kube-system ' +
        `${name}" and let it join again; otherwise give this node another name`,
    );
  }
}

function readBody(request: Request): Asked {
  const value = parseJson(request.body.toString('utf8'), 'certificate request');
  const { nodeName, publicKeyPem, proof } = (value ?? {}) as Record<string, unknown>;
  if (typeof nodeName !== 'string' || typeof publicKeyPem !== 'string' || typeof proof !== 'string') {
    throw badRequest('the body must be {"nodeName": …, "publicKeyPem": …, "proof": …}, all strings');
  }
  const faults = dns1123SubdomainErrors(nodeName);
  if (faults.length > 0) throw badRequest(`nodeName ${JSON.stringify(nodeName)}: ${faults.join(', ')}`);
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey(publicKeyPem);
  } catch {
    throw badRequest('publicKeyPem is no public key in PEM form');
  }
  if (publicKey.asymmetricKeyType !== 'ec') throw badRequest('publicKeyPem must be an EC key (P-256)');
  const proven = verify('sha256', Buffer.from(`atoll-join:${nodeName}`), publicKey, Buffer.from(proof, 'base64'));
  if (!proven) {
    throw forbidden(
      { group: '', resource: '' },
      '',
      'the proof is not a signature of "atoll-join:<nodeName>" by this key',
    );
  }
  return { nodeName, publicKey, publicKeyPem };
}

const fingerprintOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** In time that does not depend on where they differ. */
function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
