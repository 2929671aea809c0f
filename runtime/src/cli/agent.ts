/**
 * `atoll agent`: the node in one process. Joins once, then lives by its own certificate. A server that is away, late or restarting
 * is waited for; what cannot get better by waiting (a wrong token) is said on the console and tried again seldom.
 */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Taint } from '../api/generated/types/core.v1.ts';
import { forbiddenLabels } from '../api/nodeLabels.ts';
import { Client } from '../client/client.ts';
import { httpTransport } from '../client/http.ts';
import { isRefusal, Reach } from '../client/reach.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { hasCode, makeDirectory } from '../lib/files.ts';
import { type Logger, rootLogger } from '../lib/log.ts';
import { configConditions, readConfigStatus } from '../machine/config/status.ts';
import { upgradeCondition, upgradesKnown } from '../machine/health/text.ts';
import { ensureIdentity, type Identity, JoinRefusedError } from '../machine/identity.ts';
import { nodeNameOf } from '../machine/nodeName.ts';
import { release } from '../machine/release.ts';
import { keepRenewed } from '../machine/renewal.ts';
import { onServerReady } from '../machine/serverReady.ts';
import { StateReporter } from '../machine/state.ts';
import { keepLastSeen, onClockJump } from '../machine/time.ts';
import { type JoinToken, parseToken } from '../machine/token.ts';
import { writeCniConfiguration } from '../net/cni.ts';
import { keepTunnel } from '../net/tunnel.ts';
import { startNode } from '../node/agent.ts';
import type { CgroupDriver } from '../node/context.ts';
import { CriClient } from '../node/cri/client.ts';
import { keepBuiltinImages } from '../node/images/builtin.ts';
import { writeRegistryHosts } from '../node/images/hostsDirectory.ts';
import { preloadImages } from '../node/images/preload.ts';
import { agentMachine } from './agentMachine.ts';
import { nodeOptionsOf } from './agentNode.ts';
import { type CommandContext, UsageError, type Values } from './command.ts';
import { logEnvironment } from './logLevel.ts';
import { ownServerUrl } from './ownServer.ts';
import { report } from './report.ts';
import { isOn } from './serverCluster.ts';
import { aborted, untilSignal } from './signals.ts';

/** Where there is no news of the server: of another authority, or with no token yet. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;
/** Before the console says why it is still waited for. */
const QUIET_MS = 15_000;
/** A refusal needs a person. */
const REFUSED_RETRY_MS = 30_000;

export async function agent({ values }: CommandContext): Promise<number> {
  const logger = rootLogger('atoll-agent', logEnvironment(values));
  const clock = systemClock;
  const { signal } = untilSignal();
  const port = values.integer('https-listen-port', 1, 65_535);
  const own = ownServerUrl(values.one('bind-address'), port);
  const server = serverUrl(values.optional('server') ?? own);
  const labels = labelsOf(values.many('node-label'));
  const taints = values.many('node-taint').map(taintOf);
  const given = await nodeOptionsOf(values);
  const cgroupDriver = cgroupDriverOf(values.one('cgroup-driver'));
  const state = new StateReporter(values.one('run-dir'), 'agent');
  const directory = join(values.one('data-dir'), 'agent');
  const cri = new CriClient(values.one('container-runtime-endpoint'));
  try {
    await makeDirectory(directory, 0o700);
    const nodeName = await nodeNameOf({
      directory,
      given: values.optional('node-name'),
      hostName: hostname(),
      machineId: isOn(values, 'with-node-id') ? await readFile('/etc/machine-id', 'utf8') : undefined,
    });
    const mirrorsOnly = isOn(values, 'disable-default-registry-endpoint');
    const hosts = await writeRegistryHosts(values.one('registry-hosts-dir'), given.registries, mirrorsOnly);
    if (hosts.length > 0) logger.info({ registries: hosts }, 'containerd is told of registries');
    await makeWay(join(directory, 'images'));
    // Beside the joining: both take seconds at the first start.
    const images = keepBuiltinImages({
      cri,
      folder: values.one('images-dir'),
      stamp: join(directory, 'images-of-root'),
      signal,
      logger: logger.child({ part: 'images' }),
      clock,
    });
    const preloaded = preloadImages({
      cri,
      folder: join(directory, 'images'),
      images: given.images,
      record: join(directory, 'images-imported.json'),
      registries: given.registries,
      signal,
      logger: logger.child({ part: 'images' }),
      clock,
      onProblems: problems => sayOfImages(values.one('run-dir'), problems),
    });
    const { clusterDomain } = given;
    state.report('starting', `waiting for the control plane at ${server}`, { nodeName, apiUrl: server, clusterDomain });
    const reach = new Reach({ server, logger, clock, signal });
    if (isOfThisMachine(server, own)) onServerReady(values.one('run-dir'), () => reach.announced(), signal);
    const identify = (): Promise<Identity> =>
      ensureIdentity({
        directory,
        server,
        nodeName,
        now: new Date(clock.now()),
        token: () => tokenOf(values),
        signal,
      });
    let identity = await untilIdentified(identify, { state, logger, clock, reach, signal });
    if (!identity) return 0;
    logger.info({ nodeName, server }, 'this node has its certificate');

    const transport = httpTransport({
      server,
      caPem: identity.serverCaPem,
      credentials: () => ({ certPem: identity?.certificatePem, keyPem: identity?.keyPem }),
      reach,
    });
    const credentials = (): { ca: string; cert: string; key: string } => ({
      ca: identity?.serverCaPem ?? '',
      cert: identity?.certificatePem ?? '',
      key: identity?.keyPem ?? '',
    });
    const machine = agentMachine({
      nodeName,
      dataDir: values.one('data-dir'),
      runDir: values.one('run-dir'),
      clock,
      logger,
    });
    const client = new Client(transport, { userAgent: `kubelet/${release().version} (atoll)` });
    state.report('starting', 'registering the node');
    const node = await startNode(
      {
        client,
        nodeName,
        logger,
        clock,
        cgroupDriver,
        labels: { ...machine.labels, ...labels },
        taints,
        version: `${release().kubernetes}+atoll${release().version}`,
        cri,
        notReady: () => images.pending() ?? preloaded.pending(),
        settings: given.settings,
        addresses: given.addresses,
        registries: given.registries,
        clusterDns: given.clusterDns,
        clusterDomain: given.clusterDomain,
        resolvConf: given.resolvConf,
        conditions: () => [
          ...configConditions(readConfigStatus(values.one('run-dir'))),
          ...upgradeCondition(upgradesKnown(values.one('data-dir'))),
        ],
        machine: machine.machine,
        metrics: machine.metrics,
        dirs: { pods: join(directory, 'pods') },
        onPodCidr: async podCidr => {
          if (!given.podNetwork) return;
          const written = await writeCniConfiguration({ podCidr }, values.one('cni-conf-dir'));
          if (written) logger.info({ podCidr }, 'the pod network is configured');
        },
        tunnel: (kubelet, until) =>
          keepTunnel({ server, credentials, kubelet, reach, logger: logger.child({ part: 'tunnel' }), signal: until }),
        onState: ({ ready, message }, address) =>
          state.report(ready ? 'ready' : 'not-ready', ready ? '' : message, {
            addresses: address === '' ? [] : [address],
          }),
      },
      signal,
    );
    images.settled.then(node.poke);
    preloaded.settled.then(node.poke);
    const renew = keepRenewed({
      ensure: identify,
      onCurrent: next => {
        if (next.certificatePem === identity?.certificatePem) return;
        identity = next;
        transport.reload();
        logger.info('the certificate of this node has been renewed');
      },
      onFailure: error =>
        logger.error({ err: error }, 'the certificate of this node could not be renewed; it is tried again'),
      clock,
      signal,
    });
    machine.run(signal);
    keepLastSeen(signal);
    onClockJump(byMs => {
      logger.warn({ seconds: Math.round(byMs / 1000) }, 'the clock has been set; looking at certificates and tokens');
      renew();
      node.clockChanged();
    }, signal);
    await aborted(signal);
    state.report('stopping', 'stopping; pods go on running');
    await node.close();
    transport.close();
    return 0;
  } catch (error) {
    report(error, state, logger);
    return 1;
  } finally {
    cri.close();
  }
}

interface Waiting {
  readonly state: StateReporter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly reach: Reach;
  readonly signal: AbortSignal;
}

/** Tries until there is an identity; undefined when the process is to stop. */
async function untilIdentified(
  identify: () => Promise<Identity>,
  { state, logger, clock, reach, signal }: Waiting,
): Promise<Identity | undefined> {
  let waitMs = FIRST_RETRY_MS;
  let said = '';
  const started = clock.now();
  while (!signal.aborted) {
    try {
      return await identify();
    } catch (error) {
      if (signal.aborted) return undefined;
      const refused = error instanceof JoinRefusedError;
      const message = error instanceof Error ? error.message : String(error);
      if (message !== said) logger[refused ? 'error' : 'info']({ reason: message }, 'not joined yet; trying again');
      said = message;
      if (isRefusal(error)) reach.refused(message);
      if (refused) state.report('failed', `${message}. ${error.hint}`);
      // One that is known to be away is not asked again.
      do {
        // A server that is on its way up beside us is not worth a word each time.
        if (!refused && clock.now() - started > QUIET_MS)
          state.report('starting', `waiting for the control plane: ${message}`);
        await reach.delay(refused ? REFUSED_RETRY_MS : waitMs, signal);
        waitMs = Math.min(waitMs * 1.5, LAST_RETRY_MS);
      } while (reach.away !== undefined && !signal.aborted);
    }
  }
  return undefined;
}

const isOfThisMachine = (server: string, own: string): boolean =>
  ['127.0.0.1', 'localhost', '[::1]', new URL(own).hostname].includes(new URL(server).hostname);

/** The token given, or the file's. @throws Error while the file is not there yet. */
async function tokenOf(values: Values): Promise<JoinToken> {
  const given = values.optional('token');
  if (given !== undefined) return parseToken(given);
  const file = values.optional('token-file') ?? join(values.one('data-dir'), 'server', 'node-token');
  try {
    return parseToken(await readFile(file, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new Error(`there is no token in ${file} yet`, { cause: error });
    throw error;
  }
}

function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || (url.pathname !== '/' && url.pathname !== ''))
    throw new UsageError(`--server: "${text}" is not a URL like https://192.0.2.1:6443`);
  return url.origin;
}

/** Versions before had a file where the folder of images is now. */
async function makeWay(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) await rm(path);
}

/** For `atoll status`. */
function sayOfImages(runDir: string, problems: Readonly<Record<string, string>>): void {
  writeFile(join(runDir, 'images.json'), `${JSON.stringify(problems)}\n`).catch(() => undefined);
}

function labelsOf(pairs: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw new UsageError(`--node-label: "${pair}" is not KEY=VALUE`);
    labels[pair.slice(0, at)] = pair.slice(at + 1);
  }
  const [refused] = forbiddenLabels(labels, undefined);
  if (refused !== undefined) {
    throw new UsageError(
      `--node-label: a node may not give itself ${refused}; give it with kubectl label node, or use a key of your own`,
    );
  }
  return labels;
}

function taintOf(text: string): Taint {
  const match = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text);
  if (!match?.[1] || !match[3])
    throw new UsageError(`--node-taint: "${text}" is not KEY=VALUE:EFFECT (NoSchedule, PreferNoSchedule, NoExecute)`);
  return { key: match[1], ...(match[2] ? { value: match[2] } : {}), effect: match[3] as NonNullable<Taint['effect']> };
}

function cgroupDriverOf(text: string): CgroupDriver {
  if (text === 'systemd' || text === 'cgroupfs') return text;
  throw new UsageError(`--cgroup-driver: "${text}" is neither systemd nor cgroupfs`);
}
