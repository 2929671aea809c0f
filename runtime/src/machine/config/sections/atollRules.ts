/** What options of the section `atoll` must be together, and what a value alone cannot say. */
import { controllerArguments } from '../../../controllers/arguments.ts';
import { objectsOf } from '../../../controllers/manifests/documents.ts';
import { nearest } from '../../../lib/nearest.ts';
import { kubeletArguments } from '../../../node/kubeletArguments.ts';
import type { Report, Rule } from '../types.ts';
import type { AtollSection } from './atoll.ts';
import { apiServerArgument, passedOnOf } from './atollApiServer.ts';
import { clusterRanges, inRange, overlap, rangeText } from './atollRanges.ts';
import { each } from './atollWords.ts';
import { notWritable } from './cloudInitRules.ts';

/** Options that say what is so anyway: the only value that is true, and why another is not. */
export const alwaysSo: readonly (readonly [name: keyof AtollSection, value: boolean, why: string])[] = [
  ['tls-san-security', true, 'names are never taken from requests'],
  ['disable-cloud-controller', true, 'there is no cloud controller'],
  ['disable-kube-proxy', true, 'there is no kube-proxy'],
  ['disable-network-policy', true, 'not yet: there is no network policy'],
  ['disable-helm-controller', true, 'not yet: there is no Helm controller'],
  ['selinux', false, "there is no SELinux in Debian's kernel as it is started here"],
  ['nonroot-devices', true, 'devices are for the user of the pod'],
];
const NOT_YET = 'not yet: ';
const onlyAlways: Rule<AtollSection> = (atoll, report) => {
  for (const [name, value, why] of alwaysSo) {
    const given = atoll[name];
    if (given !== undefined && given !== value)
      report([name], `is not available${why.startsWith(NOT_YET) ? ` yet: ${why.slice(NOT_YET.length)}` : `: ${why}`}`, {
        hint: `leave it out, or say ${String(value)}`,
      });
  }
};

/** Of a server; an agent has no API, no store, no networks of the cluster. */
const ofServers: readonly (keyof AtollSection)[] = [
  'agent-token',
  'agent-token-file',
  'bind-address',
  'https-listen-port',
  'advertise-address',
  'advertise-port',
  'tls-san',
  'tls-san-security',
  'write-kubeconfig',
  'write-kubeconfig-mode',
  'write-kubeconfig-group',
  'cluster-cidr',
  'service-cidr',
  'service-node-port-range',
  'disable',
  'disable-agent',
  'disable-scheduler',
  'disable-controller-manager',
  'manifests',
  'kube-apiserver-arg',
  'kube-controller-manager-arg',
  'secrets-encryption',
  'secrets-encryption-resources',
  'store-quota',
  'snapshot-interval',
  'snapshot-retention',
  'backup-dir',
];
/** Of a node. */
const ofNodes: readonly (keyof AtollSection)[] = [
  'node-name',
  'with-node-id',
  'node-label',
  'node-taint',
  'node-external-ip',
  'node-internal-dns',
  'node-external-dns',
  'resolv-conf',
  'protect-kernel-defaults',
  'registries',
  'private-registry',
  'disable-default-registry-endpoint',
  'images',
  'kubelet-arg',
];

const roles: Rule<AtollSection> = (atoll, report) => {
  if (atoll.role === 'agent') {
    if (atoll.server === undefined)
      report(['role'], 'an agent needs the server it joins', { hint: 'add server: https://ADDRESS:6443' });
    if (atoll.token === undefined && atoll['token-file'] === undefined)
      report(['role'], 'an agent needs a token to join with', {
        hint: 'add token: (on the server: cat /var/lib/atoll/server/node-token) or token-file:',
      });
    for (const name of ofServers)
      if (atoll[name] !== undefined) report([name], 'is an option of servers, and this is an agent (role: agent)');
    return;
  }
  if (atoll.server !== undefined)
    report(['server'], 'is not available yet for a server: a second server cannot join', {
      hint: 'a node of that server is role: agent',
    });
  if (atoll['disable-agent'])
    for (const name of ofNodes)
      if (atoll[name] !== undefined) report([name], 'is an option of nodes, and this is none (disable-agent: true)');
};

const eitherOr: readonly (readonly [keyof AtollSection, keyof AtollSection])[] = [
  ['token', 'token-file'],
  ['agent-token', 'agent-token-file'],
  ['registries', 'private-registry'],
];
const onlyOne: Rule<AtollSection> = (atoll, report) => {
  for (const [one, other] of eitherOr)
    if (atoll[one] !== undefined && atoll[other] !== undefined)
      report([other], `says the same as ${one}: give one of them`);
};

const networks: Rule<AtollSection> = (atoll, report) => {
  // The ranges are the server's to choose; an agent does not know them.
  if (atoll.role === 'agent') return;
  const ranges = clusterRanges(atoll);
  const [pods, services] = ranges;
  if (overlap(pods.value, services.value))
    report(
      [services.given ? services.name : pods.name],
      `pods (${rangeText(pods)}) and services (${rangeText(services)}) share addresses`,
    );
  // What people bring themselves may be anywhere; in the range of pods it cannot be reached.
  for (const name of ['node-ip', 'node-external-ip', 'advertise-address'] as const)
    for (const address of each(atoll[name]))
      for (const range of ranges)
        if (inRange(range.value, address))
          report([name], `${address} is an address of ${range.what} (${rangeText(range)})`);
  for (const address of each(atoll['cluster-dns'])) {
    if (inRange(pods.value, address)) report(['cluster-dns'], `${address} is an address of pods (${rangeText(pods)})`);
    else if (!inRange(services.value, address) && !ofTheMachine(address))
      report(['cluster-dns'], `${address} is no address of services (${rangeText(services)})`, {
        severity: 'warning',
        hint: 'pods ask it as it is: no Service of the cluster can have it',
      });
  }
};

/** A name server beside the pods, such as NodeLocal DNSCache, has an address that is never routed. */
const ofTheMachine = (address: string): boolean =>
  address.includes(':') || ['127.0.0.0/8', '169.254.0.0/16'].some(range => inRange(range, address));

const nodeAddresses: Rule<AtollSection> = (atoll, report) => {
  for (const name of ['node-ip', 'node-external-ip'] as const) {
    const given = each(atoll[name]);
    if (given.length > 2) report([name], `has ${given.length} addresses: one of each family at most`);
    const families = given.map(address => address.includes(':'));
    if (given.length === 2 && families[0] === families[1])
      report([name], `has two addresses of one family: ${given.join(', ')}`);
  }
};

const once: Rule<AtollSection> = (atoll, report) => {
  const labels = new Map<string, string>();
  for (const pair of each(atoll['node-label'])) {
    const [key = '', ...value] = pair.split('=');
    const before = labels.get(key);
    if (before !== undefined && before !== value.join('='))
      report(['node-label'], `gives ${key} two values: "${before}" and "${value.join('=')}"`);
    labels.set(key, value.join('='));
  }
  const taints = new Set<string>();
  for (const taint of each(atoll['node-taint'])) {
    const key = `${taint.split(/[=:]/)[0]}:${taint.slice(taint.lastIndexOf(':') + 1)}`;
    if (taints.has(key)) report(['node-taint'], `gives ${key} twice`);
    taints.add(key);
  }
};

/** As lists, whatever was written: a text is a list of one. */
export const listed = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

const programs: Rule<AtollSection> = (atoll, report) => {
  const tell = (name: keyof AtollSection, say: (argument: string, i: number) => string | undefined): void => {
    const given = atoll[name] as string | readonly string[] | undefined;
    for (const [i, argument] of listed(given).entries()) {
      const wrong = say(argument, i);
      if (wrong !== undefined) report(typeof given === 'string' ? [name] : [name, i], wrong);
    }
  };
  tell('kubelet-arg', argument => kubeletArguments([argument]).problems[0]);
  tell('kube-controller-manager-arg', argument => controllerArguments([argument]).problems[0]);
  tell('kube-apiserver-arg', (_, i) => apiServerArgument(listed(atoll['kube-apiserver-arg']), i));
  const together = kubeletArguments(listed(atoll['kubelet-arg']));
  if (
    together.problems.length > 0 &&
    listed(atoll['kubelet-arg']).every(a => kubeletArguments([a]).problems.length === 0)
  )
    report(['kubelet-arg'], together.problems[0] ?? '');
};

const images: Rule<AtollSection> = (atoll, report) => {
  for (const [i, image] of (atoll.images ?? []).entries()) {
    const wrong = wrongImage(image);
    if (wrong !== undefined) report(['images', i], wrong);
  }
};

function wrongImage(image: string): string | undefined {
  if (/^https?:/.test(image))
    return 'is not available yet: archives from URLs; put the archive on the card and give its path, or the name of an image';
  if (image.startsWith('/'))
    return /\.(tar|tar\.gz|tgz|tar\.zst|tzst)$/.test(image)
      ? undefined
      : `the archive "${image}" must end in .tar, .tar.gz or .tar.zst`;
  const [first = ''] = image.split('/');
  if (!image.includes('/') || !/[.:]|^localhost$/.test(first))
    return `"${image}" must be a full name with its registry: docker.io/library/${image}`;
  return /^[A-Za-z0-9]([A-Za-z0-9._:/-]*[A-Za-z0-9])?(@sha256:[0-9a-f]{64})?$/.test(image)
    ? undefined
    : `"${image}" is no name of an image`;
}

const credentials: Rule<AtollSection> = ({ registries = {} }, report: Report) => {
  for (const [host, { auth, tls }] of Object.entries(registries.configs ?? {})) {
    const path = ['registries', 'configs', host];
    if (auth) {
      const ways = [auth.username !== undefined || auth.password !== undefined, auth.auth, auth.identity_token];
      if (ways.filter(Boolean).length !== 1)
        report([...path, 'auth'], 'must have username and password, or auth, or identity_token: one of them');
      else if (ways[0] && (auth.username === undefined || auth.password === undefined))
        report([...path, 'auth'], 'needs both username and password');
    }
    if (tls && (tls.cert_file === undefined) !== (tls.key_file === undefined))
      report([...path, 'tls'], 'needs both cert_file and key_file');
  }
};

/** Where the server writes: it ends where it cannot. */
const writtenPaths: Rule<AtollSection> = (atoll, report) => {
  const tell = (path: readonly (string | number)[], file: string | undefined): void => {
    const why = file === undefined ? undefined : notWritable(file);
    if (why) report(path, why.message, { hint: 'write below /etc (new at every boot), /var, /run, /tmp or /root' });
  };
  tell(['write-kubeconfig'], atoll['write-kubeconfig']);
  const given = atoll['kube-apiserver-arg'];
  for (const [i, argument] of listed(given).entries()) {
    const { name, value } = passedOnOf(argument);
    if (name === 'audit-log-path' && value !== '-')
      tell(['kube-apiserver-arg', ...(typeof given === 'string' ? [] : [i])], value);
  }
};

/** What K3s packages: whoever comes from there disables it although it is not here. */
const packagedByK3s = [
  'ccm',
  'coredns',
  'local-storage',
  'metrics-server',
  'rolebindings',
  'runtimes',
  'servicelb',
  'traefik',
];

const manifests: Rule<AtollSection> = ({ manifests: given = {}, disable }, report) => {
  const byName = new Map<string, string>();
  for (const [name, text] of Object.entries(given)) {
    // The server knows them by file name without its end.
    const other = byName.get(nameOf(name));
    if (other !== undefined)
      report(['manifests', name], `is the same manifest as "${other}": only one of them would be applied`, {
        hint: 'give it another name, or put both in one text with --- between them',
      });
    byName.set(nameOf(name), name);
    try {
      objectsOf(text);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      report(['manifests', name], `cannot be applied: ${why}`, { hint: hintOfManifest(why) });
    }
  }
  const known = [...packagedByK3s, ...byName.keys()];
  for (const name of each(disable)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    report(['disable'], `"${name}" is not in manifests, and nothing of that name is packaged`, {
      severity: 'warning',
      hint: near === undefined ? 'it is the name of a file without .yaml' : `did you mean "${near}"?`,
    });
  }
};
const nameOf = (file: string): string => file.replace(/\.(?:ya?ml|json)$/, '');
const hintOfManifest = (why: string): string =>
  /without metadata\.name/.test(why)
    ? 'give the object a name: with generateName it would be another one at each boot'
    : 'kubectl apply --dry-run=client -f FILE says it, too; lines count from the first of the text';

export const atollRules: readonly Rule<AtollSection>[] = [
  onlyAlways,
  roles,
  onlyOne,
  networks,
  nodeAddresses,
  once,
  programs,
  images,
  manifests,
  writtenPaths,
  credentials,
];
