#!/usr/bin/env bash
# Cancels many orders and waits for their ends: the operators' name of `oes cancel-all`. Takes its flags (--config,
# --scope or --region, --account, --group, --order, --begin, --end, --connections, --message, --dry-run, --force) and
# works from any folder.
set -euo pipefail

# The folder of this script, with symbolic links followed (`readlink -f` is missing on some systems).
script=${BASH_SOURCE[0]}
while [[ -L $script ]]; do
  folder=$(cd -P "$(dirname "$script")" && pwd)
  script=$(readlink "$script")
  [[ $script == /* ]] || script=$folder/$script
done

exec "$(cd -P "$(dirname "$script")" && pwd)/oes" cancel-all "$@"
