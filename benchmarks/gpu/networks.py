#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our program on a GPU at whole networks, as JSON beside that of gpu_kernels.

    networks.py --program FILE --output FILE [--limit SECONDS]
    networks.py --program FILE --output FILE --dry-run     emulated, a few pixels, no times

Weights are those of the tests, made by rule.  Every network runs as planned and with nothing fused;
what is planned comes first.  A time is that of a whole run replayed as one graph, between events
around it; processes of the program begin again and again, and theirs are the samples.  Exit codes:
0 done, 1 it failed, 2 a mistake in the command.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import DRY_SIZES, SIZES, timing, write_json  # noqa: E402

from comparison import cases  # noqa: E402

TYPES = ("bf16", "f16", "tf32", "f32")
FORMS = {"Kintsugi": [], "Kintsugi, nothing fused": ["--without", "fuse"]}
PROCESSES, RUNS = 5, 11


def bench(options, model, size, dtype, form) -> dict:
    """What the program says of one process."""
    command = [options.program, "bench", "-m", model, "--size", f"{size}x{size}", "--dtype", dtype,
               "--device", "emulated" if options.dry_run else "cuda",
               "--runs", str(1 if options.dry_run else RUNS), "--json", "--quiet", *FORMS[form]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError((done.stderr.strip() or "it said nothing").splitlines()[0])
    return json.loads(done.stdout)


def contender(options, model, size, dtype, form):
    """(what the program said of the network, its times)"""
    said = [bench(options, model, size, dtype, form)
            for _ in range(1 if options.dry_run else PROCESSES)]
    warm = None if options.dry_run else timing([1e6 * one["seconds"] for one in said], RUNS)
    return said[0], {"name": form, "how": f"{len(said[0]['steps'])} steps in one graph",
                     "warm": warm, "cold": None}


def run(options, folder) -> dict:
    report = {"program": "networks", "emulated": options.dry_run, "timed": not options.dry_run,
              "processes": PROCESSES, "runs": RUNS, "left_out": [], "rows": []}
    start, rows = time.monotonic(), {}
    todo = []
    for network in cases.NETWORKS:
        for size in DRY_SIZES if options.dry_run else SIZES:
            case = cases.Case(network, "network", size, 8 if options.dry_run else 64,
                              network=network)
            at = folder / f"{network}_{size}"
            at.mkdir()
            cases.write(case, at)
            todo.append((f"{network.lower()}_{size}", at / "model.safetensors", size,
                         [1, cases.NETWORKS[network][3], size, size]))
    for form in FORMS:
        for dtype in TYPES:
            for layer, model, size, shape in todo:
                if time.monotonic() - start > options.limit:
                    report["left_out"].append(f"{layer} {dtype} {form}")
                    continue
                row = rows.setdefault((layer, dtype), {
                    "layer": layer, "op": "network", "type": dtype, "input": shape, "settings": {},
                    "contenders": []})
                try:
                    said, made = contender(options, model, size, dtype, form)
                    # The least that must move is what the plan that fuses says.
                    row.setdefault("flops", said["flops"])
                    row.setdefault("bytes", said["bytes"])
                except ValueError as error:
                    made = {"name": form, "refused": str(error)}
                row["contenders"].append(made)
                report["rows"] = list(rows.values())
                print(f"{layer:<28} {dtype:<5} {form}", file=sys.stderr)
                write_json(options.output, report)
    report["seconds"] = time.monotonic() - start
    return report


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, required=True, metavar="FILE")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    parser.add_argument("--limit", type=float, default=1e9, metavar="SECONDS",
                        help="nothing begins after that")
    parser.add_argument("--dry-run", action="store_true", help="emulated, nothing timed")
    return parser.parse_args(arguments)


def main(arguments=None) -> int:
    options = parse(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            report = run(options, Path(folder))
        write_json(options.output, report)
    except (OSError, KeyError, ValueError) as error:
        print(f"networks: {error}", file=sys.stderr)
        return 1
    refused = [c for row in report["rows"] for c in row["contenders"] if "refused" in c]
    print(f"{len(report['rows'])} rows, {len(report['left_out'])} left out for lack of time, "
          f"{len(refused)} refused" + ("" if report["timed"] else "; nothing was timed"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
