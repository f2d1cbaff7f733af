#!/usr/bin/env bash
# Tells whether the server of this folder runs: by the exit status, and in words where asked for. Changes nothing.
set -euo pipefail

# The folder of this script, with symbolic links followed (`readlink -f` is missing on some systems).
script=${BASH_SOURCE[0]}
while [[ -L $script ]]; do
  folder=$(cd -P "$(dirname "$script")" && pwd)
  script=$(readlink "$script")
  [[ $script == /* ]] || script=$folder/$script
done
scripts=$(cd -P "$(dirname "$script")" && pwd)
# shellcheck source=scripts/instance.sh
source "$scripts/instance.sh"

usage() {
  cat <<END
Usage: check.sh [-a] [-f] [-d FOLDER]
Tells whether the $app of this folder runs: exit status 0 where it does, 1 where it does not.

  -a  say so where it runs, and nothing where it does not
  -f  say so either way
  -d, --directory FOLDER
      the folder of the instance; this one where absent
  -h  this text
Without a flag, it speaks only where the server does not run.
END
  exit 0
}

says_running=0
says_stopped=1
is_full=0
directory=.
while (($# > 0)); do
  case $1 in
    -a) says_running=1 says_stopped=0 ;;
    -f) is_full=1 ;;
    -af | -fa) is_full=1 ;;
    -d | --directory)
      (($# > 1)) || usage
      directory=$2
      shift
      ;;
    --directory=*) directory=${1#*=} ;;
    *) usage ;;
  esac
  shift
done
if ((is_full)); then says_running=1 says_stopped=1; fi

enter_instance "$directory" || exit 1
if is_running; then
  ((says_running == 0)) || echo "$app is running (pid $pid)."
  exit 0
fi
((says_stopped == 0)) || echo "$app is not running."
exit 1
