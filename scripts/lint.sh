#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Reads the sources with clang-format and clang-tidy; changes nothing.
#
#   scripts/lint.sh                      both, on every file
#   scripts/lint.sh format|tidy          one of them
#   scripts/lint.sh format|tidy FILE...  on some files
#   scripts/lint.sh fix                  lets clang-format rewrite every file
#
# clang-tidy needs build/release (cmake --preset release) and version 16 or later (clang-tidy-19 in
# Debian 12: the default, 14, does not know std::source_location). Its checks stand in .clang-tidy.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-all}
[ $# -eq 0 ] || shift
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  folders=()
  for folder in kernels runtime weights_tools benchmarks tests examples; do
    [ ! -d "$folder" ] || folders+=("$folder")
  done
  mapfile -t files < <(find "${folders[@]}" -type f \
    \( -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.cu' -o -name '*.cuh' \) | sort)
fi

format() {
  clang-format --dry-run -Werror "${files[@]}" || return 1
  echo "lint: ${#files[@]} files are formatted"
}

tidy() {
  local database=build/release/compile_commands.json file sources=()
  if [ ! -f "$database" ]; then
    echo "lint: $database is not there; run 'cmake --preset release' first" >&2
    return 1
  fi
  local program
  program=$(command -v clang-tidy-19 || command -v clang-tidy) || {
    echo "lint: clang-tidy is not here; on Debian install clang-tidy-19" >&2
    return 1
  }
  # Headers are read through the sources that include them; the tests are left to the compiler.
  for file in "${files[@]}"; do
    if [[ $file == *.cpp && $file != tests/* ]] && grep -qF -- "/$file\"" "$database"; then
      sources+=("$file")
    fi
  done
  printf '%s\0' "${sources[@]}" |
    xargs -0 -n 1 -P "$(nproc)" "$program" -p build/release --quiet --warnings-as-errors='*' || return 1
  echo "lint: ${#sources[@]} sources are tidy"
}

case "$what" in
  all) format && tidy ;;
  format) format ;;
  tidy) tidy ;;
  fix) clang-format -i "${files[@]}" ;;
  -h | --help) sed -n '4,12s/^# \{0,1\}//p' "$0" ;;
  *) echo "lint: '$what' is not known here; see scripts/lint.sh --help" >&2; exit 2 ;;
esac
