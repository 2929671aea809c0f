/** Every certificate this machine presents or trusts, and when it ends. */
import { X509Certificate } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateEnd {
  /** The file's name without `.crt`. */
  readonly name: string;
  /** ISO 8601. */
  readonly expires: string;
}

/** Soonest to expire first. @param dataDir `/var/lib/atoll` */
export function certificateEnds(dataDir: string): CertificateEnd[] {
  const found: CertificateEnd[] = [];
  for (const folder of [join(dataDir, 'server', 'tls'), join(dataDir, 'agent')]) {
    let entries: Dirent[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch {
      continue;
    }
    for (const entry of entries.filter(e => e.isFile() && e.name.endsWith('.crt'))) {
      try {
        const certificate = new X509Certificate(readFileSync(join(folder, entry.name)));
        found.push({ name: entry.name.replace(/\.crt$/, ''), expires: new Date(certificate.validTo).toISOString() });
      } catch {
        // Not a certificate, or being replaced.
      }
    }
  }
  return found.sort((a, b) => a.expires.localeCompare(b.expires));
}
