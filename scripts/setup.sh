#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs by apt what Kintsugi needs and this machine lacks, as root or through sudo. When nothing
# is missing it says so and does nothing.
#
#   scripts/setup.sh             all that building, testing and exporting need
#   scripts/setup.sh --minimal   only what building the library and the program needs
#   scripts/setup.sh --print     names the packages that are missing and installs nothing
set -euo pipefail

build=(g++ cmake ninja-build nlohmann-json3-dev libstb-dev libhwy-dev libcli11-dev)
tests=(git pkg-config binutils ccache libgtest-dev libbenchmark-dev librandom123-dev
       python3 python3-numpy python3-pil python3-pytest python3-torch clang-format
       clang-19 libclang-rt-19-dev)

minimal=false
print=false
for argument in "$@"; do
  case "$argument" in
    --minimal) minimal=true ;;
    --print) print=true ;;
    -h | --help) sed -n '4,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "setup: '$argument' is not known here; see scripts/setup.sh --help" >&2; exit 2 ;;
  esac
done

wanted=("${build[@]}")
$minimal || wanted+=("${tests[@]}")

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this machine has no apt; install by its own means what these Debian packages hold:" >&2
  echo "setup:   ${wanted[*]}" >&2
  exit 1
fi

# One query for all; a package that is not known at all is simply not in the answer.
installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "${wanted[@]}" \
              2>/dev/null | sed -n 's/^installed //p' || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done

if $print; then
  [ ${#missing[@]} -eq 0 ] || printf '%s\n' "${missing[@]}"
  exit 0
fi
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all ${#wanted[@]} packages are here"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: these packages are missing, and neither root nor sudo is at hand to install them:" >&2
    echo "setup:   ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  # env, because sudo does not pass variables on.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@" \
    </dev/null >"$log" 2>&1
}
# One unreachable source must not stop a machine whose other sources hold everything.
apt update || echo "setup: apt-get update complained; going on with the lists at hand"
if ! apt install --yes --no-install-recommends "${missing[@]}"; then
  tail -n 20 "$log" >&2
  echo "setup: apt-get install failed; the last lines it wrote stand above" >&2
  exit 1
fi
echo "setup: done"
