# Signals the processes whose environment holds the marker, and all that descend from them.
# $1: the marker, $2: the signals. Exit status: 0 signalled, 3 none found, 4 not permitted. Prints the users whose
# processes could not be looked into. Only what a POSIX shell has built in: the container may hold nothing else.
exec 2>/dev/null
marked() {
  looked=''
  # The shell drops the NUL bytes between the variables.
  {
    looked=1
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in *"TOWLINE_EXEC=$mark"*) return 0 ;; esac
    done
  } <"/proc/$1/environ"
  return 1
}
relatives() {
  while read -r name value rest; do
    case $name in
      PPid:) parent=$value ;;
      Uid:) user=$value && return 0 ;;
    esac
  done <"/proc/$1/status"
  return 1
}
mark=$1 signals=$2 known=' ' users=' ' hit='' seen='' round=0
# Again, for processes may be born while we look.
while [ "$round" -lt 8 ]; do
  round=$((round + 1)) fresh='' others=''
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    [ "$pid" = "$$" ] && continue
    case $known in *" $pid "*) continue ;; esac
    if marked "$pid"; then
      known="$known$pid " fresh="$fresh $pid"
    elif relatives "$pid"; then
      others="$others $pid:$parent"
      case $looked$users in 1* | *" $user "*) ;; *) users="$users$user " ;; esac
    fi
  done
  more=1
  while [ "$more" = 1 ]; do
    more=0
    for pair in $others; do
      pid=${pair%:*}
      case $known in *" $pid "*) continue ;; esac
      case $known in *" ${pair#*:} "*) known="$known$pid " fresh="$fresh $pid" more=1 ;; esac
    done
  done
  [ -n "$fresh" ] || break
  seen=1
  for pid in $fresh; do
    for name in $signals; do
      kill "-$name" "$pid" && hit=1
    done
  done
done
echo "$users"
[ -n "$hit" ] && exit 0
[ -n "$seen" ] && exit 4
exit 3
