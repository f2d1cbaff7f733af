# Sourced by the other scripts: the packages of package-lock.json, the Node that comes along with them, and packages of
# the system. Expects $root; `need_packages` leaves the Node to use in $node.
# shellcheck shell=bash

node_major_min=24

say() { printf '%s\n' "$*" >&2; }

# True where node_modules is what package-lock.json asks for.
packages_are_there() {
  [[ -e $root/node_modules/.package-lock.json && ! $root/node_modules/.package-lock.json -ot $root/package-lock.json ]]
}

# Installs the packages where they are missing or older than package-lock.json, and finds Node.
need_packages() {
  if ! packages_are_there; then
    if ! command -v npm >/dev/null; then
      say "npm is missing: install Node.js $node_major_min or newer with npm, for example from https://nodejs.org."
      return 1
    fi
    say 'Installing packages (npm ci) …'
    # Any Node that runs npm will do here; the one the server runs on is among the packages.
    (cd "$root" && npm ci --no-audit --no-fund --loglevel=error </dev/null >&2) || {
      say 'npm ci failed; see above.'
      return 1
    }
  fi
  # The Node that comes along is put in place by an install script, which npm may have been told to leave out.
  if [[ -d $root/node_modules/node && ! -x $root/node_modules/.bin/node ]]; then
    (cd "$root" && npm rebuild node --ignore-scripts=false --loglevel=error </dev/null >&2) ||
      say 'The Node that comes with the packages could not be put in place; trying the one on the PATH.'
  fi
  find_node
}

# Leaves in $node the Node that came with the packages, else the one on the PATH; says clearly where neither will do.
find_node() {
  node=$root/node_modules/.bin/node
  if ! "$node" --version >/dev/null 2>&1; then
    node=$(command -v node || true)
  fi
  if [[ -z $node ]]; then
    say "There is no Node.js: neither in $root/node_modules nor on the PATH."
    return 1
  fi
  local version major
  version=$("$node" --version)
  major=${version#v}
  major=${major%%.*}
  if ((major < node_major_min)); then
    say "$node is $version, but Node.js $node_major_min or newer is needed."
    say "Install a newer one, or let npm put one in place: 'npm rebuild node --ignore-scripts=false' in $root."
    return 1
  fi
  # What is started from here finds the same one first.
  PATH=$(dirname "$node"):$root/node_modules/.bin:$PATH
  export PATH
}

# Installs the given packages of the system where they are missing; false, and a sentence, where that cannot be done.
# Servers among them are not started as services of the system.
need_system_packages() {
  local manual="install by hand: $*"
  if ! command -v apt-get >/dev/null; then
    say "This system has no apt-get; $manual"
    return 1
  fi
  if [[ $(id -u) != 0 ]]; then
    say "Only root can install packages of the system; $manual"
    return 1
  fi
  say "Installing $* …"
  # This file, while it is there, keeps packages from starting services.
  local policy=/usr/sbin/policy-rc.d is_ours=0 status=0
  if [[ ! -e $policy ]] && printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"; then is_ours=1; fi
  (
    ((is_ours == 0)) || trap 'rm -f "$policy"' EXIT
    install_packages "$@"
  ) || status=$?
  ((status == 0)) || say "apt-get could not install them; $manual"
  return "$status"
}

install_packages() {
  local -a install=(apt-get install -y -qq --no-install-recommends "$@")
  export DEBIAN_FRONTEND=noninteractive
  # The lists of packages may be missing or old: then they are fetched, and it is tried once more.
  "${install[@]}" </dev/null >/dev/null 2>&1 && return 0
  apt-get update -qq </dev/null >&2 && "${install[@]}" </dev/null >&2
}
