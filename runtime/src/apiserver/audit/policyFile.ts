/** Reads an audit policy file: YAML or JSON, every mistake named with its line. */
import type { Node } from 'yaml';
import { ConfigReader, shown, textOf } from '../configFile.ts';
import { ConfigFileError } from '../configFileError.ts';
import { type GroupResources, levels, type Policy, type PolicyRule, stages } from './policy.ts';

const HINT = 'The policy is that of https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy';

/** Its message is for whoever wrote the file: `FILE:LINE: what is wrong`, one line a mistake. */
export class AuditPolicyError extends ConfigFileError {
  override readonly name = 'AuditPolicyError';
  constructor(message: string) {
    super(message, HINT);
  }
}

/** @param path for messages only. @throws AuditPolicyError */
export function parsePolicy(text: string, path: string): Policy {
  const reader = new Reader(text, path, HINT);
  const policy = reader.policy();
  reader.throwIfWrong();
  return policy;
}

class Reader extends ConfigReader {
  protected override error(message: string): Error {
    return new AuditPolicyError(message);
  }

  policy(): Policy {
    const { top } = this;
    const fields = this.map(top, ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields']);
    this.mustBe(fields, top, 'apiVersion', 'audit.k8s.io/v1');
    this.mustBe(fields, top, 'kind', 'Policy');
    const rules = this.items(fields.get('rules'), 'rules').map(rule => this.#rule(rule));
    if (rules.length === 0) this.wrong(fields.get('rules') ?? top, 'rules: a policy needs at least one rule');
    return {
      rules,
      omitStages: this.oneOf(fields.get('omitStages'), 'omitStages', stages),
      omitManagedFields: this.flag(fields.get('omitManagedFields'), 'omitManagedFields') ?? false,
    };
  }

  #rule(node: Node): PolicyRule {
    const fields = this.map(node, [
      'level',
      'users',
      'userGroups',
      'verbs',
      'resources',
      'namespaces',
      'nonResourceURLs',
      'omitStages',
      'omitManagedFields',
    ]);
    const level = fields.get('level');
    const found = levels.find(known => known === textOf(level));
    if (!found) this.wrong(level ?? node, `level: ${shown(level)}: must be one of ${levels.join(', ')}`);
    const nonResourceURLs = this.texts(fields.get('nonResourceURLs'), 'nonResourceURLs');
    const namespaces = this.texts(fields.get('namespaces'), 'namespaces');
    const resources = this.items(fields.get('resources'), 'resources').map(item => this.#resources(item));
    if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0)) {
      this.wrong(fields.get('nonResourceURLs'), 'rules cannot apply to both regular resources and non-resource URLs');
    }
    for (const url of nonResourceURLs) {
      if (url === '*') continue;
      if (!url.startsWith('/')) this.wrong(fields.get('nonResourceURLs'), `${url}: must begin with a '/'`);
      if (url.slice(0, -1).includes('*')) {
        this.wrong(fields.get('nonResourceURLs'), `${url}: a '*' may only stand at the end`);
      }
    }
    const omitManagedFields = this.flag(fields.get('omitManagedFields'), 'omitManagedFields');
    return {
      level: found ?? 'None',
      users: this.texts(fields.get('users'), 'users'),
      userGroups: this.texts(fields.get('userGroups'), 'userGroups'),
      verbs: this.texts(fields.get('verbs'), 'verbs'),
      resources,
      namespaces,
      nonResourceURLs,
      omitStages: this.oneOf(fields.get('omitStages'), 'omitStages', stages),
      ...(omitManagedFields === undefined ? {} : { omitManagedFields }),
    };
  }

  #resources(node: Node): GroupResources {
    const fields = this.map(node, ['group', 'resources', 'resourceNames']);
    const group = textOf(fields.get('group')) ?? '';
    if (group.includes('/')) {
      this.wrong(fields.get('group'), `group: ${group}: is a group without its version: ${group.split('/')[0]}`);
    }
    const resources = this.texts(fields.get('resources'), 'resources');
    const resourceNames = this.texts(fields.get('resourceNames'), 'resourceNames');
    if (resourceNames.length > 0 && resources.length === 0) {
      this.wrong(fields.get('resourceNames'), 'using resourceNames requires at least one resource');
    }
    return { group, resources, resourceNames };
  }
}
