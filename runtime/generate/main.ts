/**
 * `make generate`: writes the schema table (`src/api/generated/`) from Kubernetes' API sources.
 *
 *   node --import tsx runtime/generate/main.ts <directory that holds k8s.io/>
 *
 * The directory is `usr/share/gocode/src` of Debian's golang-k8s-api-dev, -apimachinery-dev and -apiextensions-apiserver-dev,
 * unpacked. The result is committed, so that no build depends on a moving suite.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PackageSchema } from '../src/api/schema/model.ts';
import { parseGo } from './goTypes.ts';
import { buildSchemas, type ParsedPackage } from './model.ts';
import { PACKAGES } from './packages.ts';
import { typescriptOf } from './typescript.ts';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '../src/api/generated');

/** All of a package's type sources as one text: declarations only, no tests, no generated code. */
function sourceOf(root: string, importPath: string): string {
  const supplement = join(here, 'supplement', `${importPath.split('/').slice(-2).join('.')}.go`);
  if (existsSync(supplement)) return readFileSync(supplement, 'utf8');
  const folder = join(root, importPath);
  if (!existsSync(folder))
    throw new Error(`${folder} does not exist: unpack the Debian package that holds ${importPath}`);
  const wanted = readdirSync(folder).filter(f =>
    /^(types|types_jsonschema|objectreference|group_version|taint|toleration)\.go$/.test(f),
  );
  // core/v1's taint.go and toleration.go hold methods only; their lines parse to nothing.
  return wanted.map(f => readFileSync(join(folder, f), 'utf8')).join('\n');
}

/** Without descriptions: they are a third of a megabyte that only OpenAPI needs. */
function withoutDescriptions(schema: PackageSchema): unknown {
  return JSON.parse(JSON.stringify(schema, (key, value) => (key === 'description' ? undefined : value)));
}

function descriptions(schema: PackageSchema): Record<string, Record<string, string>> {
  const out: Record<string, Record<string, string>> = {};
  for (const [name, type] of Object.entries(schema.types)) {
    const entry: Record<string, string> = {};
    if (type.description) entry[''] = type.description;
    for (const f of type.fields) if (f.description && f.name) entry[f.name] = f.description;
    out[name] = entry;
  }
  return out;
}

/** One line a type: small, and diffs between Kubernetes versions stay readable. */
function write(
  path: string,
  entries: readonly (readonly [string, unknown])[],
  head: Readonly<Record<string, unknown>> = {},
): void {
  const lines = entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',\n');
  const prefix = Object.entries(head)
    .map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)},`)
    .join('');
  writeFileSync(path, Object.keys(head).length > 0 ? `{${prefix}"types":{\n${lines}\n}}\n` : `{\n${lines}\n}\n`);
}

const root = process.argv[2];
if (!root) {
  process.stderr.write('usage: main.ts <directory that holds k8s.io/>\n');
  process.exitCode = 2;
} else {
  const parsed: ParsedPackage[] = PACKAGES.map(api => ({
    api,
    go: parseGo(sourceOf(root, api.importPath), api.importPath),
  }));
  const schemas = buildSchemas(parsed);
  rmSync(target, { recursive: true, force: true });
  for (const folder of ['schema', 'descriptions', 'types']) mkdirSync(join(target, folder), { recursive: true });
  let types = 0;
  let fields = 0;
  for (const schema of schemas) {
    const file = schema.name.replace(/^io\.k8s\.(api\.)?/, '');
    const bare = withoutDescriptions(schema) as PackageSchema;
    const { types: table, ...head } = bare;
    write(join(target, 'schema', `${file}.json`), Object.entries(table), head);
    write(join(target, 'descriptions', `${file}.json`), Object.entries(descriptions(schema)));
    writeFileSync(join(target, 'types', `${file}.ts`), typescriptOf(schema, schemas));
    types += Object.keys(table).length;
    fields += Object.values(table).reduce((sum, t) => sum + t.fields.length, 0);
  }
  process.stdout.write(`${schemas.length} packages, ${types} types, ${fields} fields\n`);
}
