# SPDX-License-Identifier: MIT
"""Finds the state dict in a checkpoint: inside the usual wrappers, behind the usual prefixes."""

import json
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from . import mindspore, safetensors, torch7, torch_pickle
from .errors import ExportError

WRAPPERS = ("state_dict", "params_ema", "params", "model", "net", "G")
PREFIXES = ("module.", "main.")


class Checkpoint(NamedTuple):
    """A state dict, and what its file says beside it."""

    state: Dict[str, np.ndarray]
    metadata: Dict[str, str] = {}  # of a .safetensors file
    settings: dict = {}  # such as the mean: a .t7 file's, or the `kintsugi.config` of a model file
    modules: Optional[List[torch7.Module]] = None  # of a .t7 file, whose keys say less than others


def load(path, beside: Sequence[str] = (), prefix: str = "") -> Checkpoint:
    """What a .safetensors, .pt, .pth, .t7 or .ckpt file holds; nothing in it is executed.

    Keys behind one of the prefixes `beside` are taken and all others left: a file may hold several
    networks.  Keys behind `prefix` alone are taken if it is given.
    Raises ExportError with one sentence if the file is not a checkpoint of tensors.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        state, metadata = safetensors.read(path)
        found = Checkpoint(state, metadata, settings_of(path, metadata))
    elif path.suffix == ".t7":
        network = torch7.read(path)
        found = Checkpoint(network.state, {}, network.settings, network.modules)
    elif path.suffix == ".ckpt" and not torch_pickle.is_one(path):  # Lightning has .ckpt as well
        found = Checkpoint(mindspore.read(path))
    else:
        content, fetch = torch_pickle.read(path)
        found = Checkpoint({key: fetch(leaf) for key, leaf in unwrap(path, content).items()})
    if not found.state:
        raise ExportError(f"{path}: no tensors in it")
    state = found.state
    if prefix:
        state = strip_prefixes(state)
        state = {key[len(prefix) :]: state[key] for key in state if key.startswith(prefix)}
        if not state:
            raise ExportError(f"{path}: no key in it starts with '{prefix}'")
    return found._replace(state=strip_prefixes(state, beside))


def settings_of(path, metadata: Dict[str, str]) -> dict:
    """The `kintsugi.config` of a model file, which may be empty.  Raises ExportError."""
    try:
        settings = json.loads(metadata.get("kintsugi.config", "{}"))
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise ExportError(f"{path}: `kintsugi.config` in the metadata is not a JSON object")
    return settings


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


def strip_prefixes(
    state: Dict[str, np.ndarray], beside: Sequence[str] = ()
) -> Dict[str, np.ndarray]:
    """Without `module.` and the like before every key; a prefix of `beside` selects its keys."""
    while True:
        for prefix in (*PREFIXES, *beside):
            inside = [key for key in state if key.startswith(prefix)]
            if inside and (len(inside) == len(state) or prefix in beside):
                state = {key[len(prefix) :]: state[key] for key in inside}
                break
        else:
            return state


def parts(state: Dict[str, np.ndarray], root: str) -> Dict[str, Dict[str, np.ndarray]]:
    """{prefix: state dict without it}: of a key, all before the first match of `root` is a prefix.

    Keys without a match have none.
    """
    found: Dict[str, Dict[str, np.ndarray]] = {}
    for key, value in state.items():
        match = re.search(root, key)
        begin = match.start() if match else 0
        found.setdefault(key[:begin], {})[key[begin:]] = value
    return found
