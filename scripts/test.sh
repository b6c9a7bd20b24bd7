#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every test of the project, from an empty clone on. A stage that fails does not stop the
# others; the table at the end says how long each took, by the clock and of processor time, the last
# line how many tests passed.
#
#   scripts/test.sh           everything
#   scripts/test.sh --quick   without the sanitizers, the fuzzers and what builds the library again
set -uo pipefail
cd "$(dirname "$0")/.."

quick=false
case "${1-}" in
  "") ;;
  --quick) quick=true; export KINTSUGI_QUICK=1 ;;
  -h | --help) sed -n '4,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "test: '$1' is not known here; see scripts/test.sh --help" >&2; exit 2 ;;
esac

# What is tested is what is built here, whatever the caller's shell says; and a time stamp has a point
# for its decimals. An interrupt ends the whole, not the stage alone.
unset KINTSUGI KINTSUGI_BUILD KINTSUGI_DEVICE KINTSUGI_LOG_LEVEL
export LC_ALL=C.UTF-8
trap 'echo "test: interrupted" >&2; exit 130' INT TERM

jobs=$(nproc)
python=${KINTSUGI_PYTHON:-/usr/bin/python3}
tree=release
results=$PWD/build/test-results
rm -rf "$results"
mkdir -p "$results"
failed_stages=" "

# Sets cpu_ms: processor time, user and system, of all processes that have ended below this one. By a
# file, because $(times) would be another process, with none below it.
read_cpu_ms() {
  local minutes seconds system_minutes system_seconds
  times >"$results/times"
  { read -r; IFS='ms ' read -r minutes seconds system_minutes system_seconds _; } <"$results/times"
  cpu_ms=$(((minutes + system_minutes) * 60000 + 10#${seconds/./} + 10#${system_seconds/./}))
}

# stage NAME NEEDS COMMAND...: runs the command unless a stage named in NEEDS has failed. A stage
# that counts tests leaves $results/NAME.xml; the others count as one test.
stage() {
  local name=$1 needs=$2 start=$EPOCHREALTIME status=passed need cpu_ms cpu_start_ms
  shift 2
  read_cpu_ms
  cpu_start_ms=$cpu_ms
  echo
  echo "==== $name"
  for need in $needs; do
    if [[ $failed_stages == *" $need "* ]]; then
      echo "not run, because '$need' failed"
      status=skipped
    fi
  done
  if [ $status = passed ]; then
    ("$@") </dev/null || status=failed  # apart, so that no stage changes what the next one sees
  fi
  [ $status = passed ] || failed_stages+="$name "
  read_cpu_ms
  printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$start" "$EPOCHREALTIME" "$status" \
    $((cpu_ms - cpu_start_ms)) >>"$results/stages.tsv"
}

# configure_and_build PRESET [CMAKE OPTION...] [-- BUILD OPTION...]
configure_and_build() {
  local preset=$1 options=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  # Said again each time, because the demo sets the same tree up without tests.
  cmake --preset "$preset" -DKINTSUGI_TESTS=ON "${options[@]}" &&
    cmake --build --preset "$preset" --parallel "$jobs" "$@"
}

run_ctest() {
  ctest --preset "$1" --no-tests=error --timeout 300 --parallel "$jobs" \
    --output-junit "$results/$2.xml"
}

# Of the tree that $tree names.
run_pytest() {
  local name=$1
  shift
  PYTHONPATH=$PWD/python_export KINTSUGI_BUILD=$PWD/build/$tree \
    "$python" -m pytest -q --durations=5 --junitxml="$results/$name.xml" "$@"
}

# By clang where it is, which takes 60 % of g++'s time for it.
build_asan() {
  local compiler fresh=
  compiler=$(command -v "${KINTSUGI_CLANG:-clang++-19}") &&
    "$compiler" -fsanitize=address,undefined -x c++ - -o "$results/probe" <<<'int main() {}' ||
    compiler=$(command -v c++)
  # A tree of another compiler would be configured without what the preset says.
  grep -q "^CMAKE_CXX_COMPILER:[A-Z]*=$compiler$" build/asan/CMakeCache.txt 2>/dev/null || fresh=--fresh
  configure_and_build asan $fresh -DCMAKE_CXX_COMPILER="$compiler" &&
    grep -q '^KINTSUGI_SANITIZE:.*=ON$' build/asan/CMakeCache.txt
}

# The program under the sanitizers: files made to break it, mistakes, small pictures. Where leaks
# cannot be looked for (under a debugger, say), the rest still is.
run_asan_cli() {
  local leaks=1
  if ASAN_OPTIONS=detect_leaks=1 build/asan/kintsugi --version 2>&1 |
      grep -q "LeakSanitizer has encountered a fatal error"; then
    echo "leaks are not looked for: LeakSanitizer does not run here"
    leaks=0
  fi
  ASAN_OPTIONS=detect_leaks=$leaks:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1:exitcode=99 \
    KINTSUGI_TEST_PATIENCE=4 tree=asan \
    run_pytest asan-cli tests/cli/test_bad_*.py tests/cli/test_pixels.py \
    tests/cli/test_depth_and_metadata.py tests/cli/test_folder*.py -m "not measures"
}

stage setup "" scripts/setup.sh
# The library is built more than once, by those who use it as a part of theirs: the same objects. On a
# new machine ccache is there only now.
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_DIR=$PWD/build/ccache CCACHE_CONFIGPATH=/dev/null
  export CCACHE_NOHASHDIR=true
fi
stage rules "setup" run_pytest rules tests/tools
stage format "setup" scripts/lint.sh format
stage program "setup" configure_and_build release -DKINTSUGI_BENCHMARKS=ON \
  -- --target runtime/all
stage build "program" cmake --build --preset release --parallel "$jobs"
stage ctest "build" run_ctest release ctest
stage python "program" run_pytest python tests/python
stage cuda "setup" run_pytest cuda tests/cuda
stage gpu-dry-run "build" run_pytest gpu-dry-run tests/gpu
stage networks "program" run_pytest networks tests/networks
stage cli "program" run_pytest cli tests/cli
stage consumer "program" run_pytest consumer tests/consumer
stage demo "program" scripts/demo.sh
if ! $quick; then
  stage asan-build "setup" build_asan
  stage asan-ctest "asan-build" run_ctest asan asan-ctest
  stage asan-cli "asan-build" run_asan_cli
  stage fuzz "setup" scripts/fuzz.sh --junit "$results/fuzz.xml"
fi

exec "$python" tests/tools/summary.py "$results"
