/**
 * A rendered configuration as the files of a generation: `etc/` is copied at boot, `boot` is shell in the words of
 * `/usr/lib/atoll/config-apply`, `final` is run when the machine is up. Pure.
 */
import { type AccountFiles, addAccounts, type KnownIds } from './accounts.ts';
import type { TreeFile } from './generations.ts';
import { instanceFolder } from './oncePerInstance.ts';
import { type Command, documentNames, type Rendered, type RenderedFile, type SourceDocuments } from './types.ts';

export interface StageInputs {
  readonly rendered: Rendered;
  /** The image's own /etc/passwd and the like. */
  readonly accounts: AccountFiles;
  readonly knownIds: KnownIds;
  readonly instanceId: string;
}

/** One word for sh. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
const call = (name: string, ...words: readonly (string | number)[]): string =>
  [name, ...words.map(word => quoted(String(word)))].join(' ');

export function stage({ rendered, accounts, knownIds, instanceId }: StageInputs): TreeFile[] {
  const files: TreeFile[] = [];
  const boot: string[] = [];
  const final: string[] = [];
  let count = 0;
  const keep = (content: string | Buffer, mode = 0o600): string => {
    const path = `files/${count++}`;
    files.push({ path, content: Buffer.from(content), mode });
    return path;
  };
  const etc = (path: string, content: string | Buffer, mode: number): void => {
    files.push({ path: path.slice(1), content: Buffer.from(content), mode });
  };

  const known = addAccounts(accounts, rendered.users ?? [], rendered.groups ?? [], knownIds);
  if ((rendered.users?.length ?? 0) + (rendered.groups?.length ?? 0) > 0) {
    etc('/etc/passwd', known.files.passwd, 0o644);
    etc('/etc/group', known.files.group, 0o644);
    etc('/etc/shadow', known.files.shadow, 0o600);
    etc('/etc/gshadow', known.files.gshadow, 0o600);
  }
  if (rendered.hostname !== undefined) boot.push(call('name', rendered.hostname));
  if (rendered.timezone !== undefined) boot.push(call('zone', rendered.timezone));
  if (rendered.authorities)
    boot.push(call('certificates', keep(rendered.authorities.pem), rendered.authorities.only ? 'only' : 'more'));
  for (const { user, uid, gid, path } of known.homes) {
    if (user.createHome) boot.push(call('home', path, uid, gid));
    boot.push(call('keys', user.keys.length > 0 ? keep(`${user.keys.join('\n')}\n`) : '-', path, uid, gid));
  }
  if (!known.homes.some(({ uid }) => uid === 0)) boot.push(call('keys', '-', '/var/roothome', 0, 0));
  if (rendered.bootcmd.length > 0) boot.push(call('early', keep(script(rendered.bootcmd))));
  if (rendered.zram) boot.push(call('zram', rendered.zram.sizeBytes, rendered.zram.algorithm));
  // Over D-Bus, which is there when the machine is up.
  if (rendered.watchdogSeconds !== undefined) final.push(call('watchdog', rendered.watchdogSeconds));
  for (const disk of rendered.diskSetup) boot.push(call('disk', disk.device, disk.label, disk.mountPoint));
  const plain = new Map<string, RenderedFile>();
  for (const file of together(rendered.files)) {
    const simple = isEtc(file.path) && !file.append && !file.defer && file.owner === undefined;
    if (simple) plain.set(file.path, file);
    else {
      const into = file.defer ? final : boot;
      into.push(
        call(file.append ? 'append' : 'put', keep(file.content), file.path, file.mode.toString(8), file.owner ?? '-'),
      );
    }
  }
  for (const file of plain.values()) {
    const at = files.findIndex(({ path }) => path === file.path.slice(1));
    if (at >= 0) files.splice(at, 1);
    etc(file.path, file.content, file.mode);
  }
  if (rendered.ssh) etc('/etc/atoll/ssh', `OPTIONS=${rendered.ssh.passwords ? '-g' : '-s'}\n`, 0o644);
  // Names and settings of network cards are udev's, which has seen the cards before the files came.
  if (rendered.files.some(({ path }) => /^\/etc\/systemd\/network\/.*\.link$|^\/etc\/udev\//.test(path)))
    boot.push('cards');
  if (rendered.runcmd.length > 0) final.push(call('late', keep(script(rendered.runcmd))));
  if (rendered.phoneHome)
    files.push({ path: 'phone-home.json', content: Buffer.from(JSON.stringify(rendered.phoneHome)), mode: 0o600 });
  const text = (path: string, rows: readonly string[]): void =>
    void (rows.length > 0 && files.push({ path, content: Buffer.from(`${rows.join('\n')}\n`), mode: 0o600 }));
  text('boot', boot);
  text('final', final);
  text('instance', [instanceId]);
  text('instance-folder', [instanceFolder(instanceId)]);
  files.push({ path: 'ids.json', content: Buffer.from(JSON.stringify(known.known)), mode: 0o600 });
  files.push({ path: 'rendered.json', content: Buffer.from(JSON.stringify(withoutContents(rendered))), mode: 0o600 });
  return files;
}

/** The documents as they came, with where they came from. */
export function stageSources(sources: readonly SourceDocuments[]): TreeFile[] {
  return sources.flatMap(({ source, location, documents }) => [
    { path: `sources/${source}/location`, content: Buffer.from(`${location}\n`), mode: 0o600 },
    ...documentNames.flatMap(name => {
      const content = documents[name];
      return content === undefined ? [] : [{ path: `sources/${source}/${name}`, content, mode: 0o600 }];
    }),
  ]);
}

/**
 * Each path once for each time files are written at: a later entry replaces or appends to an earlier one. Done one after the other, what
 * is appended twice, or to what is put, would not be found as it is when the machine boots again.
 */
function together(files: readonly RenderedFile[]): Iterable<RenderedFile> {
  const found = new Map<string, RenderedFile>();
  for (const file of files) {
    const key = `${file.defer === true} ${file.path}`;
    const before = found.get(key);
    if (before === undefined || !file.append) found.set(key, file);
    else {
      const { append, ...rest } = file;
      const content = Buffer.concat([Buffer.from(before.content), Buffer.from(file.content)]);
      found.set(key, { ...rest, content, ...(before.append ? { append } : {}) });
    }
  }
  return found.values();
}

const isEtc = (path: string): boolean => path.startsWith('/etc/');

/**
 * All commands as one script, as cloud-init makes it (`shellify`): a folder, a variable or an option that one of them sets is there for
 * the next. A list is a program and its arguments; a text is the shell's.
 */
const script = (commands: readonly Command[]): string =>
  commands.map(command => `${typeof command === 'string' ? command : command.map(quoted).join(' ')}\n`).join('');

/** What is compared when it changes on a running node; the contents are files of their own. */
const withoutContents = ({ files, ...rest }: Rendered): unknown => ({
  ...rest,
  files: files.map(({ content: _, ...facts }) => facts),
});
