#!/usr/bin/env bash
# Starts the server of this folder in the background and waits until clients may come. Does nothing where it runs already.
# A start that fails ends with the last lines of its log.
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
root=$(dirname "$scripts")

usage() {
  cat <<END
Usage: start.sh [-d FOLDER] [-c FILE]
Starts the $app of this folder and waits until clients may come. Its log is srv_YYYYMMDD_HH_MM_SS.log; those of
earlier starts are moved into logs/.

  -c, --config FILE
      its configuration; config.yml where absent
  -d, --directory FOLDER
      the folder of the instance; this one where absent
  -h, --help
      this text
Exit status: 0 it runs, 1 it does not.
END
}

directory=.
config=config.yml
while (($# > 0)); do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    -d | --directory | -c | --config)
      (($# > 1)) || { usage >&2; exit 2; }
      if [[ $1 == -d || $1 == --directory ]]; then directory=$2; else config=$2; fi
      shift
      ;;
    --directory=*) directory=${1#*=} ;;
    --config=*) config=${1#*=} ;;
    *)
      say "start.sh: there is no flag $1."
      usage >&2
      exit 2
      ;;
  esac
  shift
done

enter_instance "$directory" || exit 1

# Two starts at once start one server: the second waits for the first, and then finds the server running. Where there is
# no flock, a folder is the lock; one that was left behind by a start that was killed is taken over. Should two take it
# over at once, the lock of the data directory still lets one server through.
lock_start() {
  if command -v flock >/dev/null; then
    exec 9>>start.lock
    flock -n 9 && return
    say 'Another start is under way; waiting for it.'
    flock 9
    return
  fi
  local holder began
  until mkdir start.lock.d 2>/dev/null; do
    holder='' began=''
    { IFS= read -r holder && IFS= read -r began; } 2>/dev/null <start.lock.d/holder || :
    if [[ -z $began ]]; then
      # Made just now, or left by a start that was killed in that moment.
      sleep 1
      [[ -s start.lock.d/holder ]] || rm -rf start.lock.d
    elif [[ $(beginning_of "$holder") != "$began" ]]; then
      rm -rf start.lock.d
    else
      sleep 0.2
    fi
  done
  printf '%s\n%s\n' "$$" "$(beginning_of "$$")" >start.lock.d/holder
  trap 'rm -rf start.lock.d' EXIT
}

if is_running; then exit 0; fi
lock_start
if is_running; then exit 0; fi
if [[ -e pid.lock ]]; then
  say "$app is not running any more; its pid.lock is removed."
  rm -f pid.lock
fi
if [[ ! -r $config ]]; then
  say "There is no $config in $PWD that can be read. scripts/setup.py makes one."
  exit 1
fi

# Older logs go where they are out of the way; none of them takes the place of another.
mkdir -p logs
for old in srv_*.log; do
  [[ -f $old ]] || continue
  to=logs/$old
  for ((again = 1; ; again++)); do
    [[ -e $to ]] || break
    to=logs/${old%.log}.$again.log
  done
  mv "$old" "$to"
done
log=srv_$(date +%Y%m%d_%H_%M_%S).log

# The server writes and puts aside its log by itself; what Node says beside it goes to the same file. A process group of
# its own keeps an interrupt of this script from it, and lets it hear the ones it is meant to.
set -m
# shellcheck disable=SC2094 # the file is named, not read
"$root/scripts/oes" serve --config "$config" --log-file "$log" </dev/null >>"$log" 2>&1 9>&- &
server=$!
set +m
arguments="serve --config $config --log-file $log"
write_lock "$server" "$arguments" || {
  kill -INT "$server" 2>/dev/null || :
  say "pid.lock cannot be written in $PWD, so the server is stopped again."
  exit 1
}
beginning=$(beginning_of "$server")
# Until it is the server's command, it is still that of this script.
until [[ $(command_of "$server") == *"$arguments"* || -z $(beginning_of "$server") ]]; do sleep 0.01; done

# Why it has ended, in words.
reason() {
  case $1 in
    0) echo 'it was stopped' ;;
    70) echo 'a thread failed' ;;
    74) echo 'the journal cannot be written' ;;
    75) echo 'another server uses the data directory' ;;
    78) echo 'the configuration cannot be used' ;;
    130) echo 'it was stopped at once' ;;
    1) echo 'it could not start' ;;
    *) echo 'it was ended' ;;
  esac
}

while :; do
  if grep -q '^ready ' "$log"; then
    echo "$app is running (pid $server), its log is $log."
    exit 0
  fi
  pid=$server
  if ! is_there; then
    status=0
    wait "$server" || status=$?
    remove_lock "$server"
    say "$app did not start: $(reason "$status") (status $status). The end of $PWD/$log:"
    tail -n 20 "$log" | { "$root/scripts/oes" log 2>/dev/null || cat; } | sed 's/^/  /' >&2
    exit 1
  fi
  sleep 0.1
done
