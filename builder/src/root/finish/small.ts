/** The finishing steps that are a few lines each. */
import { BuildError } from '../../errors.ts';
import { osReleasePath } from '../../os-release.ts';
import type { FinishingStep } from './step.ts';

export const skeleton: FinishingStep = {
  name: 'skeleton',
  why: 'base-files’ postinst: mount points; and the merged-/usr links',
  apply(tree) {
    const origin = 'skeleton';
    for (const path of [
      'boot',
      'dev',
      'efi',
      'media',
      'mnt',
      'opt',
      'proc',
      'run',
      'srv',
      'sys',
      'tmp',
      'var',
      'var/lib',
    ]) {
      if (!tree.has(path)) tree.directory(path, { origin });
    }
    for (const name of ['bin', 'sbin', 'lib', 'lib64'])
      if (!tree.has(name) && tree.has(`usr/${name}`)) tree.symlink(name, `usr/${name}`, { origin });
    tree.remove('root');
    tree.symlink('root', 'var/roothome', { origin });
  },
};

export const identity: FinishingStep = {
  name: 'identity',
  why: 'machine-id is made on the device; hostname is the configuration’s; os-release comes last of all (`os-release.ts`)',
  apply(tree) {
    const origin = 'identity';
    tree.file('etc/machine-id', '', { mode: 0o444, origin });
    tree.file('etc/hostname', 'atoll\n', { origin });
    tree.file('etc/hosts', '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 atoll\n', {
      origin,
    });
    tree.remove('etc/os-release');
    tree.remove(osReleasePath);
    tree.symlink('etc/os-release', `../${osReleasePath}`, { origin });
    for (const path of ['etc/issue', 'etc/issue.net', 'etc/motd', 'etc/debian_version']) tree.remove(path);
  },
};

export const nameService: FinishingStep = {
  name: 'name-service',
  why: 'libc-bin’s and base-files’ postinst: nsswitch.conf; resolv.conf and mtab are links into the running system',
  apply(tree) {
    const origin = 'name-service';
    const lines = [
      'passwd: files',
      'group: files',
      'shadow: files',
      'gshadow: files',
      'hosts: files dns',
      'networks: files',
    ];
    const databases = ['protocols', 'services', 'ethers', 'rpc'].map(name => `${name}: files`);
    tree.file('etc/nsswitch.conf', `${[...lines, ...databases].join('\n')}\n`, { origin });
    tree.remove('etc/resolv.conf');
    tree.symlink('etc/resolv.conf', '/run/atoll/resolv.conf', { origin });
    tree.symlink('etc/mtab', '/proc/self/mounts', { origin });
  },
};

export const certificates: FinishingStep = {
  name: 'certificates',
  why: 'update-ca-certificates: one bundle of all authorities; the single files are not kept',
  async apply(tree) {
    const sources = tree.match('/usr/share/ca-certificates/**/*.crt');
    if (sources.length < 50)
      throw new BuildError('ROOT_INCONSISTENT', `only ${sources.length} certificate authorities in ca-certificates`);
    const parts = await Promise.all(sources.map(async node => `${(await tree.text(node.path)).trimEnd()}\n`));
    tree.file('etc/ssl/certs/ca-certificates.crt', parts.join(''), { origin: 'certificates' });
    tree.symlink('usr/lib/ssl/cert.pem', '/etc/ssl/certs/ca-certificates.crt', { origin: 'certificates' });
    tree.remove('usr/share/ca-certificates');
  },
};

export const iptablesLinks: FinishingStep = {
  name: 'iptables',
  why: 'iptables’ postinst: update-alternatives chooses the nftables variant',
  apply(tree) {
    for (const family of ['iptables', 'ip6tables']) {
      for (const suffix of ['', '-save', '-restore']) {
        tree.symlink(`usr/sbin/${family}${suffix}`, 'xtables-nft-multi', { origin: 'iptables' });
      }
    }
  },
};

export const regulatoryLinks: FinishingStep = {
  name: 'wireless-regdb',
  why: 'wireless-regdb’s postinst: update-alternatives chooses what Debian signed, which is whom its kernels believe',
  apply(tree) {
    for (const name of ['regulatory.db', 'regulatory.db.p7s']) {
      if (!tree.has(`usr/lib/firmware/${name}-debian`)) continue;
      tree.symlink(`usr/lib/firmware/${name}`, `${name}-debian`, { origin: 'wireless-regdb' });
      tree.remove(`usr/lib/firmware/${name}-upstream`);
    }
  },
};

export const busyboxApplets: FinishingStep = {
  name: 'busybox',
  why: 'bash, coreutils and friends are left out: busybox stands in wherever no package has the command',
  apply(tree, { applets }) {
    const omitted = new Set([
      'init',
      'linuxrc',
      'halt',
      'poweroff',
      'reboot',
      'login',
      'su',
      'passwd',
      'getty',
      'telnet',
      'ftpget',
      'ftpput',
      'dpkg',
      'dpkg-deb',
      'rpm',
      'start-stop-daemon',
      'run-init',
      'ash',
      'syslogd',
      'logread',
      'klogd',
      'udhcpc',
      'udhcpd',
      'mdev',
      'adduser',
      'addgroup',
      'deluser',
      'delgroup',
      'httpd',
      'dnsd',
      'ntpd',
      'svc',
      'svok',
    ]);
    if (!applets.some(path => path.endsWith('/sh'))) throw new BuildError('ROOT_INCONSISTENT', 'busybox has no shell');
    for (const path of applets) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const place = `usr/${path.replace(/^usr\//, '')}`;
      const elsewhere = ['usr/bin', 'usr/sbin'].some(folder => tree.has(`${folder}/${name}`));
      if (!omitted.has(name) && !elsewhere)
        tree.symlink(place, place.startsWith('usr/sbin') ? '../bin/busybox' : 'busybox', { origin: 'busybox' });
    }
  },
};

export const clock: FinishingStep = {
  name: 'clock',
  why: 'systemd moves the clock forward to this file’s time: it never runs behind the image’s build (systemd-timesyncd.service(8))',
  apply(tree) {
    tree.file('usr/lib/clock-epoch', '', { origin: 'clock' });
  },
};

export const emptyVar: FinishingStep = {
  name: 'empty-var',
  why: '/var is the data partition: what packages ship in it would be hidden; tmpfiles.d makes what is needed',
  apply(tree, { dropped }) {
    const removed = tree.children('var').flatMap(node => tree.remove(node.path));
    dropped.set(
      'empty-var',
      removed.map(node => `/${node.path}`),
    );
  },
};
