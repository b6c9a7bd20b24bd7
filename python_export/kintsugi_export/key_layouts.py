# SPDX-License-Identifier: MIT
"""Reads a network's keys.txt, the key layouts of its ports as data.

The file stands beside the C++ network, which is compiled with it; runtime/networks/README.md describes the
format, and tests/weights/key_layouts_cases.txt holds both readers to it.
"""

import functools
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from .errors import ExportError

NETWORKS = Path(__file__).resolve().parents[2] / "runtime" / "networks"
NAME = re.compile(r"\w+(?:\.\w+)*", re.ASCII)
LAYOUT = re.compile(rf'\s*({NAME.pattern})\s*"([^"]+)"', re.ASCII)
RANGE = re.compile(r"i\s+in\s+([0-9]+)\s*\.\.\s*([0-9]+)")


class Layout(NamedTuple):
    """How one port names its modules; what `modules` does not mention keeps its canonical name."""

    name: str
    source: str
    modules: Dict[str, str]  # {canonical: stored}
    required: List[str]  # canonical keys that every file of this layout has

    def stored(self, path: str) -> str:
        """A canonical path as the port has it: the longest entry that is it or a parent decides."""
        known, rest = path, ""
        while known:
            if known in self.modules:
                return self.modules[known] + rest
            known, dot, last = known.rpartition(".")
            rest = dot + last + rest
        return path


@functools.lru_cache(maxsize=None)
def read_layouts(network: str) -> Dict[str, Layout]:
    """{name: layout}, in the order of the file, of the network in the folder of this name.

    Raises ExportError if the file is not there or malformed.
    """
    file = NETWORKS / network / "keys.txt"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ExportError(
            f"{file} is missing: kintsugi_export runs from a checkout of the whole repository, "
            "which has the key layouts beside its C++ networks"
        ) from None
    return parse(str(file), text)


def parse(file: str, text: str) -> Dict[str, Layout]:
    """The layouts that a keys.txt describes; `file` names it in an ExportError, with the line."""
    return _Parser(file).parse(text)


class _Parser:
    def __init__(self, file: str):
        self.file, self.line = file, 0
        self.common: List[str] = []  # required, of every layout
        self.layouts: Dict[str, Layout] = {}
        self.last: Optional[Layout] = None

    def parse(self, text: str) -> Dict[str, Layout]:
        for line in text.splitlines():
            self.line += 1
            line = line.partition("#")[0].strip()
            if line:
                self.read(line)
        self.finish_layout()
        if self.last is None:
            raise self.error("no layout")
        return self.layouts

    def error(self, sentence: str) -> ExportError:
        return ExportError(f"{self.file}:{self.line}: {sentence}")

    def read(self, line: str) -> None:
        if line.startswith("layout "):
            self.open_layout(line[len("layout ") :])
            return
        requires_keys = line.startswith("require ")
        if not requires_keys and self.last is None:
            raise self.error("a row stands before the first layout")
        line = line[len("require ") :] if requires_keys else line
        entries, ranged, text = line.partition(" for ")
        for i in self.range_of(text) if ranged else (None,):
            for entry in map(str.strip, entries.split(",")):
                if requires_keys:
                    self.add_required(self.expanded(entry, i))
                else:
                    self.add_row(entry, i)

    def open_layout(self, text: str) -> None:
        self.finish_layout()
        found = LAYOUT.fullmatch(text)
        if not found or not found[2].strip():
            raise self.error('a layout is written: layout NAME "WHERE IT IS FROM"')
        name, source = found[1], found[2].strip()
        if name in self.layouts:
            raise self.error(f"layout '{name}' stands twice")
        self.last = self.layouts[name] = Layout(name, source, {}, list(self.common))

    def finish_layout(self) -> None:
        if self.last is not None and not self.last.required:
            raise self.error(f"layout '{self.last.name}' ends without a required key")

    def range_of(self, text: str) -> range:
        """Of what stands behind "for"."""
        found = RANGE.fullmatch(text.strip())
        if not found or int(found[1]) > int(found[2]):
            raise self.error(f"'for {text.strip()}' is not a range: for i in FIRST..LAST")
        return range(int(found[1]), int(found[2]) + 1)

    def expanded(self, pattern: str, i: Optional[int]) -> str:
        """`pattern` with numbers for {i}, {i+N} and {i-N}."""
        name = re.sub(r"\{([^}]*)\}", lambda match: self.counted(match[1], i), pattern)
        if not NAME.fullmatch(name):
            raise self.error(f"'{pattern}' is not a name")
        return name

    def counted(self, text: str, i: Optional[int]) -> str:
        """Of what stands between braces."""
        found = re.fullmatch(r"i(?:([+-])([0-9]+))?", text)
        if not found:
            raise self.error(f"'{{{text}}}' is none of {{i}}, {{i+N}} and {{i-N}}")
        if i is None:
            raise self.error(f"'{{{text}}}' stands without a range: for i in FIRST..LAST")
        number = i + int((found[1] or "+") + (found[2] or "0"))
        if number < 0:
            raise self.error(f"'{{{text}}}' is negative where i is {i}")
        return str(number)

    def add_required(self, key: str) -> None:
        required = self.common if self.last is None else self.last.required
        if key in required:
            raise self.error(f"'{key}' is required twice")
        required.append(key)

    def add_row(self, entry: str, i: Optional[int]) -> None:
        canonical, equals, stored = entry.partition("=")
        if not equals:
            raise self.error(
                f"'{entry}' is none of: NAME = STORED, require KEY, layout NAME \"WHERE IT IS FROM\""
            )
        canonical = self.expanded(canonical.strip(), i)
        if canonical in self.last.modules:
            raise self.error(f"'{canonical}' stands twice in layout '{self.last.name}'")
        self.last.modules[canonical] = self.expanded(stored.strip(), i)
