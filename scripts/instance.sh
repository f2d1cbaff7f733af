# Sourced by start.sh, stop.sh and check.sh: an instance of the server is a folder with a config.yml, in which pid.lock
# says which process it is. Runs with the bash of every system, 3.2 included.
#
#   pid.lock   | process id | when that process began, which no later process of the same id shares | its arguments |
# shellcheck shell=bash

# shellcheck disable=SC2034 # for those who source this
app=OrderExecutionServer

say() { printf '%s\n' "$*" >&2; }

# Goes to the folder of the instance.
enter_instance() {
  cd -P -- "$1" 2>/dev/null || {
    say "There is no folder $1, or it may not be entered."
    return 1
  }
}

# Says when a process began, as no later process of its id can: boot and clock tick; nothing where it has ended. One that
# has ended and whose parent has not looked yet has ended.
beginning_of() {
  local stat
  if [[ -r /proc/self/stat ]]; then
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
    # The name of the program stands in brackets and may hold anything.
    stat=${stat##*) }
    # shellcheck disable=SC2086 # words are what is wanted
    set -- $stat
    [[ $1 == Z || $1 == X ]] || printf '%s %s' "$(</proc/sys/kernel/random/boot_id)" "${20}"
  else
    [[ $(ps -o state= -p "$1" 2>/dev/null) == Z* ]] || ps -o lstart= -p "$1" 2>/dev/null | sed 's/^ *//; s/ *$//' || :
  fi
}

command_of() {
  if [[ -r /proc/self/stat ]]; then
    { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null || :
  else
    ps -o args= -p "$1" 2>/dev/null || :
  fi
}

# Reads pid.lock into $pid, $beginning and $arguments; false where there is none, or no process id in it.
read_lock() {
  pid='' beginning='' arguments=''
  [[ -r pid.lock ]] || return 1
  { IFS= read -r pid && IFS= read -r beginning && IFS= read -r arguments; } <pid.lock || :
  [[ $pid =~ ^[1-9][0-9]*$ ]]
}

# True where the process that $pid, $beginning and $arguments describe is there. Whoever else has its id by now does not count.
is_there() {
  local now command
  now=$(beginning_of "$pid")
  [[ -n $now ]] || return 1
  [[ -z $beginning || $now == "$beginning" ]] || return 1
  # The arguments of a process of somebody else, and those of one that is just ending, cannot be read: then its beginning
  # has to do. A lock by other hands has the id alone: then the command has to be a server's.
  command=$(command_of "$pid")
  [[ -n $command ]] || { [[ -n $beginning ]] && return 0 || return 1; }
  [[ $command == *"${arguments:-serve }"* ]]
}

# True where the instance runs; leaves its process in $pid.
is_running() { read_lock && is_there; }

# Writes pid.lock whole, or not at all: whoever reads it meanwhile finds the old one or the new.
write_lock() {
  local temporary=pid.lock.$$
  printf '%s\n%s\n%s\n' "$1" "$(beginning_of "$1")" "$2" >"$temporary" && mv -f "$temporary" pid.lock
}

# Removes pid.lock if it still is about process $1: somebody may have started another server meanwhile.
remove_lock() {
  local stopped=$1
  if ! read_lock || [[ $pid == "$stopped" ]]; then rm -f pid.lock; fi
}

# The newest log of the instance; nothing where there is none.
newest_log() {
  local log newest=''
  for log in srv_*.log; do
    [[ -f $log ]] || continue
    if [[ -z $newest || $log -nt $newest ]]; then newest=$log; fi
  done
  printf '%s' "$newest"
}
