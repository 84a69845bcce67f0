# What the scripts say. Sourced by bash, 3.2 (macOS) included.

say() { printf '%s\n' "$*"; }

# fail SENTENCE...: to stderr, one line each, and end.
fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# show_tail FILE: the end of a log, to stderr.
show_tail() {
  [ -s "$1" ] || return 0
  printf '%s\n' "--- the end of $1" >&2
  tail -n 25 "$1" >&2
  printf '%s\n' '---' >&2
}
