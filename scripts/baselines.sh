#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the Python environment in which benchmarks/compare_cpu.py finds the libraries that Kintsugi
# is measured against: a current PyTorch, ONNX Runtime, OpenVINO, ncnn. What does not install is
# left out. Run again, it installs what is missing. PyTorch's packages take some six gigabytes.
#
#   scripts/baselines.sh [DIR]   in DIR, outside this repository; by default in
#                                kintsugi/baselines of the user's cache ($XDG_CACHE_HOME)
#
# KINTSUGI_BASELINES_PYTHON names the Python it is made from; python3 if not set.
set -euo pipefail
repository=$(realpath "$(dirname "$0")/..")

case "${1-}" in
  -h | --help) sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "baselines: '$1' is not known here; see scripts/baselines.sh --help" >&2; exit 2 ;;
esac
[ $# -le 1 ] || { echo "baselines: one folder, not $#; see scripts/baselines.sh --help" >&2; exit 2; }
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/kintsugi/baselines}
dir=$(realpath -m -- "$dir")
case "$dir/" in
  "$repository"/*) echo "baselines: $dir lies in the repository; choose a folder outside" >&2; exit 2 ;;
esac
if [ -e "$dir" ] && [ ! -e "$dir/pyvenv.cfg" ] && [ -n "$(ls -A -- "$dir")" ]; then
  echo "baselines: $dir holds something else; choose a folder that is empty or not there" >&2
  exit 2
fi

python=${KINTSUGI_BASELINES_PYTHON:-python3}
pip=("$dir/bin/python" -m pip --disable-pip-version-check --no-input --quiet)
distributions=(numpy onnx onnxruntime openvino ncnn pnnx torch onnxscript)
space_mb=10000

installed() { "$dir/bin/python" -c "import importlib.metadata as m; m.version('$1')" 2>/dev/null; }

if ! said=$("$python" -m venv "$dir" 2>&1); then
  echo "baselines: '$python -m venv' failed, on Debian it takes python3-venv: ${said##*$'\n'}" >&2
  exit 1
fi
log=$dir/install.log
: >"$log"

for name in "${distributions[@]}"; do
  if installed "$name"; then continue; fi
  free_mb=$(df -Pm -- "$dir" | awk 'NR == 2 { print $4 }')
  if [ "$name" = torch ] && [ "$free_mb" -lt "$space_mb" ]; then
    echo "baselines: torch is left out: $free_mb MB are free at $dir, it takes up to $space_mb"
    continue
  fi
  echo "baselines: installing $name"
  "${pip[@]}" install "$name" >>"$log" 2>&1 </dev/null ||
    echo "baselines: $name is left out: it does not install (log: $log)"
done

echo "baselines: in $dir"
for name in "${distributions[@]}"; do
  "$dir/bin/python" -c "import importlib.metadata as m; print('  $name', m.version('$name'))" 2>/dev/null || true
done
