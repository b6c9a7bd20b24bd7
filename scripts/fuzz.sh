#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the fuzzers of tests/fuzz with clang and runs them for a while, all at once. What an input
# breaks is printed, with the command that does it again.
#
#   scripts/fuzz.sh                      every fuzzer, a minute each
#   scripts/fuzz.sh --seconds 600 picture
#   scripts/fuzz.sh --seed 0             other inputs than the last time; else they begin the same way
#   scripts/fuzz.sh --junit FILE         also leaves a report; without clang all are skipped, exit 0
set -uo pipefail
cd "$(dirname "$0")/.."

all=(weights picture command)
seconds=60
seed=1
junit=
targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds=${2-}; shift ;;
    --seed) seed=${2-}; shift ;;
    --junit) junit=${2-}; shift ;;
    -h | --help) sed -n '4,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    weights | picture | command) targets+=("$1") ;;
    *) echo "fuzz: '$1' is not known here; see scripts/fuzz.sh --help" >&2; exit 2 ;;
  esac
  shift || { echo "fuzz: the last option lacks its value" >&2; exit 2; }
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz: --seconds takes a number of them" >&2; exit 2; }
[[ $seed =~ ^[0-9]+$ ]] || { echo "fuzz: --seed takes a number, 0 to draw one" >&2; exit 2; }
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")

# report RESULT...: one for each target, "passed", "skipped" or "failed".
report() {
  [ -n "$junit" ] || return 0
  local target
  {
    echo '<testsuite name="fuzz">'
    for target in "${targets[@]}"; do
      case "$1" in
        passed) echo "<testcase name=\"$target\"/>" ;;
        *) echo "<testcase name=\"$target\"><${1/failed/failure}/></testcase>" ;;
      esac
      shift
    done
    echo '</testsuite>'
  } >"$junit"
}

compiler=${KINTSUGI_CLANG:-clang++-19}
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' \
  >"$probe/probe.cpp"
if ! "$compiler" -fsanitize=fuzzer,address,undefined "$probe/probe.cpp" -o "$probe/probe" \
    2>"$probe/why"; then
  echo "fuzz: skipped: $compiler with libFuzzer is not here (Debian: clang-19 libclang-rt-19-dev)"
  head -n 3 "$probe/why"
  report "${targets[@]/*/skipped}"
  exit 0
fi

tree=$PWD/build/fuzz  # said whole, because the fuzzer of commands works in a folder of its own
cmake --preset fuzz -DCMAKE_CXX_COMPILER="$compiler" >"$probe/log" 2>&1 &&
  cmake --build --preset fuzz --parallel "$(nproc)" --target "${targets[@]/#/fuzz_}" \
    >>"$probe/log" 2>&1 || {
  tail -n 40 "$probe/log" >&2
  echo "fuzz: the build failed; the last lines it wrote stand above" >&2
  report "${targets[@]/*/failed}"
  exit 1
}

# What is found lies in build/: inputs that reach something new, and those that break something. A run
# with a seed begins as it always does.
run_one() {
  local target=$1 found=$tree/found/$1 log=$tree/$1.log
  rm -f "$tree/broken-$target-"*
  if [ "$seed" != 0 ]; then
    found=$tree/found-again/$target
    rm -rf "$found"
  fi
  mkdir -p "$found"
  "$tree/tests/fuzz/fuzz_$target" -seed="$seed" -max_total_time="$seconds" \
    -timeout=20 -rss_limit_mb=2048 -max_len=16384 \
    -dict="tests/fuzz/$target.dict" -artifact_prefix="$tree/broken-$target-" \
    -print_final_stats=1 "$found" "tests/fuzz/corpus/$target" </dev/null >"$log" 2>&1
}

pids=()
for target in "${targets[@]}"; do
  run_one "$target" &
  pids+=($!)
done
results=()
for i in "${!targets[@]}"; do
  target=${targets[$i]}
  if wait "${pids[$i]}"; then
    results+=(passed)
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$tree/$target.log")
    echo "fuzz: $target: $runs inputs in $seconds s, nothing broke"
    continue
  fi
  results+=(failed)
  tail -n 60 "$tree/$target.log"
  echo "fuzz: $target: broken; $tree/$target.log has it all. Again:"
  for input in "$tree/broken-$target-"*; do
    [ ! -f "$input" ] || echo "  $tree/tests/fuzz/fuzz_$target $input"
  done
done
report "${results[@]}"
[[ " ${results[*]} " != *" failed "* ]]
