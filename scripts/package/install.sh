#!/bin/sh
# Installs Freehold from a release: sh install.sh [--from FOLDER|URL] [words for "freehold install"]...
# Without --from it is the folder that this file lies in, or FREEHOLD_RELEASE. Nothing is run before its checksum was found right.
set -eu

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "error: $*"
  exit 1
}

from=${FREEHOLD_RELEASE:-$(dirname "$0")}
if [ "${1:-}" = --from ]; then
  [ "$#" -ge 2 ] || fail "--from is followed by a folder or a URL"
  from=$2
  shift 2
fi

[ "$(uname -s)" = Linux ] || fail "Freehold runs on Linux, and this is $(uname -s)"
case "$(uname -m)" in
  x86_64 | amd64) machine=x64 ;;
  aarch64 | arm64) machine=arm64 ;;
  *) fail "there is no Freehold for the processor $(uname -m): only for x86_64 and aarch64" ;;
esac
# musl's loader has a name of its own; ldd of glibc says so too.
libc=
for loader in /lib/ld-musl-*; do
  if [ -e "$loader" ] && ! ldd --version 2>/dev/null | grep -qi -e glibc -e gnu; then libc=-musl; fi
done
command -v sha256sum >/dev/null || fail "sha256sum is missing, and nothing is run unchecked"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

bring() {
  case "$from" in
    https://*)
      if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --output "$work/$1" "$from/$1"
      elif command -v wget >/dev/null; then
        wget --quiet --output-document="$work/$1" "$from/$1"
      else
        fail "neither curl nor wget is there to bring $from/$1"
      fi
      ;;
    *://*) fail "$from: only https is safe to install from" ;;
    *) cp "$from/$1" "$work/$1" ;;
  esac || fail "$from/$1 could not be brought"
}

bring SHA256SUMS
file=$(sed -n "s/^[0-9a-f]\{64\}  \(freehold-[0-9][0-9A-Za-z.+-]*-linux-$machine$libc\)\$/\1/p" "$work/SHA256SUMS")
[ -n "$file" ] || fail "$from/SHA256SUMS names no file for linux-$machine$libc"
[ "$(printf '%s\n' "$file" | wc -l)" -eq 1 ] || fail "$from/SHA256SUMS names several files for linux-$machine$libc"
bring "$file"
grep "  $file\$" "$work/SHA256SUMS" >"$work/sum"
(cd "$work" && sha256sum -c sum >/dev/null 2>&1) || fail "$file is not what SHA256SUMS says: it was changed or is cut off. Nothing was run."
say "$file: its checksum is right"
chmod 755 "$work/$file"
"$work/$file" install "$@"
