/** PriorityLevelConfigurations (upstream: `pkg/apis/flowcontrol/validation`). */
import type {
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../generated/types/flowcontrol.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { forbidden, invalid, notSupported, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { conditionErrors } from './flowSchema.ts';
import { mandatoryPriorityLevels } from './mandatory.ts';

const LIMITED = 'spec.limited';
const RESPONSE = 'spec.limited.limitResponse';
const QUEUING = 'spec.limited.limitResponse.queuing';
const MAX_QUEUES = 10_000_000;
const MAX_HASH_BITS = 60;

/** Bits of hash that dealing a hand of `handSize` out of `queues` needs (apiserver's `util/shufflesharding`). */
function entropyBits(queues: number, handSize: number): number {
  let bits = 0;
  for (let card = 0; card < handSize; card++) bits += Math.log2(queues - card);
  return Math.ceil(bits);
}

function queuingErrors({ queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0) errors.push(invalid(`${QUEUING}.queueLengthLimit`, queueLengthLimit, 'must be positive'));
  if (queues <= 0) errors.push(invalid(`${QUEUING}.queues`, queues, 'must be positive'));
  else if (queues > MAX_QUEUES)
    errors.push(invalid(`${QUEUING}.queues`, queues, `must not be greater than ${MAX_QUEUES}`));
  const hand = `${QUEUING}.handSize`;
  if (handSize <= 0) errors.push(invalid(hand, handSize, 'must be positive'));
  else if (handSize > queues) errors.push(invalid(hand, handSize, `should not be greater than queues (${queues})`));
  else if (entropyBits(queues, handSize) > MAX_HASH_BITS)
    errors.push(
      invalid(
        hand,
        handSize,
        `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`,
      ),
    );
  return errors;
}

function responseErrors(response: LimitResponse | undefined): FieldError[] {
  const { type = '', queuing } = response ?? {};
  if (type === 'Reject')
    return queuing ? [forbidden(QUEUING, 'must be nil if limited.limitResponse.type is not Limited')] : [];
  if (type === 'Queue')
    return queuing
      ? queuingErrors(queuing)
      : [required(QUEUING, 'must not be empty if limited.limitResponse.type is Limited')];
  return [notSupported(`${RESPONSE}.type`, type, ['Queue', 'Reject'])];
}

const percentErrors = (field: string, percent: number | undefined): FieldError[] =>
  percent !== undefined && (percent < 0 || percent > 100)
    ? [invalid(field, percent, 'must be between 0 and 100, inclusive')]
    : [];

function limitedErrors(limited: LimitedPriorityLevelConfiguration): FieldError[] {
  const { nominalConcurrencyShares: shares = 0, lendablePercent, borrowingLimitPercent: borrowing } = limited;
  return [
    ...(shares < 0 ? [invalid(`${LIMITED}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')] : []),
    ...responseErrors(limited.limitResponse),
    ...percentErrors(`${LIMITED}.lendablePercent`, lendablePercent),
    ...(borrowing !== undefined && borrowing < 0
      ? [invalid(`${LIMITED}.borrowingLimitPercent`, borrowing, 'if specified, must be a non-negative integer')]
      : []),
  ];
}

function specErrors(spec: PriorityLevelConfigurationSpec | undefined, name: string | undefined): FieldError[] {
  const { type = '', limited, exempt } = spec ?? {};
  const errors: FieldError[] = [];
  if ((name === 'exempt') !== (type === 'Exempt'))
    errors.push(invalid('spec.type', type, "type must be 'Exempt' if and only if name is 'exempt'"));
  if (type === 'Exempt') {
    if (limited) errors.push(forbidden(LIMITED, 'must be nil if the type is not Limited'));
    const { nominalConcurrencyShares: shares, lendablePercent } = exempt ?? {};
    if (exempt && shares !== undefined && shares < 0)
      errors.push(invalid('spec.exempt.nominalConcurrencyShares', shares, 'must be a non-negative integer'));
    errors.push(...percentErrors('spec.exempt.lendablePercent', lendablePercent));
  } else if (type === 'Limited') {
    if (exempt) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
    if (limited) errors.push(...limitedErrors(limited));
    else errors.push(required(LIMITED, 'must not be empty when type is Limited'));
  } else errors.push(notSupported('spec.type', type, ['Exempt', 'Limited']));
  return errors;
}

/** Of the exempt level people may say how much it lends; the rest is fixed. */
function differsFromFixed(name: string | undefined, spec: PriorityLevelConfigurationSpec | undefined): boolean {
  const fixed = mandatoryPriorityLevels[name ?? ''];
  if (!fixed) return false;
  return name === 'exempt' ? spec?.type !== fixed.type || spec.limited !== undefined : !sameValue(spec, fixed);
}

const queueCell =
  (field: keyof QueuingConfiguration) =>
  ({ spec }: PriorityLevelConfiguration): string =>
    String(spec?.limited?.limitResponse?.queuing?.[field] ?? '<none>');

export const priorityLevelConfiguration = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  columns: [
    column(
      'Type',
      'string',
      '`type` indicates whether this priority level is subject to limitation on request execution.',
      o => o.spec?.type ?? '',
    ),
    column(
      'NominalConcurrencyShares',
      'string',
      '`nominalConcurrencyShares` (NCS) contributes to the computation of the NominalConcurrencyLimit (NominalCL) of this level.',
      o => String(o.spec?.limited?.nominalConcurrencyShares ?? '<none>'),
    ),
    column('Queues', 'string', '`queues` is the number of queues for this priority level.', queueCell('queues')),
    column(
      'HandSize',
      'string',
      '`handSize` is a small positive number that configures the shuffle sharding of requests into queues.',
      queueCell('handSize'),
    ),
    column(
      'QueueLengthLimit',
      'string',
      '`queueLengthLimit` is the maximum number of requests allowed to be waiting in a given queue of this priority level at a time.',
      queueCell('queueLengthLimit'),
    ),
    ageColumn,
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    if (spec.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (!spec.limited) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (!queuing) return;
    if (!queuing.handSize) queuing.handSize = 8;
    if (!queuing.queues) queuing.queues = 64;
    if (!queuing.queueLengthLimit) queuing.queueLengthLimit = 50;
  },
  validate: ({ metadata, spec, status }) => {
    const errors = specErrors(spec, metadata.name);
    if (differsFromFixed(metadata.name, spec))
      errors.push(invalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`));
    return [...errors, ...conditionErrors(status?.conditions)];
  },
  validateStatusUpdate: ({ status }) => conditionErrors(status?.conditions),
});
