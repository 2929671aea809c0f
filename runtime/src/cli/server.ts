/**
 * `atoll server`: the control plane in one process. Reads as its start: keys, store, API, then everything that uses the API.
 * What fails says so in `/run/atoll` (the console) and ends the process; systemd starts it again.
 */
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { parseIp } from '../api/ip.ts';
import { ConfigFileError } from '../apiserver/configFileError.ts';
import { listen } from '../apiserver/http.ts';
import { apiServerUser } from '../apiserver/internal.ts';
import { createApiServer } from '../apiserver/server.ts';
import { Client } from '../client/client.ts';
import { Informers } from '../client/informers.ts';
import { inProcessTransport } from '../client/inProcess.ts';
import { measuredTransport } from '../client/metrics.ts';
import { type Identity, managerIdentity, manifestsUser } from '../controllers/identities.ts';
import { startControllers } from '../controllers/index.ts';
import { forgetEarlierBoot } from '../controllers/nodeLifecycle/rebooted.ts';
import { systemClock } from '../lib/clock.ts';
import type { User } from '../lib/exchange.ts';
import { makeDirectory, readFileIfExists, writeFileAtomic, writeFileIfChanged } from '../lib/files.ts';
import { rootLogger } from '../lib/log.ts';
import { ensurePki, type Pki, renewPki } from '../lib/pki.ts';
import { hostAddresses, onAddressChange } from '../machine/addresses.ts';
import { newSecret } from '../machine/identity.ts';
import { notifyReady } from '../machine/notify.ts';
import { tellOwnKubeconfig } from '../machine/ownKubeconfig.ts';
import { release } from '../machine/release.ts';
import { StateReporter } from '../machine/state.ts';
import { keepLastSeen, onClockJump } from '../machine/time.ts';
import { formatToken, parseToken } from '../machine/token.ts';
import { machineFacts } from '../node/status/machine.ts';
import { startScheduler } from '../scheduler/index.ts';
import { type CommandContext, UsageError } from './command.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { logEnvironment } from './logLevel.ts';
import { ownServerUrl } from './ownServer.ts';
import { report } from './report.ts';
import { accessOf, auditOf } from './serverAccess.ts';
import { openAtRest, settleRestore } from './serverAtRest.ts';
import { type ClusterSettings, clusterOf, issuerOf, secretOf, setGroup } from './serverCluster.ts';
import { keepManifests } from './serverManifests.ts';
import { aborted, untilSignal } from './signals.ts';

/** What its bootstrap roles allow it. */
const schedulerUser = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };

/** The secret nodes join with: given, or made at the first start and kept. */
async function joinSecret(path: string, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const kept = (await readFileIfExists(path))?.toString('utf8').trim();
  return kept ? parseToken(kept).secret : newSecret();
}

export async function server({ values }: CommandContext): Promise<number> {
  const logger = rootLogger('atoll-server', logEnvironment(values));
  const clock = systemClock;
  const state = new StateReporter(values.one('run-dir'), 'server');
  const { signal } = untilSignal();
  const directory = join(values.one('data-dir'), 'server');
  const port = values.integer('https-listen-port', 1, 65_535);
  const bindAddress = values.one('bind-address');
  const own = ownServerUrl(bindAddress, port);
  const started = performance.now();
  const closers: (() => Promise<void> | void)[] = [];
  try {
    await makeDirectory(directory, 0o700);
    // Before anything is opened: what was typed wrong is said at once.
    const access = await accessOf(values);
    const cluster = await clusterOf(values, port);
    const audit = await auditOf(values, directory, { clock, logger: logger.child({ part: 'audit' }) });
    if (audit) closers.unshift(() => audit.close());
    const given = { token: await secretOf(values, 'token'), agentToken: await secretOf(values, 'agent-token') };
    state.report('starting', 'opening the store, reading keys and certificates', {
      addresses: hostAddresses(),
      clusterDomain: cluster.domain,
    });
    let fail: (error: Error) => void = () => undefined;
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    failed.catch(() => undefined);
    const storeLogger = logger.child({ part: 'store' });
    await settleRestore(directory, storeLogger);
    // In a thread of its own, beside the making of keys.
    const opening = openAtRest({
      values,
      directory,
      runDir: values.one('run-dir'),
      logger: storeLogger,
      clock,
      onFailure: error => fail(error),
    });
    // Its failure is thrown where it is waited for.
    const opened = opening.catch(() => undefined);
    closers.unshift(async () => (await opened)?.close());
    const sans = (): string[] => [
      hostname(),
      ...cluster.names,
      new URL(own).hostname.replace(/^\[|\]$/g, ''),
      ...new Set([...cluster.addresses(), ...hostAddresses()]),
      ...values.many('tls-san'),
    ];
    const tlsDirectory = join(directory, 'tls');
    const pki = await ensurePki(tlsDirectory, { now: new Date(clock.now()), sans: sans() });
    if (pki.written.length > 0) logger.info({ written: pki.written }, 'keys and certificates written');
    const tokenPath = join(directory, 'node-token');
    const secret = await joinSecret(tokenPath, given.token);
    await writeFileIfChanged(tokenPath, `${formatToken(pki.serverCa.certificatePem, secret)}\n`, { mode: 0o600 });

    const { store, check, metrics } = await opening;
    // Shared by the scheduler and the controllers, which the API tells of and which need the API.
    let informers: Informers | undefined;

    state.report('starting', 'starting the API');
    const version = { gitVersion: `${release().kubernetes}+atoll${release().version}` };
    const api = createApiServer({
      store,
      pki,
      logger: logger.child({ part: 'api' }),
      clock,
      version,
      nodeSecret: secret,
      agentSecret: given.agentToken,
      ...access,
      ...(audit ? { auditor: audit.auditor } : {}),
      // What the domain's issuer is called, unless somebody has named another.
      issuer: access.issuer === issuerOf('cluster.local') ? issuerOf(cluster.domain) : access.issuer,
      serviceCidr: cluster.serviceCidr,
      nodePorts: cluster.nodePorts,
      advertised: { address: cluster.advertisedAddress(), port: cluster.advertisedPort },
      checks: [check],
      components: [
        ...(cluster.scheduler ? [{ name: 'scheduler', check: () => cachesText(informers) }] : []),
        ...(cluster.controllerManager ? [{ name: 'controller-manager', check: () => cachesText(informers) }] : []),
      ],
      moreMetrics: metrics,
    });
    closers.unshift(() => api.close());
    const self = new Client(inProcessTransport(api.handler, apiServerUser));
    const rebooted = await forgetEarlierBoot(self, (await machineFacts()).info, clock.now());
    if (rebooted.length > 0)
      logger.info({ nodes: rebooted }, 'the machine has been started again: its node is not Ready');
    const listener = await listen(api, {
      address: bindAddress,
      port,
      serving: pki.serving,
      clientCa: pki.clientCa.certificatePem,
      logger: logger.child({ part: 'http' }),
    });
    closers.unshift(() => listener.close());
    const kubeconfig = values.one('write-kubeconfig');
    await writeKubeconfig(kubeconfig, pki, own, cluster);
    tellOwnKubeconfig(values.one('run-dir'), kubeconfig);
    await api.ready;

    const renewed = (next: Pki): void => {
      listener.setCertificate(next.serving);
      logger.info({ written: next.written }, 'certificates renewed');
      writeKubeconfig(kubeconfig, next, own, cluster).catch(failing('the kubeconfig could not be written'));
    };
    const failing = (what: string) => (error: unknown) => logger.error({ err: error }, what);
    const onError = failing('certificates could not be renewed; trying again in 12 h');
    renewPki(tlsDirectory, { clock, sans, signal, onError, onChange: renewed });
    keepLastSeen(signal);
    // Certificates made under the clock of before may have ended by the one of now.
    onClockJump(byMs => {
      logger.warn({ seconds: Math.round(byMs / 1000) }, 'the clock has been set; looking at certificates');
      ensurePki(tlsDirectory, { now: new Date(clock.now()), sans: sans() }).then(next => {
        if (next.written.length > 0) renewed(next);
      }, onError);
    }, signal);
    onAddressChange(() => {
      const addresses = hostAddresses();
      logger.info({ addresses }, 'the addresses of this machine have changed');
      state.report('ready', '', { addresses, apiUrl: urlOf(bindAddress, port) });
      ensurePki(tlsDirectory, { now: new Date(clock.now()), sans: sans() }).then(renewed, onError);
      const address = cluster.advertisedAddress();
      if (address) api.advertise(address).catch(failing('the new address could not be published'));
    }, signal);
    state.report('ready', '', { apiUrl: urlOf(bindAddress, port) });
    logger.info({ port, ms: Math.round(performance.now() - started) }, 'API ready');
    notifyReady().catch(failing('systemd could not be told that the API is ready'));

    const client = (user: User, component = user.name.replace('system:', '')): Client =>
      new Client(measuredTransport(inProcessTransport(api.handler, user), api.metrics, 'in-process'), {
        // The first word is who a write is recorded for.
        userAgent: `${component}/${release().version} (atoll)`,
      });
    const clientOf = ({ user, component }: Identity): Client => client(user, component);
    // One cache a resource for both: pods and nodes are what there is most of.
    const managerClient = clientOf(managerIdentity);
    const caches = new Informers({ client: managerClient, logger: logger.child({ part: 'informers' }), clock });
    informers = caches;
    const running = [
      (cluster.controllerManager ? startControllers : startNothing)(
        {
          client: managerClient,
          clientOf,
          informers: caches,
          logger: logger.child({ part: 'controllers' }),
          clock,
          metrics: api.metrics,
          options: {
            rootCaPem: pki.serverCa.certificatePem,
            issueSecretToken: api.issueSecretToken,
            authorities: pki,
            podCidr: cluster.podCidr,
            ...cluster.controllers,
          },
        },
        signal,
      ),
      (cluster.scheduler ? startScheduler : startNothing)(
        {
          client: client(schedulerUser),
          informers: caches,
          logger: logger.child({ part: 'scheduler' }),
          clock,
          metrics: api.metrics,
        },
        signal,
      ),
    ];
    caches.start(signal);
    keepManifests(
      {
        client: client(manifestsUser),
        folders: [join(directory, 'manifests'), values.one('manifests-dir')],
        disabled: cluster.disabled,
        runDir: values.one('run-dir'),
        clock,
        logger: logger.child({ part: 'manifests' }),
      },
      signal,
    );
    await Promise.race([failed, ...running.map(r => rejectOnly(r)), aborted(signal)]);
    state.report('stopping', 'stopping');
    logger.info('stopping');
    return 0;
  } catch (error) {
    // What was typed is said to who typed it.
    if (error instanceof UsageError || error instanceof ConfigFileError) {
      state.report('failed', error.message);
      throw error;
    }
    report(error, state, logger);
    return 1;
  } finally {
    for (const close of closers) await close();
  }
}

/**
 * Empty: whoever works from the caches can. They run in this process, which ends when one of them does, so it is the caches that may
 * be missing.
 */
function cachesText(informers: Informers | undefined): string {
  if (!informers?.isStarted) return 'it is being started';
  const missing = informers.unsynced();
  return missing.length === 0 ? '' : `it waits for the first list of ${missing.join(', ')}`;
}

/** Where others find the API. */
function urlOf(bindAddress: string, port: number): string {
  const isOne = parseIp(bindAddress)?.bits !== 0n;
  return ownServerUrl(isOne ? bindAddress : (hostAddresses()[0] ?? bindAddress), port);
}

async function writeKubeconfig(
  path: string,
  pki: Pki,
  server: string,
  { kubeconfigMode: mode, kubeconfigGroup }: ClusterSettings,
): Promise<void> {
  await makeDirectory(dirname(path), 0o755);
  await writeFileAtomic(
    path,
    kubeconfigOf({
      server,
      caPem: pki.serverCa.certificatePem,
      certificatePem: pki.admin.certificatePem,
      privateKeyPem: pki.admin.privateKeyPem,
    }),
    { mode },
  );
  await setGroup(path, kubeconfigGroup);
}

const startNothing = (_: unknown, signal: AbortSignal): Promise<void> => aborted(signal);

/** A promise whose end means nothing while its failure ends the server. */
const rejectOnly = (promise: Promise<unknown>): Promise<never> =>
  new Promise((_, reject) => {
    promise.catch(reject);
  });
