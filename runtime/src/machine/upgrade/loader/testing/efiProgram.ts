/**
 * A program for UEFI on x86_64, made of nothing: it prints one line, and restarts the machine or switches it off. With the sections of a
 * unified kernel image it is one, as far as boot loaders and `readUki` look. Sources: Microsoft's PE format; UEFI 2.10, "Calling
 * Conventions" for x64 and the tables in chapter 4.
 */

export interface EfiProgram {
  /** Printed with a line end. */
  readonly says: string;
  readonly ending: 'restart' | 'power-off';
  /** Besides `.text`: `.cmdline`, `.osrel`. */
  readonly sections?: Readonly<Record<string, string>>;
  /** Zeros behind it, so that it is as large as a kernel is. */
  readonly paddingBytes?: number;
}

const ALIGNMENT = 4096;
const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** A kernel of Atoll that says `slot … <version>`. */
export function testUki(options: {
  readonly version: string;
  readonly roothash: string;
  readonly says?: string;
  readonly ending?: EfiProgram['ending'];
  readonly paddingBytes?: number;
}): Buffer {
  const { version, roothash, says = `kernel of ${version}`, ending = 'restart', paddingBytes = 0 } = options;
  return efiProgram({
    says,
    ending,
    paddingBytes,
    sections: {
      '.osrel': `ID=atoll\nNAME=Atoll\nPRETTY_NAME="Atoll ${version}"\nVERSION_ID=${version}\nIMAGE_ID=vm-x86_64\nIMAGE_VERSION=${version}\n`,
      '.cmdline': `console=ttyS0 atoll.roothash=${roothash} atoll.blocks=1`,
    },
  });
}

export function efiProgram({ says, ending, sections = {}, paddingBytes = 0 }: EfiProgram): Buffer {
  const contents: [string, Buffer][] = [
    ['.text', code(says, ending)],
    ...Object.entries(sections).map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]),
    ...(paddingBytes > 0 ? [['.linux', pattern(paddingBytes)] satisfies [string, Buffer]] : []),
  ];
  const headers = Buffer.alloc(ALIGNMENT);
  headers.write('MZ', 0, 'latin1');
  headers.writeUInt32LE(64, 60);
  headers.write('PE\0\0', 64, 'latin1');
  headers.writeUInt16LE(0x8664, 68); // x86_64
  headers.writeUInt16LE(contents.length, 70);
  headers.writeUInt16LE(240, 84); // optional header
  headers.writeUInt16LE(0x0022, 86); // executable, large addresses
  const optional = 88;
  headers.writeUInt16LE(0x20b, optional); // PE32+
  headers.writeUInt32LE(ALIGNMENT, optional + 16); // entry point
  headers.writeUInt32LE(ALIGNMENT, optional + 20); // base of code
  headers.writeUInt32LE(ALIGNMENT, optional + 32); // section alignment
  headers.writeUInt32LE(ALIGNMENT, optional + 36); // file alignment
  headers.writeUInt32LE(ALIGNMENT, optional + 60); // size of headers
  headers.writeUInt16LE(10, optional + 68); // EFI application
  headers.writeUInt32LE(16, optional + 108); // data directories
  let place = ALIGNMENT;
  const parts: Buffer[] = [headers];
  for (const [index, [name, content]] of contents.entries()) {
    const row = optional + 240 + index * 40;
    const size = aligned(content.length);
    headers.write(name, row, 8, 'latin1');
    headers.writeUInt32LE(content.length, row + 8);
    headers.writeUInt32LE(place, row + 12);
    headers.writeUInt32LE(size, row + 16);
    headers.writeUInt32LE(place, row + 20);
    headers.writeUInt32LE(name === '.text' ? 0x60000020 : 0x40000040, row + 36);
    parts.push(content, Buffer.alloc(size - content.length));
    place += size;
  }
  headers.writeUInt32LE(place, optional + 56); // size of image
  return Buffer.concat(parts);
}

/** Bytes that tell where they are: a piece in the wrong place shows. */
function pattern(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) buffer.writeUInt32LE((at * 2654435761) >>> 0, at);
  return buffer;
}

function code(says: string, ending: EfiProgram['ending']): Buffer {
  const before = [
    ...[0x48, 0x83, 0xec, 0x28], // sub rsp, 40
    ...[0x48, 0x89, 0xd3], // mov rbx, rdx: the system table
    ...[0x48, 0x8b, 0x4b, 0x40], // mov rcx, [rbx+64]: ConOut
  ];
  const lea = [0x48, 0x8d, 0x15]; // lea rdx, [rip+…]
  const after = [
    ...[0xff, 0x51, 0x08], // call [rcx+8]: OutputString
    ...[0x48, 0x8b, 0x43, 0x58], // mov rax, [rbx+88]: RuntimeServices
    ...[0xb9, ending === 'restart' ? 0 : 2, 0, 0, 0], // mov ecx, EfiResetCold | EfiResetShutdown
    ...[0x31, 0xd2, 0x45, 0x31, 0xc0, 0x45, 0x31, 0xc9], // no status, no data
    ...[0xff, 0x50, 0x68], // call [rax+104]: ResetSystem
    ...[0xeb, 0xfe], // never comes here
  ];
  const distance = Buffer.alloc(4);
  distance.writeUInt32LE(after.length);
  return Buffer.concat([
    Buffer.from([...before, ...lea]),
    distance,
    Buffer.from(after),
    Buffer.from(`${says}\r\n\0`, 'utf16le'),
  ]);
}
