/**
 * What a configuration may say, as data: every key is declared once, and the validator, the JSON schema, the types and the
 * reference page read the declaration.
 *
 * ```ts
 * const server = mapping({ url: field(text({ pattern: /^https:/, meaning: 'an https URL' }), 'where the server is', { required: true }) });
 * type Server = Infer<typeof server>; // { url: string }
 * ```
 *
 * A shape says what one value alone must be. What several values must be together is a rule (`rules.ts` of each section).
 */

/** The type a checked value has is carried along without existing at run time. */
declare const checked: unique symbol;
interface Carries<T> {
  readonly [checked]?: T;
}

export type Shape<T = unknown> = (
  | TextShape
  | IntegerShape
  | BooleanShape
  | ListShape
  | MappingShape
  | DictionaryShape
  | EitherShape
  | AnythingShape
) &
  Carries<T>;

export interface TextShape {
  readonly kind: 'text';
  /** Completes "must be …" in messages: `a time zone such as Europe/Berlin`. */
  readonly meaning?: string;
  readonly pattern?: RegExp;
  /** The only words allowed; a wrong one is answered with the nearest. */
  readonly oneOf?: readonly string[];
  /** Every text that is right, where they are too many to be told; `refuse` says of a wrong one which is near. */
  readonly words?: readonly string[];
  /** Words that are known elsewhere and are none of `oneOf`, each with the reason: "is not available: …", or "not yet: …". */
  readonly unavailable?: Readonly<Record<string, string>>;
  /** Says what is wrong with a text that has passed the rest, or undefined. */
  readonly refuse?: (text: string) => string | undefined;
  /** What a JSON schema can say of `refuse`: takes every text that is right. No word of it is in messages. */
  readonly like?: RegExp;
  /** Never shown: not in messages, logs, `atoll config show` or diffs. */
  readonly secret?: true;
  /** Whether this text is a secret although not every one under this key is: the same as `secret`, but in messages, where it is `quiet`. */
  readonly secretIf?: (text: string) => boolean;
  /** Numbers and booleans are taken as they are written, as cloud-init does for `hostname: 12`. */
  readonly lenient?: true;
  /** Not repeated in messages: long, or a secret may stand there by mistake. */
  readonly quiet?: true;
  /** An octal number such as 0644; YAML and cloud-init read it as something else without quotes, which is told. */
  readonly permissions?: true;
  /** What a wrong text may have been meant to be, where rules look at more than the text itself (`suppose.ts`). */
  readonly perhaps?: (text: string) => readonly string[];
  /** Longest allowed, in UTF-16 units. Default 65,536. */
  readonly maxLength?: number;
}
export interface IntegerShape {
  readonly kind: 'integer';
  readonly min: number;
  readonly max: number;
  readonly meaning?: string;
}
export interface BooleanShape {
  readonly kind: 'boolean';
  /** Completes "must be …" where one of the two is not taken. */
  readonly meaning?: string;
}
export interface ListShape {
  readonly kind: 'list';
  readonly of: Shape;
  readonly maxItems?: number;
}
/** A mapping whose keys are known. */
export interface MappingShape {
  readonly kind: 'mapping';
  readonly fields: Readonly<Record<string, Field>>;
}
/** A mapping whose keys are the person's own. */
export interface DictionaryShape {
  readonly kind: 'dictionary';
  readonly key: TextShape;
  readonly value: Shape;
}
/** The first shape that fits by the kind of the value (text, list, mapping …) is the one whose problems are told. */
export interface EitherShape {
  readonly kind: 'either';
  readonly of: readonly Shape[];
}
/** What is somebody else's to judge, such as a Kubernetes object; taken as YAML 1.2 reads it. */
export interface AnythingShape {
  readonly kind: 'anything';
}

export interface Field<T = unknown, R extends boolean = boolean> {
  readonly shape: Shape<T>;
  /** One line for people, in `atoll config schema`, editors and the reference page. */
  readonly summary: string;
  readonly required: R;
  /** Why it cannot be given here: it is known elsewhere (cloud-init, K3s, netplan), and an error here. */
  readonly unsupported?: string;
  /** Of a key that cannot be given: those it says something of, about which nothing more is to be told. */
  readonly insteadOf?: readonly string[];
  /** A change of it on a running node needs a reboot. */
  readonly reboot?: true;
  /** For the reference page and editors. */
  readonly examples?: readonly unknown[];
  /** Whether what stands beside it makes a secret of it; `textOf` gives the text of another key of the same mapping. */
  readonly secretBeside?: (textOf: (key: string) => string | undefined) => boolean;
  /** Other spellings that mean the same (`ssh-authorized-keys`); both at once is a problem. */
  readonly aliases?: readonly string[];
}

type FieldOptions = Pick<Field, 'unsupported' | 'reboot' | 'examples' | 'aliases' | 'secretBeside'>;

/** The type of a value that has been checked against a shape. */
export type Infer<S> = S extends Shape<infer T> ? T : never;
type Fields = Readonly<Record<string, Field>>;
type RequiredNames<F extends Fields> = { [K in keyof F]: F[K] extends Field<unknown, true> ? K : never }[keyof F];
type FieldType<F> = F extends Field<infer T, boolean> ? T : never;
export type InferFields<F extends Fields> = {
  readonly [K in RequiredNames<F>]: FieldType<F[K]>;
} & { readonly [K in Exclude<keyof F, RequiredNames<F>>]?: FieldType<F[K]> };

export function field<T>(shape: Shape<T>, summary: string, options: FieldOptions & { required: true }): Field<T, true>;
export function field<T>(shape: Shape<T>, summary: string, options?: FieldOptions): Field<T, false>;
export function field<T>(
  shape: Shape<T>,
  summary: string,
  { required = false, ...rest }: FieldOptions & { required?: true | false } = {},
): Field<T> {
  return { shape, summary, required, ...rest };
}

/** A key of cloud-init, K3s or netplan that is an error here, with the reason: "is not available: …". */
export const unsupported = (
  summary: string,
  reason: string,
  options: Pick<Field, 'insteadOf'> = {},
): Field<never, false> => ({
  shape: { kind: 'either', of: [] },
  summary,
  required: false,
  unsupported: reason,
  ...options,
});

export const text = (options: Omit<TextShape, 'kind'> = {}): Shape<string> => ({ kind: 'text', ...options });
export const oneOf = <const W extends readonly string[]>(...words: W): Shape<W[number]> => ({
  kind: 'text',
  oneOf: words,
});
export const integer = (min: number, max: number, meaning?: string): Shape<number> => ({
  kind: 'integer',
  min,
  max,
  ...(meaning === undefined ? {} : { meaning }),
});
export const boolean = (options: { readonly meaning?: string } = {}): Shape<boolean> => ({
  kind: 'boolean',
  ...options,
});
export const list = <T>(of: Shape<T>, options: { readonly maxItems?: number } = {}): Shape<readonly T[]> => ({
  kind: 'list',
  of,
  ...options,
});
export const mapping = <F extends Fields>(fields: F): Shape<InferFields<F>> => ({ kind: 'mapping', fields });
export const dictionary = <T>(key: TextShape, value: Shape<T>): Shape<Readonly<Record<string, T>>> => ({
  kind: 'dictionary',
  key,
  value,
});
export const either = <S extends readonly Shape[]>(...of: S): Shape<Infer<S[number]>> => ({ kind: 'either', of });
export const anything = (): Shape<unknown> => ({ kind: 'anything' });
