#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds, tests and measures the CUDA kernels on a machine with a GPU, a stage at a time: each takes
# less than six minutes, can be run alone and again, and leaves STAGE.json and STAGE.txt in
# benchmarks/results/GPU as soon as it has them, and report.html beside them.
#
#   scripts/gpu.sh STAGE...            of: build test conformance sanitize bench networks torch
#   scripts/gpu.sh STAGE... --dry-run  the same on the emulator, a few pixels, nothing timed, into
#                                      build/gpu-dry-run/emulated
#   scripts/gpu.sh pack                at home, for a machine that has no Debian packages: unpacks
#                                      those that building needs into build/gpu-packages, which
#                                      `build` takes from there
#
#   --output DIR    the folder in which GPU lies, instead of benchmarks/results
#   --bundle FILE   a .tar of what the stages wrote, made again after each; at home, unpacked at
#                   the root of this repository, everything is in its place. Without it the results
#                   are lost with a machine that is given back after the call
#
#   build           configures and builds the preset `cuda`, for this GPU's architecture alone
#   test            the device tests, by ctest
#   conformance     records what the GPU gives for each function of the device vocabulary, into
#                   tests/data/conformance, where the emulator's tests look
#   sanitize        the device tests under compute-sanitizer: memcheck, racecheck, synccheck, initcheck
#   bench           the kernels at the layers of benchmarks/gpu/layers.txt, beside cuDNN
#   networks        GLCIC and CycleGAN, as planned and with nothing fused
#   torch           PyTorch at the same layers and networks
#
# Where a call may take ten minutes, and the next one finds another machine, each call builds:
#
#   scripts/gpu.sh build test conformance --bundle tests.tar
#   scripts/gpu.sh build bench --bundle bench.tar
#
# What a machine lacks or forbids is written down as refused and stops nothing. Exit codes: 0 done, 1
# a stage could not run, 2 a mistake in the command, 4 a test or a comparison failed, 5 there is no
# GPU, 130 interrupted. KINTSUGI_PYTHON names the Python, python3 if not set, and KINTSUGI_COMMIT the
# commit, for a copy of the tree without its history.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(nlohmann-json3-dev libstb-dev libhwy-dev libcli11-dev libgtest-dev libbenchmark-dev)
most_mb=64

pack() {
  local target=build/gpu-packages
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || {
    echo "gpu: packing takes apt-get and dpkg, which are not here" >&2
    exit 1
  }
  mkdir -p build
  work=$(mktemp -d build/gpu-packages.XXXXXX)  # not local: the trap outlives this function
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/debs" "$work/tree"
  if ! (cd "$work/debs" && apt-get download "${packages[@]}") >"$work/log" 2>&1 </dev/null; then
    echo "gpu: apt-get does not download ${packages[*]}:" \
      "$(grep -m1 '^E:' "$work/log" || tail -n1 "$work/log")" >&2
    exit 1
  fi
  for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/tree"; done
  rm -rf "$work/tree/usr/share/doc" "$work/tree/usr/share/man" "$work/tree/usr/src"
  local size
  size=$(du -sm "$work/tree" | cut -f1)
  if [ "$size" -ge "$most_mb" ]; then
    echo "gpu: the packages take $size MB unpacked, and $most_mb is the most that travels" >&2
    exit 1
  fi
  rm -rf "$target"
  mv "$work/tree" "$target"
  echo "gpu: $target holds ${packages[*]}: $size MB"
}

case "${1-}" in
  "" | -h | --help) sed -n '4,37s/^# \{0,1\}//p' "$0"; [ $# -gt 0 ] || exit 2; exit 0 ;;
  pack)
    [ $# -eq 1 ] || { echo "gpu: 'pack' stands alone; see scripts/gpu.sh --help" >&2; exit 2; }
    pack
    exit 0
    ;;
esac

python=${KINTSUGI_PYTHON:-python3}
command -v "$python" >/dev/null || {
  echo "gpu: '$python' is not here, and the stages are Python" >&2
  exit 1
}
exec "$python" benchmarks/gpu/stages.py "$@"
