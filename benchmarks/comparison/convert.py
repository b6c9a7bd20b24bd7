# SPDX-License-Identifier: MIT
"""A case as a PyTorch module in its best form for inference, and as the files others read.

    convert.py network|conv2d DILATION FOLDER [PNNX]

reads FOLDER/model.safetensors and input.safetensors and writes graph.onnx and, with the program
PNNX, ncnn's pair of files.  Batch norms are folded into the convolutions before them and ReLU works
in place, for PyTorch itself as for all who read the graph: ours folds too.  Instance norms cannot be
folded.  Needs PyTorch.
"""

import inspect
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python_export"))
from kintsugi_export import safetensors  # noqa: E402
from kintsugi_export.errors import ExportError  # noqa: E402
from kintsugi_export.networks import cyclegan, glcic  # noqa: E402


def read(path) -> dict:
    """{key: array}, each array its own memory."""
    return {key: np.array(value) for key, value in safetensors.read(path)[0].items()}


def build(kind: str, dilation: int, folder) -> torch.nn.Module:
    """The module of a case with its weights, in evaluation mode."""
    state = {
        key: torch.from_numpy(value)
        for key, value in read(Path(folder) / "model.safetensors").items()
    }
    if kind == "conv2d":
        out, channels, kernel, _ = state["weight"].shape
        module = torch.nn.Conv2d(
            channels, out, kernel, dilation=dilation, padding=dilation * (kernel // 2)
        )
        module.load_state_dict(state)
        return module.eval()
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    try:
        network = glcic.build(glcic.recognise(shapes))
    except ExportError:
        network = cyclegan.build(cyclegan.recognise(shapes))
        network.load_state_dict(state)
        return in_place(network)
    network.load_state_dict(state)
    return folded(network)


def in_place(network: torch.nn.Module) -> torch.nn.Module:
    for module in network.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = True
    return network.eval()


def folded(modules) -> torch.nn.Sequential:
    """A chain without batch norms: each is folded into the convolution before it."""
    chain = []
    for module in modules:
        if isinstance(module, torch.nn.BatchNorm2d):
            transposed = isinstance(chain[-1], torch.nn.ConvTranspose2d)
            chain[-1] = torch.nn.utils.fusion.fuse_conv_bn_eval(
                chain[-1], module, transpose=transposed
            )
        elif isinstance(module, torch.nn.ReLU):
            chain.append(torch.nn.ReLU(inplace=True))
        else:
            chain.append(module)
    return torch.nn.Sequential(*chain).eval()


def export(module: torch.nn.Module, example: torch.Tensor, path) -> None:
    names = {"input_names": ["input"], "output_names": ["output"]}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        # Traced, so that the file holds the graph of the module and no decompositions of it.
        names["dynamo"] = False
    torch.onnx.export(module, (example,), str(path), **names)


def main(arguments) -> int:
    kind, dilation, folder, pnnx = arguments[0], int(arguments[1]), Path(arguments[2]), arguments[3:]
    warnings.simplefilter("ignore")
    example = torch.from_numpy(read(folder / "input.safetensors")["input"])
    module = build(kind, dilation, folder)
    with torch.no_grad():
        export(module, example, folder / "graph.onnx")
        if pnnx:
            torch.jit.trace(module, example).save(str(folder / "net.pt"))
            shape = ",".join(map(str, example.shape))
            # Without fp16=0 it would store weights in half precision.
            subprocess.run(
                [*pnnx, "net.pt", f"inputshape=[{shape}]", "fp16=0"], cwd=folder, check=True,
                stdout=sys.stderr,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
