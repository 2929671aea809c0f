/** The TARGETS column of HorizontalPodAutoscalers: `cpu: 10%/80%`. */
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../generated/types/autoscaling.v2.ts';

const UNKNOWN = '<unknown>';
const SHOWN = 2;

/** Of resources: a share of what the pods ask for, or an amount a pod. */
function resourceText(
  source: { readonly name: string; readonly target?: MetricTarget | undefined },
  current: MetricValueStatus | undefined,
): string {
  const { averageValue, averageUtilization } = source.target ?? {};
  if (averageValue !== undefined) return `${source.name}: ${current?.averageValue ?? UNKNOWN}/${averageValue}`;
  const now = current?.averageUtilization;
  const wanted = averageUtilization === undefined ? '<auto>' : `${averageUtilization}%`;
  return `${source.name}: ${now === undefined ? UNKNOWN : `${now}%`}/${wanted}`;
}

/** Of numbers from elsewhere: as a whole, or shared among the pods. */
function valueText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`;
  return `${current ? (current.value ?? '0') : UNKNOWN}/${target?.value ?? '0'}`;
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return valueText(spec.external?.target, status?.external?.current);
    case 'Object':
      return valueText(spec.object?.target, status?.object?.current);
    case 'Pods':
      return `${status?.pods ? (status.pods.current?.averageValue ?? '0') : UNKNOWN}/${spec.pods?.target?.averageValue ?? '0'}`;
    case 'Resource':
      return spec.resource ? resourceText(spec.resource, status?.resource?.current) : UNKNOWN;
    case 'ContainerResource':
      return spec.containerResource
        ? resourceText(spec.containerResource, status?.containerResource?.current)
        : UNKNOWN;
    default:
      return '<unknown type>';
  }
}

export function targetsText({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec?.metrics ?? [];
  if (metrics.length === 0) return '<none>';
  const texts = metrics.slice(0, SHOWN).map((metric, i) => metricText(metric, status?.currentMetrics?.[i]));
  const more = metrics.length - texts.length;
  return more > 0 ? `${texts.join(', ')} + ${more} more...` : texts.join(', ');
}
