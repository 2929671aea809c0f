/** The words the parts of the configuration share: where something stands, what is wrong with it, what it becomes. */

/** From the strongest. `command` is what a person gave to `atoll config apply`, `stored` is the last good generation, `defaults` what the image does by itself. */
export const sourceNames = ['command', 'url', 'smbios', 'fw_cfg', 'cidata', 'esp', 'stored', 'defaults'] as const;
export type SourceName = (typeof sourceNames)[number];

export const documentNames = ['user-data', 'meta-data', 'network-config'] as const;
export type DocumentName = (typeof documentNames)[number];

/** The documents of one source, as bytes; none is trusted. */
export interface SourceDocuments {
  readonly source: SourceName;
  /** For people: `/dev/vda1 (ESP)`, `https://example.org/node.yaml`. */
  readonly location: string;
  readonly documents: Readonly<Partial<Record<DocumentName, Buffer>>>;
}

/** Where something stands. Lines and columns from 1, columns in characters. */
export interface Place {
  readonly source: SourceName;
  readonly location: string;
  readonly document: DocumentName;
  readonly line: number;
  readonly column: number;
}

/** Something a person has to know about a configuration. With one `error`, nothing of it is applied. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  /** Absent where nothing was read: `the URL answered 404`. */
  readonly place?: Place;
  /** Of asking the URL, which happens after the other sources have been read, and again later. */
  readonly of?: 'url';
  /** The key: `users[0].name`; empty for the document. */
  readonly path: string;
  /** What is wrong, with the offending value unless it is a secret: `must be a whole number from 1 to 65535, not "abc"`. */
  readonly message: string;
  /** What to do: `did you mean "hostname"?`. */
  readonly hint?: string;
}

/** Says a problem at the place of a value: `report(['users', 0, 'name'], 'is used twice', 'give each user its own name')`. */
export type Report = (
  path: readonly (string | number)[],
  message: string,
  options?: { readonly hint?: string; readonly severity?: 'error' | 'warning' },
) => void;

/** A rule over several values of one section; runs only when every value alone is right. */
export type Rule<T> = (value: T, report: Report) => void;

/** A file to write. In `/etc`, which is new at every boot, or anywhere that can be written (`write_files`). */
export interface RenderedFile {
  /** Absolute. */
  readonly path: string;
  readonly content: string | Buffer;
  /** Permission bits, 0o644. */
  readonly mode: number;
  /** `user[:group]`, by name; absent for root. */
  readonly owner?: string;
  readonly append?: true;
  /** cloud-init's `defer`: written after users exist and `bootcmd` has run. */
  readonly defer?: true;
}

/** What a configuration becomes: data, made without looking at or changing the machine. */
export interface Rendered {
  readonly files: readonly RenderedFile[];
  /** `sysctl` names with dots → values, modules to load, the host name: what has to be told to the running kernel. */
  readonly hostname?: string;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly modules: readonly string[];
  /** Run at every boot before anything else is applied; a string is for a shell, a list is a program and its arguments. */
  readonly bootcmd: readonly Command[];
  /** Run once per instance, when the machine is up. */
  readonly runcmd: readonly Command[];
  readonly diskSetup: readonly DiskRequest[];
  readonly phoneHome?: PhoneHome;
  /** Accounts besides the image's, or those of the image with something added. */
  readonly users?: readonly RenderedUser[];
  readonly groups?: readonly RenderedGroup[];
  /** The SSH server runs: somebody may log in. */
  readonly ssh?: { readonly passwords: boolean };
  /** `Europe/Berlin` */
  readonly timezone?: string;
  /** More authorities, PEM; `only`: instead of the image's. */
  readonly authorities?: { readonly pem: string; readonly only: boolean };
  readonly zram?: { readonly sizeBytes: number; readonly algorithm: string };
  /** Of the hardware watchdog; 0: off. */
  readonly watchdogSeconds?: number;
}

/** Who may log in. Ids are given by whoever writes the accounts where they are absent, and stay. */
export interface RenderedUser {
  readonly name: string;
  readonly uid?: number;
  /** By name; made if there is none of that name. Default: one with the user's name. */
  readonly primaryGroup?: string;
  readonly comment: string;
  /** Absolute; absent: `/var/home/<name>`. */
  readonly home?: string;
  readonly shell: string;
  /** crypt(5); absent: locked. */
  readonly passwordHash?: string;
  readonly groups: readonly string[];
  /** Lines of authorized_keys. */
  readonly keys: readonly string[];
  readonly createHome: boolean;
}
export interface RenderedGroup {
  readonly name: string;
  readonly gid?: number;
  readonly members: readonly string[];
}

export type Command = string | readonly string[];

/** An extra disk, by a stable name, with one file system and where it is mounted. Data that is there is never overwritten. */
export interface DiskRequest {
  readonly device: string;
  readonly filesystem: 'ext4';
  readonly label: string;
  readonly mountPoint: string;
}

export interface PhoneHome {
  readonly url: string;
  readonly post: readonly string[] | 'all';
  readonly tries: number;
}

export const nothingRendered: Rendered = {
  files: [],
  sysctls: {},
  modules: [],
  bootcmd: [],
  runcmd: [],
  diskSetup: [],
};
