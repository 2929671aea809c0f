/** Printer columns of custom resources (upstream: `registry/customresource/tableconvertor`). */
import type { CustomResourceColumnDefinition } from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { ageColumn, humanDuration } from '../../api/kinds/columns.ts';
import type { Column } from '../../api/kinds/kind.ts';
import { type JsonPath, parseJsonPath } from '../../api/structural/jsonPath.ts';
import { isObject, sortedJson } from '../../api/structural/model.ts';

/** Without columns of its own a kind has its age, as everything else. */
export function columnsOf(columns: readonly CustomResourceColumnDefinition[] | undefined): Column[] {
  if (!columns?.length) return [dateColumn];
  return columns.map(column => {
    const { name, type, format, description, jsonPath, priority = 0 } = column;
    const read = pathOf(jsonPath);
    return {
      name,
      type: type as Column['type'],
      ...(format ? { format } : {}),
      description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
      priority,
      cell: (object, nowMs) => cell(type, read(object)[0], nowMs),
    };
  });
}

/** As upstream's default for custom resources. */
const dateColumn: Column = {
  ...ageColumn,
  type: 'date',
  description: ageColumn.description,
};

/** A path that cannot be read leads nowhere; it does not break the table. */
function pathOf(text: string): JsonPath {
  try {
    return parseJsonPath(text);
  } catch {
    return () => [];
  }
}

function cell(type: string, value: unknown, nowMs: number): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'string':
      return textOf(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date': {
      if (typeof value !== 'string') return null;
      const thenMs = Date.parse(value);
      return Number.isNaN(thenMs) || !/^\d{4}-\d\d-\d\dT/.test(value) ? '<invalid>' : humanDuration(nowMs - thenMs);
    }
    default:
      return null;
  }
}

/** As client-go's JSONPath prints: what is not plain as JSON. */
function textOf(value: unknown): string {
  return isObject(value) || Array.isArray(value) ? JSON.stringify(sortedJson(value)) : String(value);
}
