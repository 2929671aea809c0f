#!/usr/bin/env bash
# Lets this machine run programs of other architectures (binfmt_misc with QEMU's user mode), for the tests that install Debian's packages with all
# their scripts. Building images needs none of it. Says what it does, does nothing twice. Root, or a user with sudo.
#
#   builder/emulation.sh qemu-aarch64 qemu-arm
set -euo pipefail

say() { printf 'emulation: %s\n' "$*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@" || sudo "$@"; fi; }
registered=/proc/sys/fs/binfmt_misc

[ -e $registered/register ] || as_root mount -t binfmt_misc binfmt_misc $registered
# mmdebstrap asks it what can be run.
if ! command -v arch-test >/dev/null; then
  say 'installing arch-test'
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends arch-test >/dev/null
fi
for name in "$@"; do
  [ "$name" != "qemu-$(uname -m)" ] || continue # its own
  [ ! -e "$registered/$name" ] || continue
  if [ ! -e "/usr/lib/binfmt.d/$name.conf" ]; then
    say 'installing qemu-user-static'
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-user-static >/dev/null
  fi
  # systemd has done it, unless there is none, as in containers. Debian 13 has the file in another package.
  [ -e "$registered/$name" ] || as_root sh -c "cat /usr/lib/binfmt.d/$name.conf > $registered/register"
  say "programs for ${name#qemu-} run here now"
done
