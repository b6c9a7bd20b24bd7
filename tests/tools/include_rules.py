# SPDX-License-Identifier: MIT
"""The rules of the house that a compiler does not check, and what breaks them.

Who may include whom, what only `kernels/device` may write, which words a network does not know,
how long a file may be, and that every source names its licence. `violations(root)` returns one
sentence for each breach; tests/tools/include_rules_test.py expects none.

    python3 tests/tools/include_rules.py        prints the breaches of this tree
"""

import re
import sys
from pathlib import Path

CODE = (".h", ".hpp", ".cpp", ".cu", ".cuh")
SCRIPTS = (".py", ".sh", ".cmake", "CMakeLists.txt", ".cmake.in", ".pc.in")
FOLDERS = ("kernels", "runtime", "weights_tools", "python_export", "benchmarks", "tests",
           "examples", "scripts", "cmake", ".ci")

# ---- Who may include whom ----------------------------------------------------------------------
#
# The longest key that is a prefix of a file's path speaks for it. A value lists what the file may
# include beside its own folder: `{op}` stands for every op, so "kernels/{op}/{op}.h" is a contract.
# Third-party headers count like our own. What is named nowhere below (the standard library, POSIX)
# is free.

PUBLIC = "kintsugi/"
VOCABULARY = ["kernels/core/error.h", "kernels/core/shape.h"]  # installed beside the public headers
CONTRACTS = ["kernels/{op}/{op}.h"]
# An op as callers see it that name none.
ANY_OP = ["kernels/contract/any_op.h", "kernels/contract/ops.h"]
# The ops that fusing and folding are about, and the copies that the planner inserts.
PLANNED_BY_NAME = [f"kernels/{op}/{op}.h" for op in (
    "conv2d", "conv_transpose2d", "copy", "elementwise", "pad", "resample")]
# The descriptions of images at the ends of a graph.
IMAGES = ["kernels/to_image/to_image.h", "kernels/to_tensor/to_tensor.h"]
# How many lanes there are and how threads are asked for: part of every contract's signature.
CPU_FACADE = ["kernels/simd/isa.h", "kernels/simd/parallel.h"]

# Made from kernels/ops.list: includes every op.
LIST_OF_OPS = "kernels/ops.h"
MOST_THAT_SEE_EVERY_OP = 4

MAY_INCLUDE = {
    "kernels/core": [],
    # And it interprets step lists (steps.cuh).
    "kernels/device": ["kernels/core/error.h", "kernels/core/functions.def", "kernels/core/half.h",
                       "kernels/core/normal_tail.h", "kernels/core/steps.h", "cuda"],
    # The same header names, for g++.
    "kernels/emulator": ["kernels/core/error.h", "kernels/core/half.h", "kernels/device/"],
    "kernels/simd": ["kernels/core/", "hwy/"],
    # What every op answers. The list of them is made by the build.
    "kernels/contract": ["kernels/core/", "kernels/device/api.h", "kernels/device/traffic.h",
                         *CPU_FACADE, LIST_OF_OPS, "kernels/op_cases.h"],
    # What both convolutions share: their contract, and all of their CUDA kernels.
    "kernels/implicit_gemm": ["kernels/contract/", "kernels/core/", "kernels/device/"],
    "kernels/{op}": ["kernels/contract/", "kernels/core/", "kernels/device/",
                     "kernels/implicit_gemm/", "kernels/simd/", "hwy/"],

    "runtime/include/kintsugi": [PUBLIC, *VOCABULARY],
    # write_file of the public header lives here.
    "runtime/io": ["kernels/core/", PUBLIC],
    # read_tensors and write_tensors of the public header live here.
    "runtime/weights": ["kernels/core/", "runtime/io/", "nlohmann/", PUBLIC],
    # A node names the weights it needs, so recording knows of typed lookup and of key maps.
    "runtime/graph": ["kernels/core/", *ANY_OP, *CONTRACTS, "runtime/weights/"],
    "runtime/plan": ["kernels/core/", *ANY_OP, *PLANNED_BY_NAME, *CPU_FACADE,
                     "kernels/device/api.h", "runtime/graph/", "runtime/io/text.h",
                     "runtime/weights/"],
    "runtime/execute": ["kernels/core/", *ANY_OP, *CPU_FACADE, "kernels/contract/launch.h",
                        "kernels/device/api.h",
                        "runtime/graph/", "runtime/plan/", "runtime/weights/"],
    # What stands behind the public header: finds a network in the registry, plans it, runs it.
    "runtime/session": ["kernels/core/", *ANY_OP, *IMAGES, *CPU_FACADE, "kernels/simd/probe.h",
                        "kernels/device/api.h", "runtime/graph/", "runtime/plan/",
                        "runtime/execute/", "runtime/weights/", "runtime/io/", "runtime/image/",
                        "runtime/networks/network.h", "runtime/program/", "nlohmann/", PUBLIC],
    # What a file is to the session, and what a network's tasks are written with.
    "runtime/program": [*VOCABULARY, *IMAGES, "runtime/graph/", "runtime/image/", "runtime/io/text.h",
                        "runtime/weights/", PUBLIC],
    # The registry recognises files; it alone sees weights, metadata and whole graphs.
    "runtime/networks": [*VOCABULARY, "runtime/graph/", "runtime/io/text.h", "runtime/program/", "runtime/weights/",
                         "nlohmann/", PUBLIC],
    # A network records, names its keys and says what its task does with pictures.
    "runtime/networks/{network}": [*VOCABULARY, "runtime/graph/nn.h", "runtime/graph/scope.h",
                                   "runtime/image/", "runtime/networks/network.h",
                                   "runtime/networks/norms.h", "runtime/program/cuts.h",
                                   "runtime/weights/key_map.h", PUBLIC],
    # What a sample means is said once, for kernels and for the host.
    "runtime/image": ["kernels/core/", "kernels/simd/parallel.h", "runtime/io/", "stb", PUBLIC],
    # numpy's generator on the host.
    "runtime/random": ["kernels/core/error.h"],
    "runtime/cli": [PUBLIC, "CLI/", "nlohmann/"],

    "weights_tools": ["kernels/core/", "runtime/weights/", "CLI/", "nlohmann/", PUBLIC],
    "examples": [PUBLIC],
    "tests/consumer": [PUBLIC],
    "tests": ["kernels/", "runtime/", "tests/", "hwy/", "nlohmann/", "gtest/", "gmock/", "Random123/",
              PUBLIC],
    "benchmarks": ["kernels/", "runtime/", "tests/", "hwy/", "nlohmann/", "benchmark/", "cudnn", "cuda",
                   PUBLIC],
}

# Not an op, though it stands beside them.
NOT_OPS = ("contract", "core", "device", "emulator", "implicit_gemm", "simd")

RULED = ("kernels/", "runtime/", "weights_tools/", "benchmarks/", "tests/", "examples/", PUBLIC,
         "hwy/", "nlohmann/", "CLI/", "stb", "gtest/", "gmock/", "benchmark/", "Random123/",
         "cuda", "cudnn", "torch/", "opencv")

# ---- What a file may say -----------------------------------------------------------------------

ONLY_IN_DEVICE = re.compile(r"<<<|__global__|__shared__|__device__|\basm\b|__asm")
# Leaving one stack for another cannot be said in C++.
ASSEMBLY_AFTER_ALL = ("kernels/emulator/fiber_switch.cpp",)
CUDA_CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b.*(?:CUDA|NVCC)", re.M)
CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b", re.M)

# A network states what is computed. Where values stand and where they run is others' affair.
NOT_IN_NETWORKS = re.compile(r"layout|device|stream|memory|nhwc", re.I)
# The same letters in another sense: how a port names its keys, a paper's own term, an include.
IN_NETWORKS_AFTER_ALL = re.compile(
    r"key[_ ]?layouts?|detection\.layout|\blayouts\(\)|memory_(?:match|bank)|[io]?stringstream"
    r"|#[ \t]*include[^\n]*", re.I)
# In these files "layout" can only mean how a port names its keys.
KEY_TABLES = re.compile(r"^runtime/networks/(?:.*/keys\.(?:cpp|h)|[^/]*)$")

MAX_LINES = 400
LONGER_WITH_REASON = {
    # path: reason
}


def blank_strings(text: str) -> str:
    """The text with string and character literals emptied, line breaks kept; includes stay."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|^[ \t]*#[ \t]*include[^\n]*|R"([^()\s\\]*)\(.*?\)\1"'
        r'|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S | re.M)

    def replace(match):
        token = match.group(0)
        if token.startswith(("//", "/*")) or token.lstrip().startswith("#"):
            return token
        return '""' + "\n" * token.count("\n")

    return pattern.sub(replace, text)


def blank_comments(text: str) -> str:
    """Expects the result of blank_strings."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)


def ops(root: Path) -> set:
    folders = root / "kernels"
    return {p.name for p in folders.iterdir() if p.is_dir() and p.name not in NOT_OPS} \
        if folders.is_dir() else set()


def rule_of(path: str) -> str:
    """The key of MAY_INCLUDE that speaks for a file, or an empty string."""
    parts = path.split("/")
    if parts[0] == "kernels" and len(parts) > 2 and parts[1] not in NOT_OPS:
        return "kernels/{op}"
    if path.startswith("runtime/networks/") and len(parts) > 3:
        return "runtime/networks/{network}"
    matching = [key for key in MAY_INCLUDE if path.startswith(key + "/")]
    return max(matching, key=len, default="")


def allowed(path: str, included: str, all_ops: set) -> bool:
    if not included.startswith(RULED):
        return True  # the standard library, the operating system
    if "/" not in included and not included.startswith(("stb", "cuda", "cudnn")):
        return True
    rule = rule_of(path)
    if not rule:
        return False
    own = "/".join(path.split("/")[:len(rule.split("/"))])
    if included.startswith(own + "/"):
        return True
    for entry in MAY_INCLUDE[rule]:
        if "{op}" in entry:
            if any(included == entry.replace("{op}", op) for op in all_ops):
                return True
        elif included.startswith(entry):
            return True
    return False


def check_code(path: str, text: str, all_ops: set) -> list:
    found = []

    def say(position: int, sentence: str):
        line = text.count("\n", 0, position) + 1
        found.append(f"{path}:{line}: {sentence}")

    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', text, re.M):
        included = match.group(1)
        if included.startswith(("./", "../")) or "/../" in included:
            say(match.start(), f"includes {included} by a relative path; say it from the root")
        elif not allowed(path, included, all_ops):
            say(match.start(), f"may not include {included}")

    # Positions below are right only up to a line, which is all that is reported.
    said = blank_strings(text)
    code = blank_comments(said)
    line_of = lambda source, position: source.count("\n", 0, position) + 1

    if not path.startswith("kernels/device/"):
        for match in ONLY_IN_DEVICE.finditer(code):
            if match.group(0) == "asm" and path in ASSEMBLY_AFTER_ALL:
                continue
            found.append(f"{path}:{line_of(code, match.start())}: {match.group(0)} belongs in "
                         "kernels/device")
        # One text for nvcc and for the emulator.
        for match in CONDITIONAL.finditer(code) if path.endswith((".cu", ".cuh")) and \
                not path.startswith("kernels/emulator/") else ():
            found.append(f"{path}:{line_of(code, match.start())}: a kernel has no conditional "
                         "compilation")
        for match in CUDA_CONDITIONAL.finditer(code):
            found.append(f"{path}:{line_of(code, match.start())}: an absent backend is a folder "
                         "that the build chooses, not a conditional")

    if path.startswith("runtime/networks/"):
        words = IN_NETWORKS_AFTER_ALL.sub(lambda m: "_" * len(m.group(0)), said)
        for match in NOT_IN_NETWORKS.finditer(words):
            if match.group(0).lower() == "layout" and KEY_TABLES.match(path):
                continue
            found.append(f"{path}:{line_of(words, match.start())}: a network does not know the "
                         f"word '{match.group(0)}'")

    lines = text.count("\n")
    if lines > MAX_LINES and path not in LONGER_WITH_REASON:
        found.append(f"{path}: {lines} lines; split it, or give the reason in "
                     "tests/tools/include_rules.py")
    return found


def check_licence(path: str, text: str) -> list:
    if "SPDX-License-Identifier: MIT" in "\n".join(text.splitlines()[:3]):
        return []
    return [f"{path}: has no line 'SPDX-License-Identifier: MIT' at its head"]


def violations(root: Path) -> list:
    found = []
    all_ops = ops(root)
    see_every_op = []
    files = [root / "CMakeLists.txt"] if (root / "CMakeLists.txt").is_file() else []
    for folder in FOLDERS:
        files += sorted(p for p in (root / folder).rglob("*") if p.is_file())
    for file in files:
        path = file.relative_to(root).as_posix()
        is_code = path.endswith(CODE)
        if not is_code and not path.endswith(SCRIPTS) and not path.startswith(".ci/"):
            continue
        if "__pycache__" in path:
            continue
        text = file.read_text(encoding="utf-8")
        if text:
            found += check_licence(path, text)
        if is_code:
            found += check_code(path, text, all_ops)
            if f'#include "{LIST_OF_OPS}"' in text:
                see_every_op.append(path)
                if not path.endswith(".cpp"):
                    found.append(f"{path}: a header may not include every op ({LIST_OF_OPS})")
    if len(see_every_op) > MOST_THAT_SEE_EVERY_OP:
        found.append(f"{LIST_OF_OPS} is included by {len(see_every_op)} files, at most "
                     f"{MOST_THAT_SEE_EVERY_OP} may: {', '.join(see_every_op)}")
    for path in LONGER_WITH_REASON:
        if not (root / path).is_file():
            found.append(f"{path}: is excused in include_rules.py, but does not exist")
    return found


if __name__ == "__main__":
    breaches = violations(Path(__file__).resolve().parents[2])
    print("\n".join(breaches) if breaches else "no breach")
    sys.exit(1 if breaches else 0)
