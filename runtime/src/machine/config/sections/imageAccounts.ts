/**
 * Users and groups that every image has: Debian's base-passwd, what systemd and the SSH server bring (rootfs/ids.yaml). An image may
 * have more, which only a machine that runs it knows.
 */
const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

export const imageUsers = words(
  'root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc _apt nobody messagebus sshd systemd-network systemd-timesync systemd-resolve systemd-journal',
);
export const imageGroups = words(
  'root daemon bin sys adm tty disk lp mail news uucp man proxy kmem dialout fax voice cdrom floppy tape sudo audio dip www-data backup operator list irc src shadow utmp video sasl plugdev staff games users nogroup messagebus systemd-network systemd-timesync systemd-resolve systemd-journal input kvm render netdev',
);
