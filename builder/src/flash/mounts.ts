/** Which device a file is on. */
import { readFile, realpath, stat } from 'node:fs/promises';

/** `dev` of stat(2) as major:minor. */
export const deviceNumber = (dev: number): string =>
  `${Math.floor(dev / 256) % 4096}:${(dev % 256) + Math.floor(dev / 2 ** 20) * 256}`;

/** What of a file system that is on no device by its number, as btrfs, which may be on several. */
const anonymous = /^0:/;

const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/**
 * What is mounted where a path is: `/dev/sdb1`; of tmpfs and the like a word.
 * @param path absolute, without links
 * @param table of /proc/<pid>/mountinfo (proc_pid_mountinfo(5))
 */
export function mountSource(path: string, table: string): string | undefined {
  let [found, length]: [string | undefined, number] = [undefined, 0];
  for (const line of table.split('\n')) {
    const [own = '', after = ''] = line.split(' - ');
    const point = unescaped(own.split(' ')[4] ?? '');
    const isAbove = point === '/' || path === point || path.startsWith(`${point}/`);
    // The last of those on one folder is on top.
    if (point === '' || !isAbove || point.length < length) continue;
    [found, length] = [unescaped(after.split(' ')[1] ?? ''), point.length];
  }
  return found;
}

/** @returns the number of the device a file is on, `8:17`; empty where it is on none, or there is no such file. */
export async function deviceOf(file: string): Promise<string> {
  try {
    const number = deviceNumber((await stat(file)).dev);
    if (!anonymous.test(number)) return number;
    const source = mountSource(await realpath(file), await readFile('/proc/self/mountinfo', 'utf8'));
    if (!source?.startsWith('/dev/')) return '';
    return deviceNumber((await stat(source)).rdev);
  } catch {
    return '';
  }
}
