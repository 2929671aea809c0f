/**
 * A whole guest in one boot sector, for testing machines without a built image: it boots in 0.2 s.
 *
 * It prints `atoll test guest`, then answers each character on the serial line with its counter (a character, `0` at first) and
 * a newline: `w` writes the counter to sector 1 of the disk, `r` reads it back from there, anything else counts up. So memory
 * and disk can be told apart after a snapshot, a reset or a power cut.
 *
 * The source (GNU as, `as --32`, `ld -Ttext 0x7c00 --oformat binary`):
 * ```
 * .code16
 * .globl _start
 * _start:
 *   cli
 *   xor %ax,%ax
 *   mov %ax,%ds
 *   mov %ax,%es
 *   mov %ax,%ss
 *   mov $0x7c00,%sp
 *   mov %dl,drive
 *   sti
 *   mov $hello,%si
 * 1: lodsb
 *   test %al,%al
 *   jz next
 *   call put
 *   jmp 1b
 * next:            # one command a character
 *   call get
 *   cmp $'w',%al
 *   je write
 *   cmp $'r',%al
 *   je read
 *   incb count     # any other: count it in memory, show the count
 * show:
 *   movb count,%al
 *   call put
 *   mov $'\n',%al
 *   call put
 *   jmp next
 * write:           # count -> sector 1
 *   movb count,%al
 *   movb %al,0x8000
 *   mov $0x0301,%ax
 *   jmp disk
 * read:            # sector 1 -> count
 *   mov $0x0201,%ax
 * disk:
 *   push %ax
 *   mov $0x8000,%bx
 *   mov $2,%cx     # cylinder 0, sector 2 (counted from 1)
 *   movb drive,%dl
 *   xor %dh,%dh
 *   int $0x13
 *   pop %ax
 *   movb 0x8000,%al
 *   movb %al,count
 *   jmp show
 * put:             # AL to COM1
 *   push %ax
 *   mov $0x3fd,%dx
 * 2: in %dx,%al
 *   test $0x20,%al
 *   jz 2b
 *   pop %ax
 *   mov $0x3f8,%dx
 *   out %al,%dx
 *   ret
 * get:             # AL from COM1
 *   mov $0x3fd,%dx
 * 3: in %dx,%al
 *   test $1,%al
 *   jz 3b
 *   mov $0x3f8,%dx
 *   in %dx,%al
 *   ret
 * drive: .byte 0
 * count: .byte '0'
 * hello: .asciz "atoll test guest\n"
 * .org 510
 * .word 0xaa55
 * ```
 */
const code = [
  'fa31c08ed88ec08ed0bc007c88167c7cfbbe7e7cac84c07405e84400ebf6e84e003c7774153c72741cfe067d7ca07d7c',
  'e82d00b00ae82800ebe4a07d7ca20080b80103eb03b8010250bb0080b902008a167c7c30f6cd1358a00080a27d7cebcd',
  '50bafd03eca82074fb58baf803eec3bafd03eca80174fbbaf803ecc3003061746f6c6c20746573742067756573740a00',
].join('');

/** What the guest prints when it has booted. */
export const greeting = /atoll test guest\n/;

/** A 1 MiB disk image that boots with BIOS firmware. */
export function testGuestDisk(): Buffer {
  const image = Buffer.alloc(1024 * 1024);
  image.write(code, 'hex');
  image.writeUInt16LE(0xaa55, 510);
  return image;
}
