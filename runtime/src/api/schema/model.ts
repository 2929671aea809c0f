/**
 * The schema table's shape. The table itself is generated from Kubernetes' API sources (`runtime/generate`) into
 * `runtime/src/api/generated/`; everything that needs to know what an object looks like reads it: codecs, field
 * validation, merge patches, server-side apply, OpenAPI, `kubectl explain`.
 */

export interface FieldSchema {
  /** JSON name; empty for an inlined struct, whose fields stand in the parent's JSON but in a message of their own in protobuf. */
  readonly name: string;
  /** Protobuf field number; 0: not on the protobuf wire (TypeMeta). */
  readonly number: number;
  /**
   * `string` `boolean` `int32` `int64` `double` `bytes`; a definition name (`io.k8s.api.core.v1.PodSpec`); a well-known type
   * (`Time` `MicroTime` `Duration` `Quantity` `IntOrString` `RawExtension` `FieldsV1` `JSON` `JSONSchemaPropsOr…`);
   * `[]T` a list; `{}T` a map with string keys. A trailing `!` marks a named slice (`Verbs`, `ExtraValue`): the same
   * JSON list, but wrapped in a message with `items = 1` on the protobuf wire.
   */
  readonly type: string;
  readonly inline?: true;
  /** Go name, kept for inlined structs only. */
  readonly goName?: string;
  readonly optional?: true;
  /** Go drops the zero value when it writes JSON. */
  readonly omitEmpty?: true;
  /** As `omitEmpty`, and for structs too, which `omitEmpty` alone keeps as `{}`. */
  readonly omitZero?: true;
  readonly pointer?: true;
  readonly listType?: 'map' | 'set' | 'atomic';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  /** Strategic merge patch: `merge`, `replace`, `retainKeys`, or two joined by a comma. */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  /** In the generated `descriptions/` files only, which are read when somebody asks for OpenAPI. */
  readonly description?: string;
}

export interface KindSchema {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly noVerbs?: true;
  readonly onlyVerbs?: readonly string[];
  readonly skipVerbs?: readonly string[];
  /** `status`, `scale`, `eviction`… as the client generator's markers tell; not complete for core/v1 (binding, log, exec…). */
  readonly subresources: readonly string[];
}

export interface TypeSchema {
  readonly description?: string;
  /** Has `apiVersion` and `kind` of its own: an object, a list or an options type. */
  readonly topLevel?: true;
  /** Replaced as a whole by server-side apply. */
  readonly atomic?: true;
  /** Set for the kinds that have a resource. */
  readonly kind?: KindSchema;
  readonly fields: readonly FieldSchema[];
}

export interface PackageSchema {
  /** Prefix of the definition names: `io.k8s.api.core.v1`. */
  readonly name: string;
  readonly group?: string;
  readonly version?: string;
  /** By short name: `Pod`. */
  readonly types: Readonly<Record<string, TypeSchema>>;
}
