/** Taints and tolerations (https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/); pure. */
import type { Taint, Toleration } from './generated/types/core.v1.ts';

/** Strict: a decimal integer, as KEP-5471 wants it for Gt and Lt. */
function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : undefined;
}

export function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  switch (operator) {
    case 'Exists':
      return true;
    case 'Gt':
    case 'Lt': {
      const [mine, theirs] = [integer(value), integer(taint.value)];
      if (mine === undefined || theirs === undefined) return false;
      return operator === 'Gt' ? theirs > mine : theirs < mine;
    }
    default:
      return (value ?? '') === (taint.value ?? '');
  }
}

export function isTolerated(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some(toleration => tolerates(toleration, taint));
}

/** The first taint of these effects that nothing tolerates. */
export function untolerated(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly Taint['effect'][],
): Taint | undefined {
  return (taints ?? []).find(taint => effects.includes(taint.effect) && !isTolerated(tolerations, taint));
}
