# Sourced by the scripts that hold whole programs against each other in turns: where the program is, a folder that goes away
# with the script, and what GNU time tells, gathered in files. On a busy machine the least time counts.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sqnr=${SQNR:-$root/target/release/sqnr}
[ -x "$sqnr" ] || { echo "build first: cargo build --release" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# measure NAME COMMAND...: appends wall seconds, user seconds, system seconds and peak kilobytes to NAME.time.
measure() {
  local name=$1
  shift
  /usr/bin/time -a -o "$name.time" -f '%e %U %S %M' "$@" > /dev/null 2>&1
}

# of WHAT NAME: a column of NAME.time, sorted.
of() {
  case $1 in
    wall) awk '{ print $1 }' "$2.time" ;;
    user) awk '{ print $2 }' "$2.time" ;;
    cpu) awk '{ print $2 + $3 }' "$2.time" ;;
  esac | sort -n
}
least() { of "$1" "$2" | awk 'NR == 1'; }
median() { of "$1" "$2" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
