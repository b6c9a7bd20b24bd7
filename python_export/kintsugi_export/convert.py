# SPDX-License-Identifier: MIT
"""Makes a model file from a checkpoint: the original state-dict keys, with metadata about them."""

import json
from pathlib import Path
from typing import Dict, Optional

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
) -> str:
    """Writes `target` and returns a line that says what it holds.

    `options` go to the network's `metadata` (GLCIC: `mean`); what they leave open is taken from the
    source where it says so.  ModelSpec entries of a .safetensors source are kept where `title` and
    `licence` do not replace them.  Raises ExportError or OSError.
    """
    refuse_overwriting(target, source)
    module = NETWORKS[network]
    loaded = checkpoint.load(source, module.BESIDE)
    state = loaded.state
    config = module.recognise({key: value.shape for key, value in state.items()})
    if loaded.modules is not None:
        module.check_torch7(loaded.modules)
    options = {**_stated(source, module, loaded.settings), **(options or {})}
    safetensors.write(
        target,
        state,
        _metadata(network, module.metadata(config, **options), loaded.metadata, title, licence),
        DTYPES[dtype],
    )
    parameters = sum(value.size for value in state.values() if value.dtype.kind == "f")
    details = ", ".join(f"{name} {value}" for name, value in config._asdict().items())
    line = f"{target}: {network} ({details}), {len(state)} tensors, {parameters} values, {dtype}"
    return "; ".join(filter(None, (line, module.missing(config, **options))))


def port_settings(network: str, path) -> dict:
    """The options that a port's own settings file, JSON, states.  Raises ExportError or OSError."""
    try:
        settings = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(settings, dict):
        raise ExportError(f"{path}: not a JSON object")
    options = _stated(path, NETWORKS[network], settings)
    if not options:
        raise ExportError(f"{path}: nothing in it is of use to {network}")
    return options


def _stated(path, module, settings: dict) -> dict:
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
