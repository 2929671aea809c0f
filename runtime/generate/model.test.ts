import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseGo } from './goTypes.ts';
import { buildSchemas } from './model.ts';
import { typescriptOf } from './typescript.ts';

const META = 'k8s.io/apimachinery/pkg/apis/meta/v1';
const IMPORTS = `import (\n\tmetav1 "${META}"\n\t"k8s.io/apimachinery/pkg/util/intstr"\n)\n`;

function schemasOf(source: string) {
  const api = { importPath: 'k8s.io/api/test/v1', openapi: 'io.k8s.api.test.v1', group: 'test.example', version: 'v1' };
  const meta = { importPath: META, openapi: 'io.k8s.apimachinery.pkg.apis.meta.v1' };
  return buildSchemas([
    { api: meta, go: parseGo('type TypeMeta struct {\n\tKind string `json:"kind,omitempty"`\n}\n', 'meta.go') },
    { api, go: parseGo(IMPORTS + source, 'types.go') },
  ]);
}

const fieldOf = (line: string, above = '', more = '') =>
  schemasOf(`type T struct {\n${above}\t${line}\n}\n${more}`)[1]?.types.T?.fields[0];

describe('buildSchemas', () => {
  const cases: readonly (readonly [line: string, expected: object, more?: string, above?: string])[] = [
    ['A string `json:"a" protobuf:"bytes,3,opt,name=a"`', { name: 'a', number: 3, type: 'string' }],
    [
      'A *int32 `json:"a,omitempty" protobuf:"varint,1,opt,name=a"`',
      { name: 'a', number: 1, type: 'int32', optional: true, omitEmpty: true, pointer: true },
    ],
    [
      'A metav1.Time `json:"a,omitempty,omitzero" protobuf:"bytes,1,opt"`',
      { name: 'a', number: 1, type: 'Time', optional: true, omitEmpty: true, omitZero: true },
    ],
    ['A intstr.IntOrString `json:"a"`', { name: 'a', number: 0, type: 'IntOrString' }],
    ['A []byte `json:"a"`', { name: 'a', number: 0, type: 'bytes' }],
    ['A map[string]U `json:"a"`', { name: 'a', number: 0, type: '{}io.k8s.api.test.v1.U' }, 'type U struct {}\n'],
    ['A []*U `json:"a"`', { name: 'a', number: 0, type: '[]io.k8s.api.test.v1.U' }, 'type U struct {}\n'],
    ['A Verbs `json:"a" protobuf:"bytes,1,opt"`', { name: 'a', number: 1, type: '[]string!' }, 'type Verbs []string\n'],
    ['A Rules `json:"a" protobuf:"bytes,1,rep"`', { name: 'a', number: 1, type: '[]string' }, 'type Rules []string\n'],
    ['A map[string]Extra `json:"a"`', { name: 'a', number: 0, type: '{}[]string!' }, 'type Extra []string\n'],
    [
      'A Phase `json:"a"`',
      { name: 'a', number: 0, type: 'string', enum: ['X', 'Y'] },
      '// +enum\ntype Phase string\nconst (\n\tX Phase = "X"\n\tY Phase = "Y"\n)\n',
    ],
    [
      'A []U `json:"a" patchStrategy:"merge" patchMergeKey:"k"`',
      {
        name: 'a',
        number: 0,
        type: '[]io.k8s.api.test.v1.U',
        optional: true,
        listType: 'map',
        listMapKeys: ['k', 'l'],
        patchStrategy: 'merge',
        patchMergeKey: 'k',
        default: ['x'],
        description: 'a lists things.',
      },
      'type U struct {}\n',
      '\t// a lists\n\t// things.\n\t// +optional\n\t// +listType=map\n\t// +listMapKey=k\n\t// +listMapKey=l\n\t// +default=["x"]\n',
    ],
    [
      'U `json:",inline" protobuf:"bytes,2,opt,name=u"`',
      { name: '', number: 2, type: 'io.k8s.api.test.v1.U', inline: true, goName: 'U' },
      'type U struct {}\n',
    ],
  ];
  for (const [line, expected, more, above] of cases)
    it(line, () => assert.deepEqual(fieldOf(line, above, more), expected));

  it('leaves out fields that JSON does not show', () => assert.equal(fieldOf('A string `json:"-"`'), undefined));

  it('names the field whose type it does not know', () => {
    assert.throws(() => fieldOf('A Missing `json:"a"`'), /k8s\.io\/api\/test\/v1\.T\.A: type Missing is not declared/);
    assert.throws(() => fieldOf('A other.Thing `json:"a"`'), /T\.A: type other\.Thing is of other, which is not among/);
  });

  const kinds: readonly (readonly [markers: string, body: string, expected: object | undefined])[] = [
    ['', '', undefined],
    ['+genclient', 'Status string `json:"status"`', { namespaced: true, subresources: ['status'] }],
    ['+genclient\n// +genclient:nonNamespaced', '', { namespaced: false, subresources: [] }],
    ['+genclient\n// +genclient:noStatus', 'Status string `json:"status"`', { namespaced: true, subresources: [] }],
    ['+genclient\n// +genclient:onlyVerbs=create', '', { namespaced: true, subresources: [], onlyVerbs: ['create'] }],
    [
      '+genclient\n// +genclient:method=GetScale,verb=get,subresource=scale,result=Scale',
      '',
      { namespaced: true, subresources: ['scale'] },
    ],
  ];
  for (const [markers, body, expected] of kinds)
    it(`reads ${JSON.stringify(markers)}`, () => {
      const type = schemasOf(`// ${markers}\ntype T struct {\n\tmetav1.TypeMeta \`json:",inline"\`\n\t${body}\n}\n`)[1]
        ?.types.T;
      assert.equal(type?.topLevel, true);
      assert.deepEqual(type?.kind, expected && { group: 'test.example', version: 'v1', kind: 'T', ...expected });
    });

  it('writes the same as TypeScript', () => {
    const schemas = schemasOf(
      'type T struct {\n\tmetav1.TypeMeta `json:",inline"`\n\tA []string `json:"a"`\n\tB *U `json:"b,omitempty"`\n\tC string `json:"x-c"`\n}\ntype U struct {}\n',
    );
    const [, own] = schemas;
    assert.ok(own);
    const text = typescriptOf(own, schemas);
    assert.match(text, /import type \{ TypeMeta \} from '\.\/apimachinery\.pkg\.apis\.meta\.v1\.ts';/);
    assert.match(
      text,
      /export interface T extends TypeMeta \{\n {2}a: string\[\];\n {2}b\?: U \| undefined;\n {2}"x-c": string;\n\}/,
    );
  });
});
