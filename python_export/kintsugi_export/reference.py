# SPDX-License-Identifier: MIT
"""Runs the PyTorch definition of a network and keeps every module's output, to verify others by.

A reference file holds `input/<name>`, `output/<name>` and `tap/<module path>` for every module that
has no children; a module path is the state-dict prefix of the file's own layout.  What a module
gives when it runs again, as in a block that is used several times, is `tap/<module path>#2` and on.
"""

from typing import Dict, NamedTuple

import numpy as np
import torch

from . import checkpoint, safetensors
from .convert import stated
from .errors import ExportError, refuse_overwriting
from .networks import NETWORKS


class Example(NamedTuple):
    """The size and the seed of an input made up by the network's `example`."""

    batch: int = 1
    height: int = 256
    width: int = 256
    seed: int = 0


def reference(network: str, model, target, example=Example(), inputs=None, double=False) -> str:
    """Writes `target` and returns a line that says what it holds.

    `inputs` names a .safetensors file with `input/<name>` or `<name>` and takes the place of the
    example.  `double` computes in float64; float32 is stored either way.  Raises ExportError or
    OSError.
    """
    refuse_overwriting(target, model, inputs)
    state, metadata = safetensors.read(model)
    module = NETWORKS[network]
    config = module.recognise({key: value.shape for key, value in state.items()})
    options = stated(model, module, checkpoint.settings_of(model, metadata))
    config = module.settled(config, **options)
    built = module.build(config)
    if inputs is None:
        random = np.random.default_rng(example.seed)
        given = module.example(random, example.batch, example.height, example.width, config)
    else:
        given = _read_inputs(inputs, module.INPUTS)
    tensors = run(built, state, given, module.OUTPUTS, torch.float64 if double else torch.float32)
    made_by = f"torch {torch.__version__}, {'float64' if double else 'float32'}"
    metadata = {"format": "pt", "kintsugi.network": network, "kintsugi.made_by": made_by}
    safetensors.write(target, tensors, metadata)
    taps = sum(key.startswith("tap/") for key in tensors)
    shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in given.items())
    return f"{target}: {network}, {shapes}, {taps} taps"


@torch.no_grad()
def run(
    network: torch.nn.Module,
    state: Dict[str, np.ndarray],
    inputs: Dict[str, np.ndarray],
    outputs,
    dtype: torch.dtype = torch.float32,
) -> Dict[str, np.ndarray]:
    """{input/.., output/.., tap/..} as float32 arrays; `state` is loaded into `network` first."""
    weights = {key: torch.from_numpy(value) for key, value in state.items()}
    network.load_state_dict(weights, strict=False)  # `recognise` has answered for the keys
    network.to(dtype).eval()
    taps, hooks = {}, []
    for path, module in network.named_modules():
        if not list(module.children()):
            hooks.append(module.register_forward_hook(_keep(taps, path)))
    try:
        result = network(*(torch.from_numpy(value).to(dtype) for value in inputs.values()))
    except (RuntimeError, ValueError) as error:
        raise ExportError(f"PyTorch refused the input: {str(error).splitlines()[0]}") from None
    finally:
        for hook in hooks:
            hook.remove()
    results = dict(zip(outputs, result if isinstance(result, tuple) else (result,)))
    return {
        **{f"input/{name}": value for name, value in inputs.items()},
        **{f"output/{name}": value.float().numpy() for name, value in results.items()},
        **taps,
    }


def _keep(taps: dict, path: str):
    def hook(_module, _inputs, output):
        name, run = f"tap/{path}", 1
        while name in taps:
            run += 1
            name = f"tap/{path}#{run}"
        taps[name] = output.float().numpy().copy()

    return hook


def _read_inputs(path, names) -> Dict[str, np.ndarray]:
    tensors, _ = safetensors.read(path)
    given = {}
    for name in names:
        found = tensors.get(f"input/{name}", tensors.get(name))
        if found is None:
            raise ExportError(f"{path}: neither 'input/{name}' nor '{name}' is in it")
        given[name] = found.astype(np.float32)
    return given
