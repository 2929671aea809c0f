import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseGo } from './goTypes.ts';

const parse = (source: string) => parseGo(source, 'types.go');

describe('parseGo', () => {
  const fields: readonly (readonly [line: string, expected: object])[] = [
    [
      'Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`',
      { goName: 'Name', goType: 'string', tags: { json: 'name,omitempty', protobuf: 'bytes,1,opt,name=name' } },
    ],
    ['metav1.TypeMeta `json:",inline"`', { goName: 'TypeMeta', goType: 'metav1.TypeMeta', tags: { json: ',inline' } }],
    ['Replicas *int32', { goName: 'Replicas', goType: '*int32', tags: {} }],
    [
      'Data map[string][]byte `json:"data"` // trailing words',
      { goName: 'Data', goType: 'map[string][]byte', tags: { json: 'data' } },
    ],
    ['Cells []interface{} `json:"cells"`', { goName: 'Cells', goType: '[]interface{}', tags: { json: 'cells' } }],
    [
      'Ports []Port `json:"ports" patchStrategy:"merge" patchMergeKey:"port"`',
      { goName: 'Ports', goType: '[]Port', tags: { json: 'ports', patchStrategy: 'merge', patchMergeKey: 'port' } },
    ],
  ];
  for (const [line, expected] of fields)
    it(line, () => {
      const field = parse(`type T struct {\n\t${line}\n}\n`).structs[0]?.fields[0];
      assert.deepEqual(field, { ...expected, doc: [], markers: [] });
    });

  it('tells prose from markers, and leaves TODOs and what follows --- out', () => {
    const source = `
// T is a thing.
// TODO(somebody): do better
// It has two lines.
//
// +genclient
// +k8s:openapi-gen=true
type T struct {
	// a is said so.
	// +optional
	// +listType=map
	// ---
	// not for users
	A string \`json:"a"\`

	// Detached words.

	B string \`json:"b"\`
}
`;
    const [type] = parse(source).structs;
    assert.deepEqual(type?.doc, ['T is a thing.', 'It has two lines.', '']);
    assert.deepEqual(type?.markers, ['genclient', 'k8s:openapi-gen=true']);
    assert.deepEqual(type?.fields[0]?.doc, ['a is said so.']);
    assert.deepEqual(type?.fields[0]?.markers, ['optional', 'listType=map']);
    assert.deepEqual(type?.fields[1]?.doc, []);
  });

  it('keeps markers that a blank line parts from their type', () => {
    assert.deepEqual(parse('// +genclient\n\n// T is.\ntype T struct {\n}\n').structs[0]?.markers, ['genclient']);
  });

  it('reads imports, named types, and the constants of an enum', () => {
    const go = parse(`
import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// +enum
type Phase string

type Alias = Phase
type Verbs []string

const (
	Running Phase = "Running"
	Done Phase = "Done"
	Again Phase = "Done"
)
`);
    assert.deepEqual(go.imports, {
      metav1: 'k8s.io/apimachinery/pkg/apis/meta/v1',
      types: 'k8s.io/apimachinery/pkg/types',
    });
    assert.deepEqual(go.named, [
      { name: 'Phase', goType: 'string', markers: ['enum'] },
      { name: 'Alias', goType: 'Phase', markers: [] },
      { name: 'Verbs', goType: '[]string', markers: [] },
    ]);
    assert.deepEqual(go.constants, { Phase: ['Running', 'Done'] });
  });

  it('skips block comments and empty structs', () => {
    assert.deepEqual(
      parse('/* licence\ntype Not struct {\n*/\ntype Empty struct {}\n').structs.map(s => s.name),
      ['Empty'],
    );
  });

  it('says where it cannot read on', () => {
    assert.throws(
      () => parse('type T struct {\n\tF func() error\n}\n'),
      /types\.go:2: cannot read the field: F func\(\) error/,
    );
    assert.throws(() => parse('type T struct {\n\tA string\n'), /types\.go: struct T is not closed/);
  });
});
