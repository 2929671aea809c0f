import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterRole } from '../api/generated/types/rbac.v1.ts';
import { aggregated } from './clusterRoleAggregation.ts';

const role = (name: string, labels: Record<string, string>, ...verbs: string[]): ClusterRole => ({
  metadata: { name, labels },
  rules: verbs.map(verb => ({ verbs: [verb], apiGroups: [''], resources: ['pods'] })),
});
const gathering = (...selectors: Record<string, string>[]): ClusterRole => ({
  metadata: { name: 'all', labels: { a: '1' } },
  aggregationRule: { clusterRoleSelectors: selectors.map(matchLabels => ({ matchLabels })) },
  rules: [{ verbs: ['old'], apiGroups: [''], resources: ['pods'] }],
});

describe('an aggregated role', () => {
  const parts = [role('z', { a: '1' }, 'get'), role('b', { a: '1', b: '1' }, 'list', 'get'), role('c', {}, 'watch')];
  const rows: readonly (readonly [what: string, selectors: Record<string, string>[], verbs: readonly string[]])[] = [
    ['has the rules of matching roles in the order of names, each once', [{ a: '1' }], ['list', 'get']],
    ['goes by its selectors in turn', [{ b: '1' }, { a: '1' }], ['list', 'get']],
    ['has none where nothing matches', [{ x: '1' }], []],
    ['has those of every role where a selector is empty', [{}], ['list', 'get', 'watch']],
    ['has none without selectors', [], []],
  ];
  for (const [what, selectors, verbs] of rows) {
    it(what, () => {
      const own = gathering(...selectors);
      assert.deepEqual(
        aggregated(own, [own, ...parts]).flatMap(rule => rule.verbs),
        verbs,
      );
    });
  }
});
