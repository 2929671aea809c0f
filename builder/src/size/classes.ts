/** What a file of the root is, by its path. The first pattern that fits decides. */
const classes: readonly [name: string, pattern: RegExp][] = [
  ['kernel modules', /^usr\/lib\/modules\//],
  ['firmware', /^usr\/lib\/firmware\//],
  ['container images', /^usr\/lib\/atoll\/images\.(tar|list)$/],
  ['V8 code cache', /\.cache$/],
  ['JavaScript', /\.js$/],
  ['native modules of Node.js', /\.node$/],
  ['shared libraries', /\.so(\.[\w.]+)?$/],
  ['time zones', /^usr\/share\/zoneinfo\//],
  ['certificates', /\.(pem|crt)$/],
  ['locale', /^usr\/(lib|share)\/locale\//],
  [
    'programs',
    /^usr\/(bin|sbin|libexec|lib\/cni)\/|^usr\/lib\/systemd\/systemd[^/]*$|^usr\/lib\/(udev|dbus-1\.0|systemd\/system-generators)\/[^.]+$/,
  ],
  [
    'units and configuration',
    /^(etc|usr\/lib\/(systemd|udev|tmpfiles\.d|sysctl\.d|modprobe\.d|repart\.d|atoll))\/|\.(conf|rules)$/,
  ],
];

export const classOf = (path: string): string => classes.find(([, pattern]) => pattern.test(path))?.[0] ?? 'other data';
