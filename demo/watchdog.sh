# sh watchdog.sh PID SIGNAL [DIRECTORY]
#
# Waits at its standard input, a pipe that its parent holds. A line means that the process was stopped. The end of
# the pipe means that the parent is gone without a word: stop the process, then remove its temporary directory.

read -r _ && exit

alive() { kill -0 "$1" 2>/dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"; }

kill -s "$2" "$1"
tries=100
while alive "$1" && [ "$tries" -gt 0 ]; do
  sleep 0.1
  tries=$((tries - 1))
done
[ "$tries" -gt 0 ] || kill -s KILL "$1"
[ -z "$3" ] || rm -rf "$3"
