/** Kernel module indexes: names, dependencies, soft dependencies and aliases (modules.dep(5), modprobe.d(5)). */

/** `kernel/fs/ext4/ext4.ko.xz`, `dm-verity` → `ext4`, `dm_verity`. */
export function moduleName(path: string): string {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

/** Path of a module → paths it needs, as in modules.dep. */
export function parseDependencies(text: string): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const line of text.split('\n')) {
    const [path = '', rest = ''] = line.split(':');
    if (path !== '')
      found.set(
        path,
        rest.split(' ').filter(word => word !== ''),
      );
  }
  return found;
}

/** Module name → names of modules it wants before or after it. */
export function parseSoftDependencies(text: string): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const line of text.split('\n')) {
    const [keyword, name, ...words] = line.trim().split(/\s+/);
    if (keyword !== 'softdep' || name === undefined) continue;
    const names = words.filter(word => !/^(pre|post|platform):$/.test(word)).map(moduleName);
    found.set(moduleName(name), [...(found.get(moduleName(name)) ?? []), ...names]);
  }
  return found;
}

/** A line of modules.alias whose alias is a name, as `crypto-crc32c`, and not a pattern of a device's. */
export const isPlainAlias = (line: string): boolean => /^alias [\w-]+ /.test(line);

/** Plain alias → names of the modules that answer to it: soft dependencies are mostly on what a module is for. */
export function parseAliases(text: string): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const line of text.split('\n')) {
    const [, alias, name] = isPlainAlias(line) ? line.split(' ') : [];
    if (alias === undefined || name === undefined) continue;
    found.set(moduleName(alias), [...(found.get(moduleName(alias)) ?? []), moduleName(name)]);
  }
  return found;
}

/**
 * Paths of the named modules and of all they need, in load order (a module after what it needs). Names that are not modules
 * (built in) are skipped.
 */
export function closure(
  names: readonly string[],
  dependencies: ReadonlyMap<string, readonly string[]>,
  soft: ReadonlyMap<string, readonly string[]>,
  aliases: ReadonlyMap<string, readonly string[]>,
): string[] {
  const pathOf = new Map([...dependencies.keys()].map(path => [moduleName(path), path]));
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    // modules.dep lists the farthest dependency last.
    for (const needed of [...(dependencies.get(path) ?? [])].reverse()) visit(needed);
    for (const wanted of soft.get(moduleName(path)) ?? []) {
      for (const name of pathOf.has(wanted) ? [wanted] : (aliases.get(wanted) ?? [])) {
        const softly = pathOf.get(name);
        if (softly) visit(softly);
      }
    }
    order.push(path);
  };
  for (const name of names) {
    const path = pathOf.get(moduleName(name));
    if (path) visit(path);
  }
  return order;
}

/** `a/{b,c}/d` → `a/b/d`, `a/c/d`. */
export function alternatives(glob: string): string[] {
  const [braces, inside] = /\{([^{}]*)\}/.exec(glob) ?? [];
  if (braces === undefined || inside === undefined) return [glob];
  return inside.split(',').flatMap(word => alternatives(glob.replace(braces, () => word)));
}

/** What an uncompressed module may ask of `/usr/lib/firmware`, as names and globs (MODULE_FIRMWARE; modinfo(8)). */
export function firmwareOf(module: Buffer): string[] {
  return [...module.toString('latin1').matchAll(/\0firmware=([\x21-\x7e]+)(?=\0)/g)].map(match => match[1] ?? '');
}
