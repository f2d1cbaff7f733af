#!/usr/bin/env bash
# Runs everything that can be checked: types, lint, all tests. Needs nothing but npm on a fresh clone; what is missing is
# installed. Ends with the summary of the test runner; the exit status is 0 where everything holds.
set -euo pipefail

root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/dependencies.sh
source "$root/scripts/dependencies.sh"
cd "$root"

need_packages

# Tests of stores and the comparison of the benchmarks use real servers, which they start themselves: databases, alone and
# in a cluster, whose nodes copy each other with rsync and look for each other's ports. Tests of encrypted connections make
# their certificates with openssl, and the console is tested in a real browser. Where something cannot be had, the tests that
# need it fail and say so: the rest is worth running all the same.
missing=()
is_there() { command -v "$1" >/dev/null || [[ -x /usr/sbin/$1 ]]; }
{ is_there mariadbd && is_there mariadb-install-db; } || missing+=(mariadb-server)
[[ -e /usr/lib/galera/libgalera_smm.so ]] || missing+=(galera-4)
is_there rsync || missing+=(rsync)
is_there ss || missing+=(iproute2)
is_there redis-server || missing+=(redis-server)
is_there openssl || missing+=(openssl)
is_there chromium || missing+=(chromium)
if ((${#missing[@]} > 0)) && ! need_system_packages "${missing[@]}"; then
  say 'Going on; tests that need one which is missing will fail or be skipped.'
fi

# A file is not for colours, whatever the linter thinks of CI=true.
lint_options=()
[[ -t 1 ]] || lint_options=(-- --colors=off)

# One run tells everything: a failure of one part does not hide those of the next.
failed=()
printf '\n── types ──\n'
"$node" --run types </dev/null || failed+=(types)
printf '\n── lint ──\n'
"$node" --run lint ${lint_options[@]+"${lint_options[@]}"} </dev/null || failed+=(lint)
# The summary of the tests stays the last thing on the page, so what failed before is told before.
((${#failed[@]} == 0)) || printf '\nfailed so far: %s\n' "${failed[*]}"
printf '\n── tests ──\n'
"$node" --run test </dev/null || failed+=(test)
((${#failed[@]} == 0))
