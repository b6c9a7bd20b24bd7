#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every test of the project, from an empty clone on. A stage that fails does not stop the
# others; the table at the end says how long each took, the last line how many tests passed.
#
#   scripts/test.sh           everything
#   scripts/test.sh --quick   without the sanitizer build and what builds the library again
set -uo pipefail
cd "$(dirname "$0")/.."

quick=false
case "${1-}" in
  "") ;;
  --quick) quick=true; export KINTSUGI_QUICK=1 ;;
  -h | --help) sed -n '4,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "test: '$1' is not known here; see scripts/test.sh --help" >&2; exit 2 ;;
esac

jobs=$(nproc)
python=${KINTSUGI_PYTHON:-/usr/bin/python3}
results=$PWD/build/test-results
rm -rf "$results"
mkdir -p "$results"
failed_stages=" "

# stage NAME NEEDS COMMAND...: runs the command unless a stage named in NEEDS has failed. A stage
# that counts tests leaves $results/NAME.xml; the others count as one test.
stage() {
  local name=$1 needs=$2 start=$EPOCHREALTIME status=passed need
  shift 2
  echo
  echo "==== $name"
  for need in $needs; do
    if [[ $failed_stages == *" $need "* ]]; then
      echo "not run, because '$need' failed"
      status=skipped
    fi
  done
  if [ $status = passed ]; then
    "$@" </dev/null || status=failed
  fi
  [ $status = passed ] || failed_stages+="$name "
  printf '%s\t%s\t%s\t%s\n' "$name" "$start" "$EPOCHREALTIME" "$status" >>"$results/stages.tsv"
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

run_pytest() {
  local name=$1
  shift
  PYTHONPATH=$PWD/python_export KINTSUGI_BUILD=$PWD/build/release \
    "$python" -m pytest -q --durations=5 --junitxml="$results/$name.xml" "$@"
}

stage setup "" scripts/setup.sh
stage rules "setup" run_pytest rules tests/tools
stage format "setup" scripts/lint.sh format
stage program "setup" configure_and_build release -DKINTSUGI_BENCHMARKS=ON \
  -- --target runtime/all
stage build "program" cmake --build --preset release --parallel "$jobs"
stage ctest "build" run_ctest release ctest
stage python "program" run_pytest python tests/python
stage networks "program" run_pytest networks tests/networks
stage cli "program" run_pytest cli tests/cli
stage consumer "program" run_pytest consumer tests/consumer
stage demo "program" scripts/demo.sh
if ! $quick; then
  stage asan-build "setup" configure_and_build asan
  stage asan-ctest "asan-build" run_ctest asan asan-ctest
fi

exec "$python" tests/tools/summary.py "$results"
