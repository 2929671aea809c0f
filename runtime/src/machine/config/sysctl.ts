/**
 * Names of kernel parameters, as sysctl.d(5) has them: dots between the parts, and a slash for a dot within one (`net.ipv4.conf.eth0/7.rp_filter`
 * is of the interface `eth0.7`); or, when the first separator is a slash, the path below /proc/sys as it is.
 */

const swapped = (name: string): string => name.replace(/[./]/g, separator => (separator === '.' ? '/' : '.'));

/** Either way of writing it → the one with dots. */
export const dottedSysctl = (given: string): string => (given[given.search(/[./]/)] === '/' ? swapped(given) : given);

/** Its file below /proc/sys. @param name with dots */
export const sysctlPath = (name: string): string => swapped(name);
