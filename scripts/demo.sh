#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Mends a damaged photograph, from an empty clone on: installs what building needs, builds the
# program, and writes build/demo/mended.png and build/demo/side_by_side.png.
#
#   scripts/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
  sed -n '4,7s/^# \{0,1\}//p' "$0"
  case "$1" in -h | --help) exit 0 ;; *) exit 2 ;; esac
fi

scripts/setup.sh --minimal

# A tree that was set up before, by the tests perhaps, keeps its options.
mkdir -p build/demo
log=build/demo/build.log
echo "demo: building (log: $log)"
quietly() {
  "$@" >>"$log" 2>&1 </dev/null || {
    tail -n 30 "$log" >&2
    echo "demo: '$*' failed; the last lines of $log stand above" >&2
    exit 1
  }
}
: >"$log"
if [ ! -f build/release/build.ninja ]; then
  quietly cmake --preset release -DKINTSUGI_TESTS=OFF -DKINTSUGI_BENCHMARKS=OFF
fi
quietly cmake --build build/release --parallel "$(nproc)" --target kintsugi_program

echo "demo: mending examples/pictures/astronaut_damaged.png; the baseline is OpenCV's Telea inpainting"
build/release/kintsugi inpaint examples/pictures/astronaut_damaged.png \
  --mask examples/pictures/astronaut_mask.png \
  --model examples/demo/glcic-demo.safetensors \
  --blend \
  --output build/demo/mended.png \
  --side-by-side build/demo/side_by_side.png \
  --compare-to examples/pictures/astronaut.png \
  --baseline examples/pictures/astronaut_telea.png

cat <<'TEXT'

  build/demo/mended.png         the picture, mended
  build/demo/side_by_side.png   damaged, mended and original beside each other

These weights only show the pipeline: a narrow network, trained for minutes on a handful of freely
licensed pictures. For real work convert a PyTorch checkpoint of GLCIC, such as a conversion of the
official completionnet_places2 (its licence, CC BY-NC-SA 4.0, forbids commercial use):

  PYTHONPATH=python_export python3 -m kintsugi_export convert glcic CHECKPOINT.pt -o glcic.safetensors
  build/release/kintsugi inpaint photo.jpg --mask mask.png -m glcic.safetensors -o mended.png

The first line needs python3-numpy and python3-torch, which `scripts/setup.sh` installs.
TEXT
