/**
 * The shapes as JSON Schema for editors: draft-07, which yaml-language-server and the editors built on it read. It cannot say all
 * that a shape says (of `refuse`, what `like` says; no rules), so what it lets pass may still be refused by `atoll config validate`.
 */
import { wordsOf } from './checkWords.ts';
import { documentShapes } from './schema.ts';
import type { Field, MappingShape, Shape, TextShape } from './shape.ts';
import type { DocumentName } from './types.ts';

export type JsonSchema = { readonly [key: string]: unknown };

const titles: Readonly<Record<DocumentName, string>> = {
  'user-data': 'Atoll user-data (#cloud-config)',
  'meta-data': 'Atoll meta-data',
  'network-config': 'Atoll network-config (netplan, version 2)',
};

export function jsonSchema(document: DocumentName): JsonSchema {
  const definitions = new Definitions();
  const root = definitions.body(documentShapes[document]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: titles[document],
    ...root,
    ...(Object.keys(definitions.made).length > 0 ? { definitions: definitions.made } : {}),
  };
}

/** Mappings that stand in several places are said once. */
class Definitions {
  readonly made: Record<string, JsonSchema> = {};
  private readonly names = new Map<Shape, string>();

  of(shape: Shape, name: string): JsonSchema {
    if (shape.kind !== 'mapping' || Object.keys(shape.fields).length < 3) return this.body(shape, name);
    const known = this.names.get(shape);
    if (known !== undefined) return { $ref: `#/definitions/${known}` };
    let free = name;
    for (let i = 2; free in this.made; i++) free = `${name}-${i}`;
    this.names.set(shape, free);
    this.made[free] = {};
    this.made[free] = this.body(shape, free);
    return { $ref: `#/definitions/${free}` };
  }

  body(shape: Shape, name = ''): JsonSchema {
    switch (shape.kind) {
      case 'text': {
        const { maxLength, lenient, oneOf = shape.words } = shape;
        // Without quotes, a number is no text to an editor.
        if (oneOf) return { enum: [...oneOf, ...(lenient ? oneOf.filter(isNumber).map(Number) : [])] };
        return {
          type: lenient ? ['string', 'number', 'boolean'] : 'string',
          ...patternsOf(shape),
          ...(maxLength === undefined ? {} : { maxLength }),
        };
      }
      case 'integer':
        return { type: 'integer', minimum: shape.min, maximum: shape.max };
      case 'boolean':
        return { type: 'boolean' };
      case 'list':
        return {
          type: 'array',
          items: this.of(shape.of, name),
          ...(shape.maxItems === undefined ? {} : { maxItems: shape.maxItems }),
        };
      case 'dictionary': {
        const patterns = patternsOf(shape.key);
        return {
          type: 'object',
          additionalProperties: this.of(shape.value, name),
          ...(Object.keys(patterns).length > 0 ? { propertyNames: patterns } : {}),
        };
      }
      case 'either':
        return { anyOf: shape.of.map(of => this.of(of, name)) };
      case 'mapping':
        return this.mapping(shape);
      case 'anything':
        return {};
    }
  }

  private mapping({ fields }: MappingShape): JsonSchema {
    const properties: Record<string, JsonSchema> = {};
    for (const [name, known] of Object.entries(fields)) {
      properties[name] = this.field(known, name);
      for (const alias of known.aliases ?? [])
        properties[alias] = { ...this.field(known, name), deprecationMessage: `the same as ${name}` };
    }
    const required = Object.entries(fields).flatMap(([name, known]) =>
      known.required && known.aliases === undefined ? [name] : [],
    );
    const spellings = Object.entries(fields).flatMap(([name, { aliases = [], required: isRequired }]) => {
      const names = [name, ...aliases];
      const pairs = names.flatMap((one, i) => names.slice(i + 1).map(other => ({ not: { required: [one, other] } })));
      return isRequired && aliases.length > 0 ? [{ anyOf: names.map(one => ({ required: [one] })) }, ...pairs] : pairs;
    });
    return {
      type: 'object',
      additionalProperties: false,
      properties,
      ...(required.length > 0 ? { required } : {}),
      ...(spellings.length > 0 ? { allOf: spellings } : {}),
    };
  }

  private field({ shape, summary, unsupported, examples }: Field, name: string): JsonSchema {
    if (unsupported !== undefined)
      return { not: {}, description: `Not available: ${unsupported}.`, doNotSuggest: true };
    const words = wordsOf(shape);
    const plain = /^(?:text|true or false|a list|a mapping|anything|one of .*)$/.test(words);
    const described = { description: `${capital(summary)}.${plain ? '' : `\n\nMust be ${words}.`}` };
    const body = this.of(shape, name);
    return {
      ...('$ref' in body ? { allOf: [body] } : body),
      ...described,
      ...(examples === undefined ? {} : { examples }),
    };
  }
}

const isNumber = (word: string): boolean => /^\d+$/.test(word);

/** A schema has one pattern; what is to match two is in `allOf`. */
function patternsOf({ pattern, like }: TextShape): JsonSchema {
  const [first, second] = [pattern, like].flatMap(one => (one ? [{ pattern: one.source }] : []));
  return second ? { allOf: [first, second] } : (first ?? {});
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
