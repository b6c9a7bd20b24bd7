# SPDX-License-Identifier: MIT
"""The one exception of this package: a sentence the user can act on."""

from pathlib import Path


class ExportError(Exception):
    """Something is wrong with a file or an argument; `str()` is one sentence for the user."""


def refuse_overwriting(target, *sources) -> None:
    """Raises ExportError if writing `target` would replace one of the files it is made from."""
    for source in filter(None, sources):
        if Path(target).exists() and Path(source).exists() and Path(target).samefile(source):
            raise ExportError(f"{target}: the output would overwrite the input")
