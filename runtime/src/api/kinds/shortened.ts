/** Lists in cells of tables. */

const SHOWN = 3;

/** The first three and how many more: `a,b,c + 2 more...`; `none` where there is nothing. */
export function shortened(items: readonly string[], none: string): string {
  if (items.length === 0) return none;
  const rest = items.length - SHOWN;
  return rest > 0 ? `${items.slice(0, SHOWN).join(',')} + ${rest} more...` : items.join(',');
}
