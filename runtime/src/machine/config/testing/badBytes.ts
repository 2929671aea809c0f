/** Documents that are wrong as bytes: encodings, sizes, other files, bombs. */
import { gzipSync } from 'node:zlib';

const good = '#cloud-config\nhostname: node\n';
const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('');

const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const bomb = `#cloud-config
a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
h: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]
`;

/** user-data and what is said of it. */
export const bytes: readonly (readonly [name: string, bytes: Buffer, problems: string])[] = [
  [
    'nothing',
    Buffer.alloc(0),
    '1:1 is empty → write #cloud-config into its first line, or remove the file; an empty one is what a power cut leaves',
  ],
  [
    'spaces only',
    Buffer.from('\n\n  \n'),
    '1:1 is empty → write #cloud-config into its first line, or remove the file; an empty one is what a power cut leaves',
  ],
  [
    'NUL bytes only',
    Buffer.alloc(512),
    '1:1 holds nothing but NUL bytes → it was damaged, likely when power went while it was written: write it again',
  ],
  [
    'a NUL byte',
    Buffer.from(`${good}timezone: U\0TC\n`),
    '3:12 has the control character U+0000 → the file is binary, or was damaged when power went while it was written: write it again',
  ],
  [
    'an escape byte',
    Buffer.from(`${good}timezone: \x1b[1mUTC\n`),
    '3:11 has the control character U+001B → remove it; in a text, write it as an escape in double quotes',
  ],
  [
    'a C1 byte',
    Buffer.from(`${good}timezone: \u0085\u0080\n`),
    '3:12 has the control character U+0080 → remove it; in a text, write it as an escape in double quotes',
  ],
  [
    'lines ended by CR',
    Buffer.from('#cloud-config\rhostname: node\r'),
    '1:14 has a line that ends with a carriage return alone → end lines with a line feed (LF) or with both (CRLF)',
  ],
  [
    'UTF-16 with a mark',
    Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(good, 'utf16le')]),
    '1:1 is in UTF-16 → save the file as UTF-8 (Windows calls UTF-16 "Unicode")',
  ],
  [
    'UTF-16, the other way round',
    Buffer.concat([Buffer.from([0xfe, 0xff]), utf16be(good)]),
    '1:1 is in UTF-16 → save the file as UTF-8 (Windows calls UTF-16 "Unicode")',
  ],
  [
    'UTF-16 without a mark',
    Buffer.from(good, 'utf16le'),
    '1:1 is in UTF-16 → save the file as UTF-8 (Windows calls UTF-16 "Unicode")',
  ],
  ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x23, 0, 0, 0]), '1:1 is in UTF-32 → save the file as UTF-8'],
  [
    'Latin-1',
    Buffer.from('#cloud-config\nwrite_files:\n  - path: /etc/motd\n    content: Gerät\n', 'latin1'),
    '4:17 is not UTF-8: byte 0xE4 ("ä" in Latin-1?) → save the file as UTF-8',
  ],
  [
    'Latin-1 after UTF-8',
    Buffer.concat([Buffer.from('#cloud-config\n# Gerät 😀\n# '), Buffer.from([0xe9]), Buffer.from(' x\n')]),
    '3:3 is not UTF-8: byte 0xE9 ("é" in Latin-1?) → save the file as UTF-8',
  ],
  [
    'a surrogate',
    Buffer.concat([Buffer.from(good), Buffer.from([0xed, 0xa0, 0x80])]),
    '3:1 is not UTF-8: byte 0xED ("í" in Latin-1?) → save the file as UTF-8',
  ],
  [
    'cut in a character',
    Buffer.from(`${good}# Ger😀`).subarray(0, -2),
    '3:6 ends in the middle of a character → the file was cut: write it again',
  ],
  ['gzip', gzipSync(good), '1:1 is compressed with gzip → give the plain text: gunzip it'],
  ['zip', Buffer.from('PK\u0003\u0004....'), '1:1 is a zip archive → give the plain text inside it'],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), '1:1 is compressed with xz → give the plain text: unxz it'],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]), '1:1 is compressed with zstd → give the plain text: unzstd it'],
  [
    'a picture',
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    '1:1 is not UTF-8: byte 0x89 → save the file as UTF-8',
  ],
  [
    'a byte more than a MiB',
    Buffer.from(good.padEnd(1_048_577, '#')),
    '1:1 is longer than 1048576 bytes (1 MiB) → keep big files out of the configuration: a container image, a ConfigMap or a download in runcmd',
  ],
  [
    'sixteen MiB',
    Buffer.alloc(16_777_216, 0x61),
    '1:1 is longer than 1048576 bytes (1 MiB) → keep big files out of the configuration: a container image, a ConfigMap or a download in runcmd',
  ],
  [
    'no first line',
    Buffer.from('hostname: node\n'),
    '1:1 the first line must be #cloud-config → cloud-init takes other files for something else',
  ],
  [
    'no first line, and other mistakes',
    Buffer.from('hostnam: node\natoll: {role: agent}\n'),
    [
      '1:1 the first line must be #cloud-config → cloud-init takes other files for something else',
      '1:1 hostnam unknown key "hostnam" → did you mean "hostname"?',
      '2:15 atoll.role an agent needs the server it joins → add server: https://ADDRESS:6443',
      '2:15 atoll.role an agent needs a token to join with → add token: (on the server: cat /var/lib/atoll/server/node-token) or token-file:',
    ].join('\n'),
  ],
  [
    'the first line later',
    Buffer.from('\n#cloud-config\nhostname: node\n'),
    '1:1 the first line must be #cloud-config, which is in line 2 → move it to the top',
  ],
  [
    'the first line with a space',
    Buffer.from('# cloud-config\nhostname: node\n'),
    '1:1 the first line must be exactly #cloud-config → small letters, without spaces',
  ],
  [
    'the first line in capitals',
    Buffer.from('#Cloud-Config\nhostname: node\n'),
    '1:1 the first line must be exactly #cloud-config → small letters, without spaces',
  ],
  [
    'a script',
    Buffer.from('#!/bin/sh\necho\n'),
    '1:1 is a script → write a #cloud-config: scripts belong into runcmd or bootcmd',
  ],
  [
    'a boot hook',
    Buffer.from('#cloud-boothook\necho\n'),
    '1:1 is a boot hook → write a #cloud-config: scripts belong into runcmd or bootcmd',
  ],
  [
    'includes',
    Buffer.from('#include\nhttps://example.org\n'),
    '1:1 is a list of URLs to include → write a #cloud-config, or give its URL on the kernel command line: atoll.config=<url>',
  ],
  [
    'an archive',
    Buffer.from('#cloud-config-archive\n- a\n'),
    '1:1 is an archive of several configurations → write one #cloud-config',
  ],
  [
    'a part handler',
    Buffer.from('#part-handler\n'),
    '1:1 is a part handler → write a #cloud-config: scripts belong into runcmd or bootcmd',
  ],
  [
    'a template',
    Buffer.from('## template: jinja\n#cloud-config\n'),
    '1:1 is a template → write what it comes to: nothing is filled in',
  ],
  [
    'MIME parts',
    Buffer.from('Content-Type: multipart/mixed; boundary="x"\n'),
    '1:1 is a MIME message of several parts → write one #cloud-config',
  ],
  [
    'Ignition',
    Buffer.from('{"ignition": {"version": "3.0.0"}}'),
    '1:1 is an Ignition configuration → write a #cloud-config',
  ],
  [
    'brackets without end',
    Buffer.from(`#cloud-config\na: ${'['.repeat(500_000)}`),
    '2:131 is nested deeper than 64 levels',
  ],
  [
    'braces without end',
    Buffer.from(`#cloud-config\na: ${'{a: '.repeat(200_000)}`),
    '2:509 is nested deeper than 64 levels',
  ],
  [
    'dashes without end',
    Buffer.from(`#cloud-config\n${'- '.repeat(500_000)}`),
    '2:256 is nested deeper than 64 levels',
  ],
  [
    'lines deeper and deeper',
    Buffer.from(`#cloud-config\n${lines(300, i => `${' '.repeat(i)}a:\n`)}`),
    '129:129 is nested deeper than 64 levels',
  ],
  ['a billion laughs', Buffer.from(bomb), '6:7 comes to more than 20000 values or 4 MiB when its anchors are expanded'],
  [
    'long text, often',
    Buffer.from(`#cloud-config\na: &a ${'x'.repeat(500_000)}\nb: [${'*a, '.repeat(20)}]\n`),
    '3:4 comes to more than 20000 values or 4 MiB when its anchors are expanded',
  ],
  [
    'anchors in anchors',
    Buffer.from(`#cloud-config\na0: &a0 []\n${lines(80, i => `a${i + 1}: &a${i + 1} [*a${i}]\n`)}`),
    '66:11 is nested deeper than 64 levels',
  ],
  [
    'many keys',
    Buffer.from(`#cloud-config\n${lines(21_000, i => `k${i}: 1\n`)}`),
    '14287:7 is too long: too many lines and values → keep a configuration to some thousand lines',
  ],
  [
    'many lines',
    Buffer.from(`#cloud-config\n${'#\n'.repeat(500_000)}`),
    '50001:1 is too long: too many lines and values → keep a configuration to some thousand lines',
  ],
  [
    'many documents',
    Buffer.from(`#cloud-config\n${'---\na: b\n'.repeat(1000)}`),
    '4:1 holds a second document: a configuration is one → remove the line "---" and everything under it, or put it into the first',
  ],
];
