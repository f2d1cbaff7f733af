#!/usr/bin/env bash
# Shows the server at work, on loopback and in a temporary folder: starts it, trades with several accounts, kills it
# without warning in the middle of the load, starts it again, and proves that nothing acknowledged was lost and nothing
# doubled. Exits 0 where that holds, otherwise with a sentence.
set -euo pipefail

root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/dependencies.sh
source "$root/scripts/dependencies.sh"

need_packages
exec "$node" "$root/scripts/demo/demo.ts" "$@" </dev/null
