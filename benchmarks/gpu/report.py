#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the stages of scripts/gpu.sh left, as text and as one HTML page.  Needs nothing but Python.

    report.py FOLDER     makes FOLDER/report.html again from FOLDER/*.json

Ratios are theirs to ours: above 1 the other takes longer.  A dry run has none, and its page says so
in its title.
"""

import json
import sys
from html import escape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import write_whole  # noqa: E402

from comparison.report import aligned  # noqa: E402

OURS = "Kintsugi"
ORDER = ("build", "test", "conformance", "sanitize", "bench", "networks", "torch")
NOT_TIMED = "nothing here was timed"


def read(folder) -> dict:
    """{stage: record} of the files that are there and whole."""
    records = {}
    for stage in ORDER:
        try:
            records[stage] = json.loads((Path(folder) / f"{stage}.json").read_text())
        except (OSError, ValueError):
            continue
    return records


def rows_of(records: dict) -> list:
    """A row for each layer and type, with the contenders of all programs, ours first."""
    rows = {}
    for stage in ("bench", "networks", "torch"):
        for row in records.get(stage, {}).get("measured", {}).get("rows", []):
            key = (row["layer"], row["type"])
            known = rows.setdefault(key, {**row, "contenders": []})
            known["contenders"] += row["contenders"]
            for field in ("description", "flops", "bytes"):
                if known.get(field) is None:
                    known[field] = row.get(field)
    return list(rows.values())


def ceilings_of(records: dict):
    return records.get("bench", {}).get("measured", {}).get("ceilings")


def median(contender, state: str):
    timing = contender.get(state) if contender else None
    return timing["median_us"] if timing else None


def ratio(row, name: str, state: str = "warm"):
    """Theirs to ours; None where one of them has no time or theirs is wrong."""
    by_name = {c["name"]: c for c in row["contenders"]}
    theirs = by_name.get(name)
    ours, other = median(by_name.get(OURS), state), median(theirs, state)
    if ours is None or other is None or theirs.get("right") is False:
        return None
    return other / ours


def shares(row, microseconds, ceilings):
    """(of the product's ceiling, of the copy's, of the lower roof), None where unknown."""
    product = (ceilings or {}).get("product", {}).get(row["type"], {}).get("flops_per_second")
    copy = (ceilings or {}).get("copy", {}).get("bytes_per_second")
    seconds = microseconds * 1e-6
    of_product = row["flops"] / seconds / product if product and row.get("flops") else None
    of_copy = row["bytes"] / seconds / copy if copy and row.get("bytes") else None
    known = [share for share in (of_product, of_copy) if share is not None]
    # The larger share is the one of the ceiling that is nearer.
    return of_product, of_copy, max(known) if known else None


def caveats(records: dict) -> list:
    """Why these numbers must not be published, one sentence each; none if they may."""
    out = []
    if any(record["emulated"] for record in records.values()):
        out.append("a dry run on the emulator: " + NOT_TIMED)
    commits = {record["commit"] for record in records.values()}
    if any(commit.endswith("-dirty") or commit == "unknown" for commit in commits):
        out.append("the tree has changes that no commit holds, or is of no commit")
    if len(commits) > 1:
        out.append(f"its stages are of {len(commits)} commits: {', '.join(sorted(commits))}")
    for stage, record in records.items():
        if record["status"] in ("failed", "wrong", "late"):
            out.append(f"{stage}: {record.get('sentence', record['status'])}")
    for row in rows_of(records):
        out += [f"{row['layer']} {row['type']}: {c['name']} computes something else "
                f"(relative L2 {c['relative_l2']})"
                for c in row["contenders"] if c.get("right") is False]
    return out


def left_out(records: dict) -> list:
    """What nobody got round to, one sentence a stage."""
    lists = {stage: record.get("measured", {}).get("left_out", [])
             for stage, record in records.items()}
    return [f"{stage}: {len(left)} for lack of time, the first {left[0]}"
            for stage, left in lists.items() if left]


# ---- Text

def stage_text(record: dict) -> str:
    kind = " (dry run on the emulator)" if record["emulated"] else ""
    lines = [f"{record['stage']} on {record['gpu']}{kind}: {record['status']}, "
             f"{record['seconds']:.1f} s, commit {record['commit']}, {record['date']}"]
    if record.get("sentence"):
        lines.append(f"  {record['sentence']}")
    if "tests" in record:
        tests = record["tests"]
        lines.append(f"  {tests['passed']} passed, {tests['failed']} failed, "
                     f"{tests['skipped']} skipped")
    if "files" in record:
        lines.append(f"  {len(record['files'])} vectors in {record['folder']}")
    for tool, found in record.get("tools", {}).items():
        lines.append(f"  {tool}: {found['status']}"
                     + (f", {found['sentence']}" if found.get("sentence") else ""))
    measured = record.get("measured")
    if measured:
        lines += [f"  {len(measured['rows'])} rows, {len(measured['left_out'])} left out for lack "
                  "of time" + ("" if measured["timed"] else "; " + NOT_TIMED)]
        lines.append(measured_text(measured))
    return "\n".join(lines).rstrip() + "\n"


def measured_text(measured: dict) -> str:
    lines = [["layer", "type", "us warm", "min", "max", "us cold", "contender"]]
    for row in measured["rows"]:
        if "refused" in row:
            lines.append([row["layer"], row["type"], "", "", "", "", f"refused: {row['refused']}"])
        for contender in row["contenders"]:
            warm, cold = contender.get("warm"), contender.get("cold")
            cells = [number(warm[k]) if warm else "" for k in ("median_us", "min_us", "max_us")]
            said = contender["name"]
            if contender.get("refused"):
                said += f": refused: {contender['refused']}"
            if contender.get("right") is False:
                said += ": WRONG"
            lines.append([row["layer"], row["type"], *cells,
                          number(cold["median_us"]) if cold else "", said])
    return aligned(lines)


def number(value, unit: str = "") -> str:
    if value is None:
        return ""
    return (f"{value:.3g}" if value < 100 else f"{value:.0f}") + unit


def percent(share) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


# ---- HTML

STYLE = """
body{font:14px sans-serif;color:#222;margin:2em;max-width:80em}
table{border-collapse:collapse;margin:.5em 0 1.5em}
td,th{padding:.15em .7em;text-align:right;border-bottom:1px solid #e4e7ea}
td:first-child,th:first-child,td.left{text-align:left}
th{background:#f4f5f6}.ours{background:#fbf3e2}.apart{color:#8d99a6}.wrong{color:#b00020}
.caveat{color:#b00020}.note{color:#666}
"""


def table(head, rows) -> str:
    """`rows` are (class, cells)."""
    made = ["<table><tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    for kind, cells in rows:
        made.append(f'<tr class="{kind}">' + "".join(f"<td>{escape(c)}</td>" for c in cells)
                    + "</tr>")
    return "\n".join([*made, "</table>"])


def overview(rows, ceilings) -> str:
    head = ["layer", "type", "us warm", "us cold", "% product", "% copy", "% roof",
            "cuDNN x ours", "cuDNN fused", "PyTorch NCHW", "channels_last", "graph", "compiled"]
    lines = []
    for row in rows:
        ours = next((c for c in row["contenders"] if c["name"] == OURS), None)
        warm = median(ours, "warm")
        compiled = [ratio(row, f"PyTorch {form} channels_last")
                    for form in ("compiled", "reduce-overhead")]
        compiled = [r for r in compiled if r is not None]
        lines.append(("", [
            row["layer"], row["type"],
            number(warm) or ("ran" if ours and not ours.get("refused") else "no kernel yet"),
            number(median(ours, "cold")),
            *(percent(s) for s in (shares(row, warm, ceilings) if warm else (None,) * 3)),
            number(ratio(row, "cuDNN")), number(ratio(row, "cuDNN fused")),
            number(ratio(row, "PyTorch eager NCHW")),
            number(ratio(row, "PyTorch eager channels_last")),
            number(ratio(row, "PyTorch graph channels_last")),
            number(min(compiled, default=None))]))
    return table(head, lines)


def detail(row, ceilings) -> str:
    head = ["contender", "us warm", "min", "p90", "x ours", "us cold", "x ours", "TFLOP/s",
            "% product", "% copy", "rel. L2", "how"]
    lines = []
    for c in row["contenders"]:
        warm, cold = median(c, "warm"), median(c, "cold")
        if c.get("refused"):
            lines.append(("apart", [c["name"], *[""] * 10, f"refused: {c['refused']}"]))
            continue
        of_product, of_copy, _ = shares(row, warm, ceilings) if warm else (None,) * 3
        error = c.get("relative_l2")
        how = ("WRONG: " if c.get("right") is False else "") + c.get("how", "")
        lines.append(("ours" if c["name"] == OURS else "wrong" if c.get("right") is False else "", [
            c["name"], number(warm) or "not timed",
            *(number(c["warm"][k]) if warm else "" for k in ("min_us", "p90_us")),
            number(ratio(row, c["name"])) if c["name"] != OURS else "", number(cold),
            number(ratio(row, c["name"], "cold")) if c["name"] != OURS else "",
            number(row["flops"] / warm * 1e-6) if warm and row.get("flops") else "",
            percent(of_product), percent(of_copy),
            "" if error is None else f"{error:.1e}", how]))
    said = row.get("description") or " ".join(
        [row["op"], "x".join(map(str, row["input"])),
         *(f"{k}={v}" for k, v in row.get("settings", {}).items())])
    facts = [f"{row['flops'] * 1e-9:.3g} GFLOP" if row.get("flops") else "",
             f"{row['bytes'] * 1e-6:.3g} MB" if row.get("bytes") else ""]
    refused = f"<p class=caveat>refused: {escape(row['refused'])}</p>" if "refused" in row else ""
    return (f"<h3>{escape(row['layer'])}, {escape(row['type'])}</h3>"
            f"<p class=note>{escape(said)}; {escape(', '.join(filter(None, facts)))}</p>"
            + refused + table(head, lines))


def html(records: dict) -> str:
    some = next(iter(records.values()))
    dry = any(record["emulated"] for record in records.values())
    title = f"DRY RUN, {NOT_TIMED}: Kintsugi's CUDA kernels on the emulator" if dry else \
        f"Kintsugi's CUDA kernels on {some['gpu']}"
    rows, ceilings = rows_of(records), ceilings_of(records)
    parts = [f"<h1>{escape(title)}</h1>"]
    parts += [f"<p class=caveat>not for publication: {escape(s)}</p>" for s in caveats(records)]
    parts += [f"<p class=note>left out: {escape(s)}</p>" for s in left_out(records)]
    head = ["stage", "outcome", "seconds", "commit", "date", "driver", "clocks after"]
    parts.append(table(head, [
        ("", [stage, ": ".join(filter(None, (record["status"], record.get("sentence")))),
              f"{record['seconds']:.0f}", record["commit"], record["date"],
              record["driver"] or "", ", ".join(record["after"].values())])
        for stage, record in records.items()]))
    if ceilings and ceilings["copy"]["bytes_per_second"]:
        parts.append(f"<p>Ceilings, measured in the same run: copy "
                     f"{ceilings['copy']['bytes_per_second'] * 1e-12:.2f} TB/s "
                     f"({escape(ceilings['copy']['by'])}); " + "; ".join(
                         f"{escape(name)} {value['flops_per_second'] * 1e-12:.0f} TFLOP/s "
                         f"({escape(value['by'])})"
                         for name, value in ceilings["product"].items()) + "</p>")
    if rows:
        parts += ["<p class=note>Columns of other libraries are their time to ours, caches warm: "
                  "above 1 they take longer. % roof is of the nearer ceiling.</p>",
                  overview(rows, ceilings), "<h2>Layer by layer</h2>"]
        parts += [detail(row, ceilings) for row in rows]
    return ("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n"
            + "\n".join(parts) + "\n</body></html>\n")


def write(folder) -> None:
    records = read(folder)
    if records:
        write_whole(Path(folder) / "report.html", html(records))


def main(arguments) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("report: it takes one folder, that of a GPU's results", file=sys.stderr)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    if not read(arguments[0]):
        print(f"report: {arguments[0]} holds no stage's JSON", file=sys.stderr)
        return 1
    write(arguments[0])
    print(Path(arguments[0]) / "report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
