/**
 * `--admission-control-config-file`: an AdmissionConfiguration, which holds the configuration of plugins, or says in which file it
 * stands (https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-config-k8s-io-v1-AdmissionConfiguration).
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Node } from 'yaml';
import type { ScopedResourceSelectorRequirement } from '../../api/generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../api/names.ts';
import { ConfigReader } from '../configFile.ts';
import { ConfigFileError } from '../configFileError.ts';
import { DEFAULT_CACHE_SIZE, type EventLimit, limitTypes } from './eventRateLimit.ts';
import type { PodSecurityOptions } from './podSecurity/podSecurity.ts';
import { levels, type Standard, standardOf } from './podSecurity/policy.ts';
import type { LimitedResource } from './quota/limited.ts';

const HINT =
  'The file is described at https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/ and, for PodSecurity, at https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-admission-controller/';
const KINDS = ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1alpha1'] as const;
const configurable = ['PodSecurity', 'EventRateLimit', 'ResourceQuota'] as const;
type Configurable = (typeof configurable)[number];

const scopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
] as const satisfies readonly ScopedResourceSelectorRequirement['scopeName'][];

export interface AdmissionConfiguration {
  readonly podSecurity?: PodSecurityOptions;
  readonly eventLimits?: readonly EventLimit[];
  readonly limitedResources?: readonly LimitedResource[];
}

/** @throws ConfigFileError naming file, line and what is wrong. */
export async function readAdmissionConfiguration(path: string): Promise<AdmissionConfiguration> {
  const reader = new Reader(await textOf(path), path, HINT);
  let configuration: AdmissionConfiguration = {};
  for (const { name, node, file } of reader.plugins()) {
    if (node) configuration = { ...configuration, ...reader.plugin(name, node) };
    if (file === undefined) continue;
    const of = resolve(dirname(path), file);
    const other = new Reader(await textOf(of), of, HINT);
    configuration = { ...configuration, ...other.plugin(name, undefined) };
    other.throwIfWrong();
  }
  reader.throwIfWrong();
  return configuration;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ConfigFileError(`${path}: the admission configuration cannot be read: ${why}`, HINT);
  }
}

interface Plugin {
  readonly name: Configurable;
  readonly node?: Node;
  readonly file?: string;
}

class Reader extends ConfigReader {
  plugins(): Plugin[] {
    const fields = this.map(this.top, ['apiVersion', 'kind', 'plugins']);
    this.mustBe(fields, this.top, 'apiVersion', ...KINDS);
    this.mustBe(fields, this.top, 'kind', 'AdmissionConfiguration');
    const seen = new Set<string>();
    return this.items(fields.get('plugins'), 'plugins').flatMap((item): Plugin[] => {
      const plugin = this.map(item, ['name', 'configuration', 'path']);
      const name = this.choice(plugin.get('name'), 'name', configurable);
      if (!name) return [];
      if (seen.has(name)) this.wrong(item, `name: ${name} is configured twice`);
      seen.add(name);
      const node = plugin.get('configuration');
      // As upstream: what stands here counts, whatever the path.
      if (node) return [{ name, node }];
      const file = this.text(plugin.get('path'), 'path');
      return file === undefined || file === '' ? [] : [{ name, file }];
    });
  }

  /** @param node undefined: the whole file. */
  plugin(name: Configurable, node: Node | undefined): AdmissionConfiguration {
    const of = node ?? this.top;
    if (name === 'PodSecurity') return { podSecurity: this.#podSecurity(of) };
    if (name === 'EventRateLimit') return { eventLimits: this.#eventLimits(of) };
    return { limitedResources: this.#limitedResources(of) };
  }

  #podSecurity(node: Node | null): PodSecurityOptions {
    const group = 'pod-security.admission.config.k8s.io';
    const fields = this.map(node, ['apiVersion', 'kind', 'defaults', 'exemptions']);
    this.mustBe(fields, node, 'apiVersion', `${group}/v1`, `${group}/v1beta1`, `${group}/v1alpha1`);
    this.mustBe(fields, node, 'kind', 'PodSecurityConfiguration');
    const defaults = this.#optional(fields.get('defaults'), [
      'enforce',
      'enforce-version',
      'audit',
      'audit-version',
      'warn',
      'warn-version',
    ]);
    const exemptions = this.#optional(fields.get('exemptions'), ['usernames', 'namespaces', 'runtimeClasses']);
    return {
      defaults: {
        enforce: this.#standard(defaults, 'enforce'),
        audit: this.#standard(defaults, 'audit'),
        warn: this.#standard(defaults, 'warn'),
      },
      exemptions: {
        usernames: this.#names(exemptions, 'usernames', name => (name === '' ? ['must not be empty'] : [])),
        namespaces: this.#names(exemptions, 'namespaces', dns1123LabelErrors),
        runtimeClasses: this.#names(exemptions, 'runtimeClasses', dns1123SubdomainErrors),
      },
    };
  }

  #standard(fields: ReadonlyMap<string, Node>, mode: string): Standard {
    const node = fields.get(mode);
    const level = node === undefined ? 'privileged' : (this.choice(node, mode, levels) ?? 'privileged');
    const name = `${mode}-version`;
    const version = this.text(fields.get(name), name);
    try {
      return standardOf(level, version);
    } catch {
      this.wrong(fields.get(name), `${name}: ${JSON.stringify(version)}: must be "latest" or "v1.x"`);
      return standardOf(level);
    }
  }

  #names(fields: ReadonlyMap<string, Node>, field: string, errorsOf: (name: string) => readonly string[]): string[] {
    const names = this.texts(fields.get(field), field);
    for (const [index, name] of names.entries()) {
      for (const error of errorsOf(name)) this.wrong(fields.get(field), `${field}: ${JSON.stringify(name)}: ${error}`);
      if (names.indexOf(name) < index) this.wrong(fields.get(field), `${field}: ${JSON.stringify(name)} stands twice`);
    }
    return names;
  }

  #eventLimits(node: Node | null): EventLimit[] {
    const fields = this.map(node, ['apiVersion', 'kind', 'limits']);
    this.mustBe(fields, node, 'apiVersion', 'eventratelimit.admission.k8s.io/v1alpha1');
    this.mustBe(fields, node, 'kind', 'Configuration');
    const items = this.items(fields.get('limits'), 'limits');
    if (items.length === 0) this.wrong(fields.get('limits') ?? node, 'limits: at least one limit is needed');
    return items.map(item => {
      const limit = this.map(item, ['type', 'qps', 'burst', 'cacheSize']);
      const needed = (name: string): number => {
        if (!limit.has(name)) this.wrong(item, `${name}: it is missing`);
        return this.integer(limit.get(name), name, 1) ?? 1;
      };
      return {
        type: this.choice(limit.get('type'), 'type', limitTypes) ?? 'Server',
        qps: needed('qps'),
        burst: needed('burst'),
        cacheSize: this.integer(limit.get('cacheSize'), 'cacheSize', 0) || DEFAULT_CACHE_SIZE,
      };
    });
  }

  #limitedResources(node: Node | null): LimitedResource[] {
    const group = 'resourcequota.admission.k8s.io';
    const fields = this.map(node, ['apiVersion', 'kind', 'limitedResources']);
    this.mustBe(fields, node, 'apiVersion', KINDS[0], `${group}/v1beta1`, `${group}/v1alpha1`, `${group}/v1`);
    this.mustBe(fields, node, 'kind', 'ResourceQuotaConfiguration', 'Configuration');
    return this.items(fields.get('limitedResources'), 'limitedResources').map(item => {
      const limited = this.map(item, ['apiGroup', 'resource', 'matchContains', 'matchScopes']);
      const resource = this.text(limited.get('resource'), 'resource') ?? '';
      if (resource === '') this.wrong(limited.get('resource') ?? item, 'resource: it is missing');
      const apiGroup = this.text(limited.get('apiGroup'), 'apiGroup') ?? '';
      return {
        groupResource: apiGroup === '' ? resource : `${resource}.${apiGroup}`,
        matchContains: this.texts(limited.get('matchContains'), 'matchContains'),
        matchScopes: this.items(limited.get('matchScopes'), 'matchScopes').map(scope => this.#scope(scope)),
      };
    });
  }

  #scope(node: Node): ScopedResourceSelectorRequirement {
    const fields = this.map(node, ['scopeName', 'operator', 'values']);
    const scopeName = this.choice(fields.get('scopeName') ?? node, 'scopeName', scopes) ?? 'BestEffort';
    const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;
    const operator = this.choice(fields.get('operator') ?? node, 'operator', operators) ?? 'Exists';
    return { scopeName, operator, values: this.texts(fields.get('values'), 'values') };
  }

  #optional(node: Node | undefined, known: readonly string[]): Map<string, Node> {
    return node === undefined ? new Map() : this.map(node, known);
  }
}
