# SPDX-License-Identifier: MIT
"""Finds the state dict in a checkpoint: inside the usual wrappers, behind the usual prefixes."""

from pathlib import Path
from typing import Dict, Tuple

import numpy as np

from . import safetensors, torch_pickle
from .errors import ExportError

WRAPPERS = ("state_dict", "params_ema", "params", "model", "net", "G")
PREFIXES = ("module.", "netG.", "generator.", "main.")
GENERATORS = ("netG.", "generator.")  # beside these, other networks may be in the file


def load(path) -> Tuple[Dict[str, np.ndarray], Dict[str, str]]:
    """(state dict, metadata) of a .safetensors, .pt or .pth file; nothing in it is executed.

    Raises ExportError with one sentence if the file is not a checkpoint of tensors.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        state, metadata = safetensors.read(path)
    else:
        content, fetch = torch_pickle.read(path)
        state, metadata = {key: fetch(leaf) for key, leaf in unwrap(path, content).items()}, {}
    if not state:
        raise ExportError(f"{path}: no tensors in it")
    return strip_prefixes(state), metadata


def unwrap(path, content) -> Dict[str, torch_pickle.Tensor]:
    """The state dict inside `{"state_dict": {...}, "epoch": 3}` and the like, at any depth."""
    while isinstance(content, dict) and not _is_state(content):
        inner = next(
            (content[name] for name in WRAPPERS if isinstance(content.get(name), dict)), None
        )
        if inner is None:
            break
        content = inner
    if not (isinstance(content, dict) and _is_state(content)):
        what = (
            f"a dict with {', '.join(repr(key) for key in list(content)[:6])}"
            if isinstance(content, dict)
            else f"a {type(content).__name__}"
        )
        raise ExportError(f"{path}: no state dict found: the file holds {what}")
    return content


def _is_state(content: dict) -> bool:
    return all(
        isinstance(key, str) and isinstance(value, torch_pickle.Tensor)
        for key, value in content.items()
    )


def strip_prefixes(state: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Without `module.` and the like before every key; a generator's prefix selects its keys."""
    while True:
        for prefix in PREFIXES:
            inside = [key for key in state if key.startswith(prefix)]
            if inside and (len(inside) == len(state) or prefix in GENERATORS):
                state = {key[len(prefix) :]: state[key] for key in inside}
                break
        else:
            return state
