/** Which of the names a definition asks for it gets; pure (upstream's naming controller). */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';

export type AcceptedNames = Partial<CustomResourceDefinitionNames>;

/** Names of one group that others have. */
export interface TakenNames {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

export interface NamingDecision {
  readonly acceptedNames: AcceptedNames;
  readonly namesAccepted: CustomResourceDefinitionCondition;
  readonly established: CustomResourceDefinitionCondition;
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`;

export function decideNames({ spec, status }: CustomResourceDefinition, taken: TakenNames): NamingDecision {
  const wanted = spec.names;
  const had: AcceptedNames = status?.acceptedNames ?? {};
  const accepted: AcceptedNames = { ...had };
  let refusal: { reason: string; message: string } | undefined;
  const settle = (
    field: 'plural' | 'singular' | 'kind' | 'listKind',
    names: ReadonlySet<string>,
    reason: string,
  ): void => {
    const name = wanted[field] ?? '';
    if (name !== had[field] && names.has(name)) refusal = { reason, message: inUse(name) };
    else accepted[field] = name;
  };
  settle('plural', taken.resources, 'PluralConflict');
  settle('singular', taken.resources, 'SingularConflict');
  const clashes = (wanted.shortNames ?? []).filter(
    name => !had.shortNames?.includes(name) && taken.resources.has(name),
  );
  if (clashes.length > 0) {
    const texts = clashes.map(inUse);
    refusal = {
      reason: 'ShortNamesConflict',
      message: texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`,
    };
  } else assign(accepted, 'shortNames', wanted.shortNames);
  settle('kind', taken.kinds, 'KindConflict');
  settle('listKind', taken.kinds, 'ListKindConflict');
  assign(accepted, 'categories', wanted.categories);
  const namesAccepted: CustomResourceDefinitionCondition = refusal
    ? { type: 'NamesAccepted', status: 'False', ...refusal }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  return { acceptedNames: accepted, namesAccepted, established: establishedOf(status?.conditions, !refusal) };
}

/** Once established, always: objects may be there. */
function establishedOf(
  conditions: readonly CustomResourceDefinitionCondition[] | undefined,
  isAccepted: boolean,
): CustomResourceDefinitionCondition {
  const old = conditions?.find(({ type }) => type === 'Established');
  if (old?.status === 'True') return old;
  if (isAccepted) {
    const message = 'the initial names have been accepted';
    return { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message };
  }
  return old ?? { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
}

function assign(names: AcceptedNames, field: 'shortNames' | 'categories', value: string[] | undefined): void {
  if (value === undefined) delete names[field];
  else names[field] = value;
}
