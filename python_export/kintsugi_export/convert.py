# SPDX-License-Identifier: MIT
"""Makes a model file from a checkpoint: the original state-dict keys, with metadata about them."""

import json
from typing import Dict, Optional

from . import checkpoint, safetensors
from .errors import refuse_overwriting
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

    `options` go to the network's `metadata` (GLCIC: `mean`).  ModelSpec entries of a .safetensors
    source are kept where `title` and `licence` do not replace them.  Raises ExportError or OSError.
    """
    refuse_overwriting(target, source)
    state, found = checkpoint.load(source)
    module = NETWORKS[network]
    config = module.recognise({key: value.shape for key, value in state.items()})
    safetensors.write(
        target,
        state,
        _metadata(network, module.metadata(**options or {}), found, title, licence),
        DTYPES[dtype],
    )
    parameters = sum(value.size for value in state.values() if value.dtype.kind == "f")
    details = ", ".join(f"{name} {value}" for name, value in config._asdict().items())
    return f"{target}: {network} ({details}), {len(state)} tensors, {parameters} values, {dtype}"


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
