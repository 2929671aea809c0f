/** Which names a definition gets. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { type AcceptedNames, decideNames } from './names.ts';

const full: CustomResourceDefinitionNames = { plural: 'tabs', singular: 'tab', kind: 'Tab', listKind: 'TabList' };

const definition = (
  names: Partial<CustomResourceDefinitionNames>,
  had?: AcceptedNames,
  conditions: CustomResourceDefinitionCondition[] = [],
): CustomResourceDefinition => ({
  metadata: { name: 'tabs.example.com' },
  spec: { group: 'example.com', scope: 'Cluster', names: { ...full, ...names }, versions: [] },
  ...(had ? { status: { acceptedNames: had as CustomResourceDefinitionNames, conditions } } : {}),
});

interface Row {
  readonly wants?: Partial<CustomResourceDefinitionNames>;
  readonly had?: AcceptedNames;
  readonly conditions?: CustomResourceDefinitionCondition[];
  readonly resources?: readonly string[];
  readonly kinds?: readonly string[];
  readonly accepted: AcceptedNames;
  readonly names: string;
  readonly established: string;
}

const accepted = 'True NoConflicts: no conflicts found';
const initial = 'True InitialNamesAccepted: the initial names have been accepted';
const not = 'False NotAccepted: not all names are accepted';
const already: CustomResourceDefinitionCondition = {
  type: 'Established',
  status: 'True',
  reason: 'InitialNamesAccepted',
  message: 'the initial names have been accepted',
};

const rows: Readonly<Record<string, Row>> = {
  'all that are free': { accepted: full, names: accepted, established: initial },
  'with short names and categories': {
    wants: { shortNames: ['t'], categories: ['all'] },
    accepted: { ...full, shortNames: ['t'], categories: ['all'] },
    names: accepted,
    established: initial,
  },
  'no plural that is taken': {
    resources: ['tabs'],
    accepted: { singular: 'tab', kind: 'Tab', listKind: 'TabList' },
    names: 'False PluralConflict: "tabs" is already in use',
    established: not,
  },
  'no singular that is taken': {
    resources: ['tab'],
    accepted: { plural: 'tabs', kind: 'Tab', listKind: 'TabList' },
    names: 'False SingularConflict: "tab" is already in use',
    established: not,
  },
  'no kind that is taken': {
    kinds: ['Tab'],
    accepted: { plural: 'tabs', singular: 'tab', listKind: 'TabList' },
    names: 'False KindConflict: "Tab" is already in use',
    established: not,
  },
  'no list kind that is taken': {
    kinds: ['TabList'],
    accepted: { plural: 'tabs', singular: 'tab', kind: 'Tab' },
    names: 'False ListKindConflict: "TabList" is already in use',
    established: not,
  },
  'none of the short names when one is taken': {
    wants: { shortNames: ['a', 'b'] },
    resources: ['b'],
    accepted: full,
    names: 'False ShortNamesConflict: "b" is already in use',
    established: not,
  },
  'the short names it has already': {
    wants: { shortNames: ['a', 'b'] },
    had: { ...full, shortNames: ['a'] },
    resources: ['a'],
    accepted: { ...full, shortNames: ['a', 'b'] },
    names: accepted,
    established: initial,
  },
  'the last of several refusals is told': {
    resources: ['tabs'],
    kinds: ['Tab'],
    accepted: { singular: 'tab', listKind: 'TabList' },
    names: 'False KindConflict: "Tab" is already in use',
    established: not,
  },
  'short names that are no longer wanted go': {
    had: { ...full, shortNames: ['a'] },
    accepted: full,
    names: accepted,
    established: initial,
  },
  'once established, it stays so': {
    wants: { shortNames: ['x'] },
    had: full,
    conditions: [already],
    resources: ['x'],
    accepted: full,
    names: 'False ShortNamesConflict: "x" is already in use',
    established: initial,
  },
};

const said = ({ status, reason, message }: CustomResourceDefinitionCondition): string =>
  `${status} ${reason}: ${message}`;

describe('names', () => {
  for (const [name, row] of Object.entries(rows)) {
    it(name, () => {
      const taken = { resources: new Set(row.resources), kinds: new Set(row.kinds) };
      const decision = decideNames(definition(row.wants ?? {}, row.had, row.conditions), taken);
      assert.deepEqual(decision.acceptedNames, row.accepted);
      assert.equal(said(decision.namesAccepted), row.names);
      assert.equal(said(decision.established), row.established);
    });
  }
});
