/** The software bill of materials of an image: SPDX 2.3 JSON, one package an entry, purl and hash for each. */
import { createHash } from 'node:crypto';
import type { ResolvedPackage } from './packages/resolve.ts';

export interface SbomInputs {
  readonly image: string;
  readonly version: string;
  readonly packages: readonly ResolvedPackage[];
  /** npm packages bundled into the runtime. */
  readonly npm: readonly { readonly name: string; readonly version: string; readonly license?: string }[];
  /** Seconds since 1970. */
  readonly epoch: number;
  readonly roothash: string;
}

const identifier = (...parts: readonly string[]): string =>
  `SPDXRef-${parts.join('-').replace(/[^A-Za-z0-9.-]/g, '-')}`;

/** Package URL of a Debian package (purl-spec, type `deb`). */
export function debPurl({
  name,
  version,
  architecture,
}: Pick<ResolvedPackage, 'name' | 'version' | 'architecture'>): string {
  return `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=debian-13`;
}

/** Package URL of an npm package; a scope's `@` is written `%40`. */
export function npmPurl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** The document. Equal inputs give equal bytes: the namespace is a hash of the contents. */
export function spdxDocument(inputs: SbomInputs): unknown {
  const image = identifier('image', inputs.image);
  const debs = inputs.packages.map(pkg => ({
    SPDXID: identifier('deb', pkg.name, pkg.architecture),
    name: pkg.name,
    versionInfo: pkg.version,
    supplier: 'Organization: Debian',
    downloadLocation: pkg.url,
    filesAnalyzed: false,
    homepage: pkg.homepage ?? 'NOASSERTION',
    sourceInfo: `built from ${pkg.source} ${pkg.sourceVersion}`,
    summary: pkg.summary,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    checksums: [{ algorithm: 'SHA256', checksumValue: pkg.sha256 }],
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: debPurl(pkg) }],
  }));
  const npm = inputs.npm.map(({ name, version, license }) => ({
    SPDXID: identifier('npm', name, version),
    name,
    versionInfo: version,
    supplier: 'NOASSERTION',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license ?? 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    externalRefs: [
      { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: npmPurl(name, version) },
    ],
  }));
  const main = {
    SPDXID: image,
    name: inputs.image,
    versionInfo: inputs.version,
    supplier: 'Organization: Atoll',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    primaryPackagePurpose: 'OPERATING-SYSTEM',
    comment: `dm-verity root hash ${inputs.roothash}`,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
  };
  const packages = [main, ...debs, ...npm];
  const content = createHash('sha256').update(JSON.stringify(packages)).digest('hex');
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${inputs.image}-${inputs.version}`,
    documentNamespace: `https://atoll.invalid/spdx/${inputs.image}/${inputs.version}/${content}`,
    creationInfo: {
      created: new Date(inputs.epoch * 1000).toISOString().replace('.000Z', 'Z'),
      creators: ['Tool: atoll-builder'],
    },
    packages,
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: image },
      ...[...debs, ...npm].map(({ SPDXID }) => ({
        spdxElementId: image,
        relationshipType: 'CONTAINS',
        relatedSpdxElement: SPDXID,
      })),
    ],
  };
}
