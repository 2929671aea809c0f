#!/usr/bin/env bash
# Sets up a fresh Debian 12/13 or Ubuntu machine (amd64 or arm64) for building and testing Atoll: Debian packages, Node.js 20, npm packages, the native
# SQLite module. Says what it does, does nothing twice, needs no answers. Root, or a user with sudo.
#
#   builder/setup.sh            set up; prints nothing when there is nothing to do
#   builder/setup.sh --path     prints the directories to put before PATH (Node.js 20, where the system's is another)
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${ATOLL_CACHE:-${HOME:-/root}/.cache/atoll}
node_home=$cache/node20

has_node20() { [ "$("$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null)" = 20 ]; }
if has_node20 node; then node_bin=""; else node_bin=$node_home/bin; fi
if [ "${1:-}" = --path ]; then
  [ -z "$node_bin" ] || printf '%s:' "$node_bin"
  exit 0
fi

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@" || sudo "$@"; fi; }

# As builder/src/build-host.ts has it: of the programs, whatever the kernel is.
machine=$(dpkg --print-architecture 2>/dev/null || uname -m)
case $machine in
  amd64 | x86_64) arch=x64 ;;
  arm64 | aarch64) arch=arm64 ;;
  armhf | armv7l) fail "images cannot be built on $machine: Debian 13 has no compilers for x86_64 and ARM64 that run there. Use a machine of amd64 or arm64." ;;
  *) fail "images are built on amd64 or arm64; $machine was not tried." ;;
esac

# --- Debian packages ------------------------------------------------------------------------------------------------------------
packages=(make g++ python3 ca-certificates git mmdebstrap bubblewrap bmap-tools debian-archive-keyring zstd xz-utils e2fsprogs openssl iproute2 nftables kmod openssh-client)
if [ ! -x "$node_home/bin/npm" ]; then packages+=(npm); fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
# npm may come with another packaging of Node.js; having the command is enough.
if command -v npm >/dev/null; then missing=("${missing[@]/npm/}"); fi
read -ra missing <<<"${missing[*]:-}"
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "apt-get is not here: this is made for Debian 12/13 and Ubuntu. Install by hand: ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  log=$(mktemp)
  if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    fail "apt-get failed (above). Check the network and the package sources, then run this again."
  fi
  rm -f "$log"
fi

# --- Node.js 20 -------------------------------------------------------------------------------------------------------------------
if ! has_node20 node && ! has_node20 "$node_home/bin/node"; then
  say "installing Node.js 20 from the npm registry into $node_home"
  rm -rf "$node_home.new" && mkdir -p "$node_home.new"
  npm install --silent --no-save --ignore-scripts --prefix "$node_home.new" "node-linux-$arch@20" npm@11 >&2 || fail "npm could not fetch Node.js 20"
  mkdir -p "$node_home.new/bin"
  ln -s "../node_modules/node-linux-$arch/bin/node" "$node_home.new/bin/node"
  ln -s "../node_modules/npm/bin/npm-cli.js" "$node_home.new/bin/npm"
  ln -s "../node_modules/npm/bin/npx-cli.js" "$node_home.new/bin/npx"
  ln -s "node_modules/node-linux-$arch/include" "$node_home.new/include"
  rm -rf "$node_home" && mv "$node_home.new" "$node_home"
fi
[ -z "$node_bin" ] || export PATH="$node_bin:$PATH"

# --- npm packages -----------------------------------------------------------------------------------------------------------------
stamp=node_modules/.atoll-$(sha256sum package-lock.json package.json */package.json | sha256sum | cut -c1-16)
if [ ! -e "$stamp" ]; then
  say "installing npm packages"
  # Not `npm ci`: it refuses a lock file without the optional packages of other platforms, which not every registry mirror carries.
  npm install --silent --no-save --ignore-scripts >&2 || fail "npm install failed: check the network, then run this again"
fi

# --- the SQLite module for this machine (the image's own is built by the builder) -------------------------------------------------------
native=node_modules/better-sqlite3/build/Release/better_sqlite3.node
loads() { node -e 'new (require("better-sqlite3"))(":memory:").close()' 2>/dev/null; }
if ! loads; then
  version=$(node -p 'require("better-sqlite3/package.json").version')
  abi=$(node -p 'process.versions.modules + "-" + process.arch')
  kept=$cache/native/better_sqlite3-$version-node$abi-$(getconf GNU_LIBC_VERSION | tr ' ' -).node
  if [ -f "$kept" ]; then
    mkdir -p "$(dirname $native)" && cp "$kept" $native
  fi
  if ! loads; then
    node_include=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
    [ -f "$node_include/include/node/node_version.h" ] || { say "installing Node.js' headers"; as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libnode-dev >&2; }
    say "compiling better-sqlite3 $version (a minute, once a machine)"
    log=$(mktemp)
    # node-gyp silences GCC's warnings of SQLite, but GCC still looks for them: a third of the time.
    (cd node_modules/better-sqlite3 && CFLAGS='-Wno-all -Wno-extra' ../.bin/node-gyp rebuild --release --jobs 2 --nodedir="$node_include") >"$log" 2>&1 || { tail -20 "$log" >&2; fail "better-sqlite3 did not compile (above)"; }
    rm -f "$log"
    mkdir -p "$(dirname "$kept")" && cp "$native" "$kept.$$" && mv "$kept.$$" "$kept"
    loads || fail "better-sqlite3 compiled but does not load"
  fi
fi
touch "$stamp"
