/** ValidatingWebhookConfigurations and MutatingWebhookConfigurations (upstream: `pkg/apis/admissionregistration/validation`). */
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookClientConfig,
} from '../../generated/types/admissionregistration.v1.ts';
import { dns1035LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, duplicate, invalid, invalidEach, required, sameValue } from '../errors.ts';
import type { FieldError, KindModule } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';
import { webhookServiceErrors, webhookUrlErrors } from '../webhookClient.ts';
import {
  defaultRule,
  FAILURE_POLICIES,
  MATCH_POLICIES,
  matchConditionErrors,
  oneOf,
  REINVOCATION_POLICIES,
  ruleErrors,
} from './rules.ts';

const VERSIONS = ['v1', 'v1beta1'];
const NO_SIDE_EFFECTS = ['None', 'NoneOnDryRun'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];

type Webhook = ValidatingWebhook | MutatingWebhook;

interface Configuration {
  webhooks?: Webhook[] | undefined;
}

/** What an update may leave as it is although it could not be made anew. */
interface Tolerated {
  readonly sideEffects: boolean;
  readonly versions: boolean;
  readonly sameNames: boolean;
  readonly conditions: boolean;
}

const nothing: Tolerated = { sideEffects: false, versions: false, sameNames: false, conditions: false };

function toleratedIn(object: Configuration, old: Configuration): Tolerated {
  const [now, before] = [object.webhooks ?? [], old.webhooks ?? []];
  const names = before.map(hook => hook.name);
  return {
    sideEffects: before.some(hook => !NO_SIDE_EFFECTS.includes(hook.sideEffects)),
    versions: before.some(({ admissionReviewVersions: v }) => v.length > 0 && !v.some(x => VERSIONS.includes(x))),
    sameNames: new Set(names).size < names.length,
    conditions:
      now.length === before.length &&
      now.every((hook, i) => sameValue(hook.matchConditions, before[i]?.matchConditions)),
  };
}

function qualifiedErrors(name: string, field: string): FieldError[] {
  if (name === '') return [required(field)];
  const texts = dns1123SubdomainErrors(name);
  if (texts.length > 0) return [invalid(field, name, texts.join(','))];
  return name.split('.').length < 3
    ? [invalid(field, name, 'should be a domain with at least three segments separated by dots')]
    : [];
}

function clientErrors(client: WebhookClientConfig | undefined, path: string): FieldError[] {
  const { url, service } = client ?? {};
  if ((url === undefined) === (service === undefined))
    return [required(path, 'exactly one of url or service is required')];
  if (url !== undefined) return webhookUrlErrors(child(path, 'url'), url);
  return service ? webhookServiceErrors(child(path, 'service'), service) : [];
}

function versionErrors(versions: readonly string[], path: string, mayBeUnknown: boolean): FieldError[] {
  if (versions.length === 0) return [required(path, `must specify one of ${VERSIONS.join(', ')}`)];
  const errors = versions.flatMap((version, i) =>
    versions.indexOf(version) < i
      ? [invalid(at(path, i), version, 'duplicate version')]
      : invalidEach(at(path, i), version, dns1035LabelErrors(version)),
  );
  if (!mayBeUnknown && !versions.some(version => VERSIONS.includes(version)))
    errors.push(invalid(path, versions, `must include at least one of ${VERSIONS.join(', ')}`));
  return errors;
}

function webhookErrors(hook: Webhook, path: string, tolerated: Tolerated): FieldError[] {
  const field = (name: string): string => child(path, name);
  const errors = qualifiedErrors(hook.name ?? '', field('name'));
  errors.push(...(hook.rules ?? []).flatMap((rule, i) => ruleErrors(rule, at(field('rules'), i))));
  errors.push(...oneOf(field('failurePolicy'), hook.failurePolicy, FAILURE_POLICIES));
  errors.push(...oneOf(field('matchPolicy'), hook.matchPolicy, MATCH_POLICIES));
  const allowed = tolerated.sideEffects ? SIDE_EFFECTS : NO_SIDE_EFFECTS;
  if (hook.sideEffects === undefined)
    errors.push(required(field('sideEffects'), `must specify one of ${allowed.join(', ')}`));
  errors.push(...oneOf(field('sideEffects'), hook.sideEffects, allowed));
  const seconds = hook.timeoutSeconds;
  if (seconds !== undefined && (seconds > 30 || seconds < 1))
    errors.push(invalid(field('timeoutSeconds'), seconds, 'the timeout value must be between 1 and 30 seconds'));
  errors.push(...validateLabelSelector(hook.namespaceSelector, field('namespaceSelector')));
  errors.push(...validateLabelSelector(hook.objectSelector, field('objectSelector')));
  if ('reinvocationPolicy' in hook)
    errors.push(...oneOf(field('reinvocationPolicy'), hook.reinvocationPolicy, REINVOCATION_POLICIES));
  errors.push(...clientErrors(hook.clientConfig, field('clientConfig')));
  if (!tolerated.conditions) errors.push(...matchConditionErrors(hook.matchConditions, field('matchConditions')));
  return errors;
}

function configurationErrors({ webhooks }: Configuration, tolerated: Tolerated): FieldError[] {
  const names = new Set<string>();
  return (webhooks ?? []).flatMap((hook, i) => {
    const path = at('webhooks', i);
    const errors = webhookErrors(hook, path, tolerated);
    const versions = hook.admissionReviewVersions ?? [];
    errors.push(...versionErrors(versions, child(path, 'admissionReviewVersions'), tolerated.versions));
    if (!tolerated.sameNames && hook.name && names.has(hook.name))
      errors.push(duplicate(child(path, 'name'), hook.name));
    names.add(hook.name);
    return errors;
  });
}

function defaults(object: Configuration, mutating: boolean): void {
  for (const hook of object.webhooks ?? []) {
    hook.failurePolicy ??= 'Fail';
    hook.matchPolicy ??= 'Equivalent';
    hook.namespaceSelector ??= {};
    hook.objectSelector ??= {};
    hook.timeoutSeconds ??= 10;
    if (mutating) (hook as MutatingWebhook).reinvocationPolicy ??= 'Never';
    if (hook.clientConfig?.service) hook.clientConfig.service.port ??= 443;
    for (const rule of hook.rules ?? []) defaultRule(rule);
  }
}

const shared = (kind: string, mutating: boolean): KindModule =>
  defineKind<ValidatingWebhookConfiguration | MutatingWebhookConfiguration>({
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind,
    categories: ['api-extensions'],
    columns: [
      column(
        'Webhooks',
        'integer',
        'Webhooks indicates the number of webhooks registered in this configuration',
        o => o.webhooks?.length ?? 0,
      ),
      ageColumn,
    ],
    defaults: object => defaults(object, mutating),
    prepareForCreate: object => {
      object.metadata.generation = 1;
    },
    validate: object => configurationErrors(object, nothing),
    validateUpdateAlone: true,
    validateUpdate: (object, old) => configurationErrors(object, toleratedIn(object, old)),
  });

export const validatingWebhookConfiguration = shared('ValidatingWebhookConfiguration', false);
export const mutatingWebhookConfiguration = shared('MutatingWebhookConfiguration', true);
