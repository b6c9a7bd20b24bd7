# SPDX-License-Identifier: MIT
"""Numbers of a comparison into rows, a claim, a table and a plot.  Needs nothing but Python."""

import math
from html import escape

OURS = "kintsugi"
BOUND = 1e-3  # relative L2 from ours to theirs; beyond it a row is wrong and claims nothing
LEAST_ROUNDS = 7
QUIET = 0.05  # of the processors' time, for others


def median(values) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        raise ValueError("a median of nothing")
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def summarize(name: str, kind: str, flops: int, turns, contenders: dict, errors: dict) -> dict:
    """A case as a record for the JSON file.

    `turns` is a Turns; `contenders` is {key: {"label", "equal", "how"}}, `errors` {key: relative L2}.
    The rows stand with ours first, then the fastest first.
    """
    peak = median(turns.peaks)
    rows = []
    for key, times in turns.times.items():
        middle = median(times)
        rows.append({
            "contender": key,
            "label": contenders[key]["label"],
            "how": contenders[key]["how"],
            "median_seconds": middle,
            "min_seconds": min(times),
            "max_seconds": max(times),
            "gflops": flops / middle * 1e-9,
            "of_peak": flops / middle * 1e-9 / peak,
            "relative_l2": errors[key] if math.isfinite(errors[key]) else None,  # JSON has no NaN
            "right": errors[key] < BOUND,
            "equal": contenders[key]["equal"],
            "seconds": times,
        })
    rows.sort(key=lambda row: (row["contender"] != OURS, row["median_seconds"]))
    record = {
        "case": name, "kind": kind, "flops": flops, "peak_gflops": peak,
        "others_busy": turns.others_busy, "rows": rows,
    }
    record.update(claim(rows))
    return record


def claim(rows) -> dict:
    """The fastest baseline that is right and computes in our precision, and how much slower it is."""
    ours = next((row for row in rows if row["contender"] == OURS), None)
    rivals = [r for r in rows if r["contender"] != OURS and r["right"] and r["equal"]]
    if ours is None or not rivals:
        return {"fastest_baseline": None, "times": None, "times_range": None}
    fastest = min(rivals, key=lambda row: row["median_seconds"])
    rounds = [theirs / own for theirs, own in zip(fastest["seconds"], ours["seconds"])]
    return {
        "fastest_baseline": fastest["contender"],
        "times": fastest["median_seconds"] / ours["median_seconds"],
        "times_range": [min(rounds), max(rounds)],
    }


def claim_line(record: dict) -> str:
    if record["times"] is None:
        return f"{record['case']}: no baseline to compare with"
    label = next(r["label"] for r in record["rows"] if r["contender"] == record["fastest_baseline"])
    low, high = record["times_range"]
    return (
        f"{record['case']}: {record['times']:.2f} times the speed of the fastest baseline ({label}); "
        f"{low:.2f} to {high:.2f} in single rounds"
    )


def caveats(report: dict) -> list:
    """Why these numbers must not be published, one sentence each; none if they may."""
    out = []
    if report["rounds"] < LEAST_ROUNDS:
        out.append(f"{report['rounds']} rounds, a claim takes {LEAST_ROUNDS}")
    if report["commit"].endswith("-dirty"):
        out.append("the tree has changes that no commit holds")
    for record in report["cases"]:
        if record["others_busy"] > QUIET:
            out.append(
                f"{record['case']}: other programs took {100 * record['others_busy']:.0f} % "
                "of the processors"
            )
        out += [
            f"{record['case']}: {row['label']} is wrong by {_error(row)}"
            for row in record["rows"] if row["equal"] and not row["right"]
        ]
    return out


def _error(row) -> str:
    return "not finite" if row["relative_l2"] is None else f"{row['relative_l2']:.1e}"


def _remark(row) -> str:
    """What sets a row apart from the race."""
    return "NOT F32: " if not row["equal"] else "" if row["right"] else "WRONG: "


def table(record: dict) -> str:
    """The rows of a case as text, columns aligned."""
    head = ["contender", "ms", "min", "max", "GFLOP/s", "% peak", "x ours", "rel. L2", ""]
    ours = next((r["median_seconds"] for r in record["rows"] if r["contender"] == OURS), None)
    lines = [head]
    for row in record["rows"]:
        lines.append([
            row["label"],
            *(f"{1e3 * row[k + '_seconds']:.2f}" for k in ("median", "min", "max")),
            f"{row['gflops']:.1f}",
            f"{100 * row['of_peak']:.1f}",
            f"{row['median_seconds'] / ours:.2f}" if ours else "",
            "" if row["contender"] == OURS else _error(row),
            _remark(row) + row["how"],
        ])
    return aligned(lines)


def aligned(lines) -> str:
    """Rows of as many cells each as text: the first and the last column to the left."""
    last = len(lines[0]) - 1
    widths = [max(len(line[i]) for line in lines) for i in range(last + 1)]
    text = []
    for line in lines:
        cells = [
            cell.ljust(width) if i in (0, last) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths))
        ]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text) + "\n"


def text(report: dict) -> str:
    """The whole report."""
    machine = report["machine"]
    lines = [
        f"{machine['processor']}, {machine['isa']}, {report['threads']} threads on processors "
        f"{', '.join(map(str, machine['used']))} of {machine['processors']}; {machine['system']}",
        f"Kintsugi {report['version']}, commit {report['commit']}, {report['date']}",
        f"medians of {report['rounds']} rounds in turn, one run of each turn not counted, f32",
        "",
    ]
    lines += [f"left out: {sentence}" for sentence in report["left_out"]]
    lines += [f"not for publication: {sentence}" for sentence in report["caveats"]]
    for record in report["cases"]:
        lines += [
            "",
            f"== {record['case']}: {record['flops'] * 1e-9:.2f} GFLOP by definition, multiply-add "
            f"peak {record['peak_gflops']:.1f} GFLOP/s in the same run",
            table(record).rstrip("\n"),
        ]
    lines += ["", *(claim_line(record) for record in report["cases"])]
    if any(record["kind"] == "conv2d" for record in report["cases"]):
        lines += ["", "A convolution alone takes and gives what its library's graphs do: ours and "
                  "PyTorch channels_last NHWC, the others NCHW, reordering included."]
    return "\n".join(lines) + "\n"


def plot(report: dict) -> str:
    """An SVG: a bar a contender, its whisker from the shortest to the longest turn, a panel a case."""
    width, bar, left, right = 880, 22, 300, 190
    out, y = [], 34
    for record in report["cases"]:
        scale = (width - left - right) / max(row["max_seconds"] for row in record["rows"])
        out.append(f'<text x="12" y="{y}" class="case">{escape(record["case"])}, milliseconds</text>')
        y += 14
        ours = next((r["median_seconds"] for r in record["rows"] if r["contender"] == OURS), None)
        for row in record["rows"]:
            mine = row["contender"] == OURS
            kind = "ours" if mine else "theirs" if row["right"] and row["equal"] else "apart"
            middle, end = y + bar / 2, left + row["median_seconds"] * scale
            low, high = (left + row[k] * scale for k in ("min_seconds", "max_seconds"))
            note = f"{1e3 * row['median_seconds']:.2f}"
            if ours and not mine:
                note += f"  ({row['median_seconds'] / ours:.2f} x)"
            note = f"{note}  {_remark(row)[:-2]}".rstrip()
            out += [
                f'<text x="{left - 8}" y="{middle + 4}" text-anchor="end">{escape(row["label"])}</text>',
                f'<rect x="{left}" y="{y + 3}" width="{end - left:.1f}" height="{bar - 6}" '
                f'class="{kind}"/>',
                f'<path d="M{low:.1f} {middle}H{high:.1f}" class="whisker"/>',
                f'<text x="{high + 8:.1f}" y="{middle + 4}">{escape(note)}</text>',
            ]
            y += bar
        y += 34
    foot = f"{report['machine']['processor']}, {report['threads']} threads, f32, {report['commit']}"
    if report["caveats"]:
        foot += "; not for publication"
    out.append(f'<text x="12" y="{y - 8}" class="foot">{escape(foot)}</text>')
    style = (
        "text{font:13px sans-serif;fill:#222}.case{font-weight:bold}.foot{fill:#666;font-size:11px}"
        ".ours{fill:#c8962a}.theirs{fill:#8d99a6}.apart{fill:#d5dade}"
        ".whisker{stroke:#222;stroke-width:1.5}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 4}" width="{width}">\n'
        f'<style>{style}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(out) + "\n</svg>\n"
    )
