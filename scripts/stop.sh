#!/usr/bin/env bash
# Stops the server of this folder in order, however long that takes; after 300 seconds it is ended by force. Safe where
# nothing runs.
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
Usage: stop.sh [-d FOLDER]
Stops the $app of this folder: interrupts it, waits up to 300 seconds, then kills it.

  -d, --directory FOLDER
      the folder of the instance; this one where absent
  -h, --help
      this text
OES_STOP_SECONDS_MAX, a whole number of seconds, takes the place of the 300.
END
}

directory=.
while (($# > 0)); do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    -d | --directory)
      (($# > 1)) || { usage >&2; exit 2; }
      directory=$2
      shift
      ;;
    --directory=*) directory=${1#*=} ;;
    *)
      say "stop.sh: there is no flag $1."
      usage >&2
      exit 2
      ;;
  esac
  shift
done

# Pauses add up to this, in milliseconds, before the server is killed.
wait_ms_max=${OES_STOP_SECONDS_MAX:-300}
[[ $wait_ms_max =~ ^[0-9]{1,6}$ ]] || {
  say 'stop.sh: OES_STOP_SECONDS_MAX has to be a whole number of seconds.'
  exit 2
}
wait_ms_max=$((10#$wait_ms_max * 1000))
pause_ms=100
pause_ms_max=10000
# How long a killed process may take to be gone: its memory has to be given back.
kill_ms_max=30000

# Pauses for so many milliseconds.
pause() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }

enter_instance "$directory" || exit 1
[[ -e pid.lock ]] || exit 0
if ! is_running; then
  rm -f pid.lock
  exit 0
fi

stopped=$pid
# What pid.lock says now is about the process that is stopped, whoever is started meanwhile.
stopped_beginning=$beginning stopped_arguments=$arguments
is_stopping() {
  pid=$stopped beginning=$stopped_beginning arguments=$stopped_arguments
  is_there
}

if ! kill -INT "$stopped" 2>/dev/null && is_stopping; then
  say "$app (pid $stopped) belongs to somebody else and cannot be stopped from here."
  exit 1
fi
waited_ms=0
while is_stopping && ((waited_ms < wait_ms_max)); do
  ((waited_ms + pause_ms <= wait_ms_max)) || pause_ms=$((wait_ms_max - waited_ms))
  pause "$pause_ms"
  waited_ms=$((waited_ms + pause_ms))
  pause_ms=$((2 * pause_ms))
  ((pause_ms <= pause_ms_max)) || pause_ms=$pause_ms_max
done
if is_stopping; then
  kill -KILL "$stopped" 2>/dev/null || :
  log=$(newest_log)
  [[ -z $log ]] || printf 'Forcefully terminated %s.\n' "$app" >>"$log"
  for ((waited_ms = 0; waited_ms < kill_ms_max; waited_ms += 100)); do
    is_stopping || break
    pause 100
  done
  if is_stopping; then
    say "$app (pid $stopped) cannot be ended: it waits for a disk that does not answer."
    exit 1
  fi
fi
remove_lock "$stopped"
exit 0
