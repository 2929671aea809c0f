/** What the versions of a CustomResourceDefinition say: schema, subresources, printer columns, selectable fields. */
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  CustomResourceValidation,
  SelectableField,
} from '../../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { defaultErrors } from '../../structural/defaultRules.ts';
import { fieldPathSchema } from '../../structural/fieldPath.ts';
import { structuralErrors } from '../../structural/invariants.ts';
import { schemaRuleErrors } from '../../structural/schemaRules.ts';
import { at, child, duplicate, forbidden, invalid, required, tooMany } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const MAX_SELECTABLE_FIELDS = 8;
const MAX_WARNING_LENGTH = 256;

/** What else may stand at the root of a schema beside `properties`, so that `status` can be validated by itself. In Go's names, for the text. */
const ROOT_FIELDS: Readonly<Record<string, string>> = {
  description: 'Description',
  type: 'Type',
  format: 'Format',
  title: 'Title',
  maximum: 'Maximum',
  exclusiveMaximum: 'ExclusiveMaximum',
  minimum: 'Minimum',
  exclusiveMinimum: 'ExclusiveMinimum',
  maxLength: 'MaxLength',
  minLength: 'MinLength',
  pattern: 'Pattern',
  maxItems: 'MaxItems',
  minItems: 'MinItems',
  uniqueItems: 'UniqueItems',
  multipleOf: 'MultipleOf',
  required: 'Required',
  items: 'Items',
  properties: 'Properties',
  externalDocs: 'ExternalDocs',
  example: 'Example',
  'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
  'x-kubernetes-validations': 'XValidations',
};

/** @param path of the schema's holder: `spec.versions[0].schema`. */
export function validationErrors(
  validation: CustomResourceValidation | undefined,
  hasStatus: boolean,
  path: string,
): FieldError[] {
  const schema = validation?.openAPIV3Schema;
  if (!schema) return [];
  const here = child(path, 'openAPIV3Schema');
  const errors: FieldError[] = [];
  if (hasStatus) {
    if (schema.type !== undefined && schema.type !== 'object') {
      const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      errors.push(invalid(child(here, 'type'), schema.type, why));
    }
    if (Object.keys(schema).some(field => !Object.hasOwn(ROOT_FIELDS, field))) {
      const allowed = Object.values(ROOT_FIELDS).join(' ');
      const why = `only [${allowed}] fields are allowed at the root of the schema if the status subresource is enabled`;
      errors.push(invalid(here, schema, why));
    }
  }
  if (schema.nullable) errors.push(forbidden(child(here, 'nullable'), 'nullable cannot be true at the root'));
  const structural = structuralErrors(schema, here);
  errors.push(...(structural.length > 0 ? structural : defaultErrors(schema, here)));
  errors.push(...schemaRuleErrors(schema, here));
  return errors;
}

export function deprecationErrors(
  { deprecated, deprecationWarning }: CustomResourceDefinitionVersion,
  path: string,
): FieldError[] {
  if (deprecationWarning === undefined) return [];
  const refuse = (why: string): FieldError => invalid(child(path, 'deprecationWarning'), deprecationWarning, why);
  if (!deprecated) return [refuse('can only be set for deprecated versions')];
  const errors: FieldError[] = [];
  if (Buffer.byteLength(deprecationWarning) > MAX_WARNING_LENGTH) errors.push(refuse('must be <= 256 characters long'));
  if (deprecationWarning === '') errors.push(refuse('must not be an empty string'));
  const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(deprecationWarning);
  if (unprintable) {
    const index = Buffer.byteLength(deprecationWarning.slice(0, unprintable.index));
    const why = `must only contain printable UTF-8 characters; non-printable character found at index ${index}`;
    errors.push(refuse(why));
  }
  return errors;
}

/** Names separated by dots, from the root. */
function simplePathErrors(text: string, path: string): FieldError[] {
  return text.startsWith('.') ? [] : [invalid(path, text, 'must be a simple json path starting with .')];
}

export function subresourceErrors(subresources: CustomResourceSubresources | undefined, path: string): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const errors: FieldError[] = [];
  const check = (field: string, text: string | undefined, roots: readonly string[], where: string): void => {
    const here = `${path}.scale.${field}`;
    if (!text) {
      if (field !== 'labelSelectorPath') errors.push(required(here));
      return;
    }
    const faults = simplePathErrors(text, here);
    if (faults.length > 0) errors.push(...faults);
    else if (!roots.some(root => text.startsWith(root)))
      errors.push(invalid(here, text, `should be a json path under ${where}`));
  };
  check('specReplicasPath', scale.specReplicasPath, ['.spec.'], '.spec');
  check('statusReplicasPath', scale.statusReplicasPath, ['.status.'], '.status');
  check('labelSelectorPath', scale.labelSelectorPath, ['.spec.', '.status.'], 'either .spec or .status');
  return errors;
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

export function columnErrors(column: CustomResourceColumnDefinition, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!column.name) errors.push(required(child(path, 'name')));
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (!column.type) errors.push(required(child(path, 'type'), types));
  else if (!COLUMN_TYPES.includes(column.type)) errors.push(invalid(child(path, 'type'), column.type, types));
  if (column.format && !COLUMN_FORMATS.includes(column.format))
    errors.push(invalid(child(path, 'format'), column.format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  const here = child(path, 'JSONPath');
  if (!column.jsonPath) errors.push(required(here));
  else errors.push(...simplePathErrors(column.jsonPath, here));
  return errors;
}

const SELECTABLE_TYPES = ['string', 'boolean', 'integer'];

/** @param isUnchanged there were as many before, when more were allowed. */
export function selectableFieldErrors(
  fields: readonly SelectableField[],
  validation: CustomResourceValidation | undefined,
  path: string,
  isUnchanged = false,
): FieldError[] {
  const schema = validation?.openAPIV3Schema;
  if (!schema) return [invalid(path, '', 'may only be set when validations.schema is included')];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { jsonPath }] of fields.entries()) {
    const here = child(at(path, i), 'jsonPath');
    if (!jsonPath) {
      errors.push(required(here));
      continue;
    }
    const found = fieldPathSchema(jsonPath, schema, false);
    if (typeof found === 'string') {
      errors.push(invalid(here, jsonPath, `is an invalid path: ${found}`));
      continue;
    }
    if (found.names[0] === 'metadata') errors.push(invalid(here, jsonPath, 'must not point to fields in metadata'));
    if (!SELECTABLE_TYPES.includes(found.schema.type ?? '')) {
      const why =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      errors.push(invalid(here, jsonPath, why));
    }
    const name = found.names.join('.');
    if (seen.has(name)) errors.push(duplicate(here, jsonPath));
    seen.add(name);
  }
  if (seen.size > MAX_SELECTABLE_FIELDS && !isUnchanged) errors.push(tooMany(path, seen.size, MAX_SELECTABLE_FIELDS));
  return errors;
}
