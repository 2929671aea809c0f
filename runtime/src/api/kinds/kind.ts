/**
 * What a kind adds to the schema table: one small module a kind in this folder, a value of {@link KindModule}.
 * Everything not said here is generic. Objects are plain JSON values, already pruned to known fields.
 */
import type { User } from '../../lib/exchange.ts';
import type { KubeObject } from '../object.ts';

/** One entry of `Status.details.causes`; texts as upstream's `field.Error`. */
export interface FieldError {
  readonly type:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'FieldValueNotFound';
  /** `spec.containers[0].image` */
  readonly field: string;
  /** `Required value`, `Invalid value: "x": must be …`: without the field. */
  readonly message: string;
}

/** A column of `kubectl get`; https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface Column<T = KubeObject> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority: number;
  /** `nowMs`: ages are rendered by the server. */
  readonly cell: (object: T, nowMs: number) => string | number | boolean | null;
}

export interface KindModule<T = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Subresources beyond what the schema's markers tell, e.g. `binding`, `log`, `exec`. */
  readonly subresources?: readonly string[];
  /** Unset: NAME and AGE. The Name column is first and is not listed here, unless {@link ownNameColumn}. */
  readonly columns?: readonly Column<T>[];
  /** `columns` say themselves where, and whether, the name stands (events). */
  readonly ownNameColumn?: boolean;
  /** Of the rows of one page; those that are equal stand by name. Unset: all do. */
  readonly rowOrder?: (one: T, other: T) => number;
  /** Beyond `metadata.name` and `metadata.namespace`: `{ 'spec.nodeName': 'n1', 'status.phase': 'Running' }`. */
  readonly selectableFields?: (object: T) => Readonly<Record<string, string>>;
  /** Names of the fields above, for a 400 on any other. */
  readonly selectableFieldNames?: readonly string[];
  /**
   * Of kinds the schema table does not know: brings a decoded object into its one form, in place. Returns `unknown field "…"` texts;
   * throws an Error in Go's words for a value of a wrong type.
   */
  readonly decode?: (object: T) => string[];
  /** Where the `scale` subresource finds its numbers. Unset: at `spec.replicas`, `status.replicas`, `spec.selector`. */
  readonly scale?: ScalePaths<T>;
  /** Fills unset fields in place, as upstream's `SetDefaults_*`; must be idempotent. */
  readonly defaults?: (object: T) => void;
  /** What is wrong with `metadata.name`, one text a fault. Default: it must be a DNS subdomain. */
  readonly nameErrors?: (name: string) => string[];
  /**
   * On create, in place, before validation: drop status, set what the server owns. Default: status dropped, generation 1 where a spec
   * exists. `user` is who asks, unset where nobody does.
   */
  readonly prepareForCreate?: (object: T, user?: User) => void;
  /** On update, in place. Default: status kept from `old`; generation bumped when anything but metadata and status changed. */
  readonly prepareForUpdate?: (object: T, old: T) => void;
  /** A PUT must name the `resourceVersion` it replaces. */
  readonly requiresRevision?: true;
  /** When it is first asked to go, in place: what has to be there until it may. */
  readonly prepareForDelete?: (object: T, nowMs: number) => void;
  readonly validate?: (object: T) => FieldError[];
  readonly validateUpdate?: (object: T, old: T) => FieldError[];
  /** {@link validateUpdate} says all there is to say of an update: {@link validate} is for new objects only. */
  readonly validateUpdateAlone?: true;
  /** On a write to `/status`, in place, after everything but the status has become as it was. */
  readonly prepareForStatusUpdate?: (object: T, old: T) => void;
  /** What may not stand in a status written to `/status`; the rest of the object is not validated then. */
  readonly validateStatusUpdate?: (object: T, old: T) => FieldError[];
  /** The version is on its way out: the text of a `Warning` header on every answer (upstream: `APILifecycleDeprecated`). */
  readonly deprecated?: string;
  /** Texts for `Warning` headers about a valid object; `old` is unset for a new one. */
  readonly warnings?: (object: T, old?: T) => string[];
  /** Objects are kept in the form of another group and version, which shows the same ones. */
  readonly storedAs?: StoredForm;
  /** Subresources through which a part of the object is written that may not change otherwise, by name. */
  readonly parts?: Readonly<Record<string, KindPart<T>>>;
}

/** Whose form objects are stored in, and the way there and back: in place, all but `apiVersion` and `kind`. */
export interface StoredForm {
  readonly group: string;
  readonly version: string;
  readonly toStored: (object: KubeObject) => void;
  readonly fromStored: (object: KubeObject) => void;
}

/** What the `scale` subresource is of an object whose fields have names of their own. */
export interface ScalePaths<T = KubeObject> {
  /** `.spec.replicas` */
  readonly specReplicasPath: string;
  readonly replicas: (object: T) => number | undefined;
  readonly statusReplicas: (object: T) => number;
  /** The text of a label selector, or nothing. */
  readonly selector: (object: T) => string;
  /** In place. Throws an Error where the object has something else in the way. */
  readonly setReplicas: (object: T, replicas: number) => void;
}

/** How one part of an object is written through a subresource of its own. */
export interface KindPart<T = KubeObject> {
  /** It lies in the status, which otherwise stays as it was. */
  readonly ofStatus?: true;
  /** In place: everything but the part becomes as it was. */
  readonly prepare: (object: T, old: T) => void;
  /** Whether the part may become this; the whole object is validated besides. */
  readonly validate: (object: T, old: T) => FieldError[];
}
