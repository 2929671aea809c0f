/**
 * What the boot waited for: from a unit back to the last of those it is ordered after, and so on (systemd-analyze's `critical-chain`, which the
 * image has not). Source: systemd-analyze(1), org.freedesktop.systemd1(5).
 */

export interface UnitTimes {
  readonly id: string;
  /** What it is ordered after. */
  readonly after: readonly string[];
  /** Its job began to run, and it was active: milliseconds since the kernel's start; 0: not in this boot. */
  readonly startedMs: number;
  readonly activeMs: number;
}

export interface ChainLink {
  readonly id: string;
  readonly activeMs: number;
  /** From its beginning until it was active; a target has none. */
  readonly tookMs: number;
}

/** What {@link parseUnits} reads: one block a unit, by blank lines. */
export const showUnits =
  "systemctl show '*' -p Id,After,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic --no-pager";

export function parseUnits(text: string): UnitTimes[] {
  return text.split(/\n{2,}/).flatMap(block => {
    const fields = new Map(
      block.split('\n').flatMap(line => {
        const at = line.indexOf('=');
        return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
      }),
    );
    const id = fields.get('Id');
    if (id === undefined) return [];
    const milliseconds = (name: string): number => Number(fields.get(name) ?? 0) / 1000;
    return [
      {
        id,
        after: (fields.get('After') ?? '').split(' ').filter(name => name !== ''),
        startedMs: milliseconds('InactiveExitTimestampMonotonic'),
        activeMs: milliseconds('ActiveEnterTimestampMonotonic'),
      },
    ];
  });
}

/** The chain that ends with `target`, the last first. Empty if it was not reached. */
export function criticalChain(units: readonly UnitTimes[], target: string): ChainLink[] {
  const byId = new Map(units.map(unit => [unit.id, unit]));
  const chain: ChainLink[] = [];
  const seen = new Set<string>();
  for (let unit = byId.get(target); unit && unit.activeMs > 0 && !seen.has(unit.id); ) {
    seen.add(unit.id);
    const { id, activeMs, startedMs, after } = unit;
    chain.push({ id, activeMs, tookMs: id.endsWith('.target') ? 0 : activeMs - startedMs });
    // What became active after it began has not held it up.
    unit = after
      .flatMap(name => byId.get(name) ?? [])
      .filter(other => other.activeMs > 0 && other.activeMs <= startedMs)
      .reduce<UnitTimes | undefined>(
        (last, other) => (last && last.activeMs >= other.activeMs ? last : other),
        undefined,
      );
  }
  return chain;
}

/** `atoll-server.service @26.9 s (7.2 s)`, a line a link, indented as it is waited for. */
export const chainLines = (chain: readonly ChainLink[]): string[] =>
  chain.map(({ id, activeMs, tookMs }, depth) => {
    const took = tookMs > 0 ? ` (${(tookMs / 1000).toFixed(1)} s)` : '';
    return `${' '.repeat(depth)}${id} @${(activeMs / 1000).toFixed(1)} s${took}`;
  });
