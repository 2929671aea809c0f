/** The spec of HorizontalPodAutoscalers (upstream: `pkg/apis/autoscaling/validation`, `pkg/registry/autoscaling`). */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HPAScalingPolicy,
  HPAScalingRules,
} from '../../generated/types/autoscaling.v2.ts';
import { parseQuantity } from '../../quantity.ts';
import { at, child, invalid, NOT_NEGATIVE, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { apiVersionFault, type ReferenceRule, referenceErrors, validateMetrics } from './metricValidation.ts';

const MAX_PERIOD_SECONDS = 1800;
const MAX_WINDOW_SECONDS = 3600;
const SELECT_POLICIES = ['Disabled', 'Max', 'Min'];
const POLICY_TYPES = ['Percent', 'Pods'];
const POSITIVE = 'must be greater than zero';

function policyErrors({ type, value = 0, periodSeconds = 0 }: HPAScalingPolicy, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!POLICY_TYPES.includes(type)) errors.push(notSupported(child(path, 'type'), type, POLICY_TYPES));
  if (value <= 0) errors.push(invalid(child(path, 'value'), value, POSITIVE));
  const period = child(path, 'periodSeconds');
  if (periodSeconds <= 0) errors.push(invalid(period, periodSeconds, POSITIVE));
  if (periodSeconds > MAX_PERIOD_SECONDS)
    errors.push(invalid(period, periodSeconds, `must be less than or equal to ${MAX_PERIOD_SECONDS}`));
  return errors;
}

function rulesErrors(rules: HPAScalingRules | undefined, path: string): FieldError[] {
  if (!rules) return [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies, tolerance } = rules;
  const errors: FieldError[] = [];
  const windowPath = child(path, 'stabilizationWindowSeconds');
  if (window !== undefined && window < 0)
    errors.push(invalid(windowPath, window, 'must be greater than or equal to zero'));
  if (window !== undefined && window > MAX_WINDOW_SECONDS)
    errors.push(invalid(windowPath, window, `must be less than or equal to ${MAX_WINDOW_SECONDS}`));
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy))
    errors.push(notSupported(child(path, 'selectPolicy'), selectPolicy, SELECT_POLICIES));
  const policiesPath = child(path, 'policies');
  if (!policies?.length) errors.push(required(policiesPath, 'must specify at least one Policy'));
  errors.push(...(policies ?? []).flatMap((policy, i) => policyErrors(policy, at(policiesPath, i))));
  if (tolerance !== undefined && parseQuantity(tolerance).nanos < 0n)
    errors.push(invalid(child(path, 'tolerance'), tolerance, NOT_NEGATIVE));
  return errors;
}

interface Rules {
  readonly leastReplicas: number;
  readonly target: ReferenceRule;
  readonly described: ReferenceRule;
}

/** What was there before the rules were may stay. */
function rulesFor(spec: HorizontalPodAutoscalerSpec, old?: HorizontalPodAutoscalerSpec): Rules {
  const [ref, before] = [spec.scaleTargetRef, old?.scaleTargetRef];
  const sameTarget = old !== undefined && ref?.apiVersion === before?.apiVersion && ref?.kind === before?.kind;
  const described: ReferenceRule = { coreAllowed: true, anyAllowed: false };
  const wrongBefore = old?.metrics?.some(
    ({ type, object }) =>
      type === 'Object' && object && apiVersionFault(object.describedObject?.apiVersion ?? '', described) !== undefined,
  );
  return {
    leastReplicas: old?.minReplicas === 0 ? 0 : 1,
    target: { coreAllowed: !sameTarget && ref?.kind === 'ReplicationController', anyAllowed: sameTarget },
    described: { coreAllowed: true, anyAllowed: wrongBefore === true },
  };
}

export function validateAutoscaler({ spec }: HorizontalPodAutoscaler, old?: HorizontalPodAutoscaler): FieldError[] {
  const {
    scaleTargetRef,
    minReplicas,
    maxReplicas = 0,
    metrics,
    behavior,
  } = spec ?? ({} as Partial<HorizontalPodAutoscalerSpec>);
  const { leastReplicas, target, described } = rulesFor(
    spec ?? { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 },
    old?.spec,
  );
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < leastReplicas)
    errors.push(invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${leastReplicas}`));
  if (maxReplicas === 0) errors.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  else if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  return [
    ...errors,
    ...referenceErrors(scaleTargetRef, 'spec.scaleTargetRef', target),
    ...validateMetrics(metrics, 'spec.metrics', minReplicas, described),
    ...rulesErrors(behavior?.scaleUp, 'spec.behavior.scaleUp'),
    ...rulesErrors(behavior?.scaleDown, 'spec.behavior.scaleDown'),
  ];
}
