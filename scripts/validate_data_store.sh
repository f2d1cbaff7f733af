#!/usr/bin/env bash
# Looks whether the tables of the stores fit together, and exits with 1 where they do not: the operators' name of
# `oes store audit`. Takes its flags (-c FILE, -a ACCOUNT, -l ROWS, -j FILE) and works from any folder.
set -euo pipefail

# The folder of this script, with symbolic links followed (`readlink -f` is missing on some systems).
script=${BASH_SOURCE[0]}
while [[ -L $script ]]; do
  folder=$(cd -P "$(dirname "$script")" && pwd)
  script=$(readlink "$script")
  [[ $script == /* ]] || script=$folder/$script
done

exec "$(cd -P "$(dirname "$script")" && pwd)/oes" store audit "$@"
