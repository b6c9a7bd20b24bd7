# SPDX-License-Identifier: MIT
"""Makes a model file from a checkpoint: the original state-dict keys, with metadata about them."""

import json
from pathlib import Path
from typing import Dict, Optional, Tuple

import numpy as np

from . import checkpoint, safetensors
from .errors import ExportError, refuse_overwriting
from .networks import NETWORKS

DTYPES = {"f32": "F32", "f16": "F16", "bf16": "BF16"}


def convert(
    network: str,
    source,
    target,
    dtype: str = "f32",
    options: Optional[dict] = None,
    title: Optional[str] = None,
    licence: Optional[str] = None,
    prefix: str = "",
) -> str:
    """Writes `target` and returns a line that says what it holds.

    `options` go to the network's `settled` and `metadata` (GLCIC: `mean`); what they leave open is
    taken from the source where it says so.  ModelSpec entries of a .safetensors source are kept
    where `title` and `licence` do not replace them.  Of several networks in the source, `prefix`
    chooses the one whose keys start with it.  Raises ExportError or OSError.
    """
    refuse_overwriting(target, source)
    module = NETWORKS[network]
    for name in options or {}:
        if name not in module.OPTIONS:
            raise ExportError(f"{network} has no {name} to state")
    loaded = checkpoint.load(source, module.BESIDE, prefix)
    found, state = _own(source, module, loaded.state)
    config = module.recognise({key: value.shape for key, value in state.items()})
    if loaded.modules is not None:
        module.check_torch7(loaded.modules)
    options = {**stated(source, module, loaded.settings), **(options or {})}
    config = module.settled(config, **options)
    left_out = module.unread(config, list(state))
    state = {key: value for key, value in state.items() if key not in left_out}
    safetensors.write(
        target,
        state,
        _metadata(network, module.metadata(config, **options), loaded.metadata, title, licence),
        DTYPES[dtype],
    )
    parameters = sum(value.size for value in state.values() if value.dtype.kind == "f")
    details = ", ".join(f"{name} {value}" for name, value in config._asdict().items())
    line = f"{target}: {network} ({details}), {len(state)} tensors, {parameters} values, {dtype}"
    notes = [f"taken from behind '{found}'" if found else ""]
    if left_out:
        notes.append(f"{len(left_out)} statistics left out that its norms do not use")
    return "; ".join(filter(None, (line, *notes, module.missing(config, **options))))


def _own(source, module, state: Dict[str, np.ndarray]) -> Tuple[str, Dict[str, np.ndarray]]:
    """(prefix, state dict without it) of the network in the file that is this one."""
    if module.ROOT is None:
        return "", state
    parts = checkpoint.parts(state, module.ROOT)
    fitting = [prefix for prefix, part in parts.items() if _fits(module, part)]
    if len(fitting) > 1:
        listed = " and ".join(f"'{prefix}'" for prefix in fitting)
        raise ExportError(
            f"{source}: several such networks are in it, behind {listed}: see --prefix"
        )
    # What fits not at all is told by `recognise`, of the largest of them.
    prefix = fitting[0] if fitting else max(parts, key=lambda name: len(parts[name]))
    return prefix, parts[prefix]


def _fits(module, state: Dict[str, np.ndarray]) -> bool:
    try:
        module.recognise({key: value.shape for key, value in state.items()})
    except ExportError:
        return False
    return True


def port_settings(network: str, path) -> dict:
    """The options that a port's own settings file, JSON, states.  Raises ExportError or OSError."""
    try:
        settings = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(settings, dict):
        raise ExportError(f"{path}: not a JSON object")
    options = stated(path, NETWORKS[network], settings)
    if not options:
        raise ExportError(f"{path}: nothing in it is of use to {network}")
    return options


def stated(path, module, settings: dict) -> dict:
    """The options that settings found in `path` state.  Raises ExportError."""
    try:
        return module.stated(settings)
    except ExportError as error:
        raise ExportError(f"{path}: {error}") from None


def _metadata(network: str, config: dict, found: Dict[str, str], title, licence) -> Dict[str, str]:
    metadata = {
        "format": "pt",
        "kintsugi.network": network,
        "kintsugi.config": json.dumps(config),
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": network,
        "modelspec.title": network,
    }
    metadata.update((key, value) for key, value in found.items() if key.startswith("modelspec."))
    if title is not None:
        metadata["modelspec.title"] = title
    if licence is not None:
        metadata["modelspec.license"] = licence
    return metadata
