# SPDX-License-Identifier: MIT
"""Writes Torch7 files: the counterpart of the reader, and as small. It knows what the tests need."""

import struct

import numpy as np

from kintsugi_export.networks import glcic


def int32(*values):
    return struct.pack(f"<{len(values)}i", *values)


def int64(*values):
    return struct.pack(f"<{len(values)}q", *values)


class Instance:
    """A torch object: its class and its fields."""

    def __init__(self, name, version="V 1", **fields):
        self.name, self.version, self.fields = name, version, fields


class Function:
    def __init__(self, tag):
        self.tag = tag


class View:
    """A tensor over a storage, which several may share."""

    def __init__(self, storage, shape, strides=None, offset=1, kind="Float"):
        self.storage, self.shape, self.offset, self.kind = storage, shape, offset, kind
        ends = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
        self.strides = ends if strides is None else strides


class Writer:
    """Objects seen twice become back references, as Torch writes them."""

    def __init__(self):
        self.indices, self.kept = {}, []

    def bytes(self, value):
        if value is None:
            return int32(0)
        if isinstance(value, bool):
            return int32(5, value)
        if isinstance(value, (int, float)):
            return int32(1) + struct.pack("<d", value)
        if isinstance(value, str):
            return int32(2) + self.text(value)
        if isinstance(value, list):
            value = dict(enumerate(value, 1))
        tag = 4
        if isinstance(value, dict):
            tag = 3
        elif isinstance(value, Function):
            if value.tag == 6:
                return int32(6, 3) + b"\x1bLJ" + self.bytes(None)
            tag = value.tag
        if id(value) in self.indices:
            return int32(tag, self.indices[id(value)])
        self.indices[id(value)] = index = len(self.indices) + 1
        self.kept.append(value)  # keeps its id
        return int32(tag, index) + self.payload(value)

    def payload(self, value):
        if isinstance(value, dict):
            return int32(len(value)) + b"".join(
                self.bytes(part) for entry in value.items() for part in entry
            )
        if isinstance(value, Function):
            return int32(3) + b"\x1bLJ" + self.bytes(None)
        if isinstance(value, Instance):
            head = self.text(value.version) if value.version else b""
            return head + self.text(value.name) + self.bytes(value.fields)
        if isinstance(value, View):
            shape = int64(*value.shape, *value.strides, value.offset)
            head = self.text("V 1") + self.text(f"torch.{value.kind}Tensor")
            return head + int32(len(value.shape)) + shape + self.bytes(value.storage)
        kinds = {"f4": "Float", "f8": "Double"}
        kind = kinds[value.dtype.str[1:]]
        head = self.text("V 1") + self.text(f"torch.{kind}Storage")
        return head + int64(value.size) + value.tobytes()

    @staticmethod
    def text(value):
        return int32(len(value)) + value.encode()


def saved(path, value):
    path.write_bytes(value if isinstance(value, bytes) else Writer().bytes(value))
    return path


def of(array):
    """A tensor with a storage of its own."""
    return View(np.ascontiguousarray(array).ravel(), array.shape)


def modules_of(state, shared=None, std=False):
    """The fifty official modules with these parameters, as Torch classes; `shared` collects."""

    def tensor(array):
        if shared is None:
            return of(array)
        shared.append(array.ravel())
        view = View(None, array.shape, offset=1 + sum(part.size for part in shared[:-1]))
        views.append(view)
        return view

    views, modules = [], []
    for i, layer in enumerate((*glcic.LAYERS, glcic.HEAD)):
        numbers = {
            "kW": layer.kernel,
            "kH": layer.kernel,
            "dW": layer.stride,
            "dH": layer.stride,
            "padW": layer.padding,
            "padH": layer.padding,
        }
        kind = "SpatialFullConvolution" if layer.op == "deconv" else "SpatialConvolution"
        if layer.dilation > 1:
            kind = "SpatialDilatedConvolution"
            numbers.update(dilationW=layer.dilation, dilationH=layer.dilation)
        weights = {name: tensor(state[f"{3 * i}.{name}"]) for name in ("weight", "bias")}
        modules.append(Instance("nn." + kind, **numbers, **weights, output=None))
        if i == 16:
            break
        norm = {
            name: tensor(state[f"{3 * i + 1}.{name}"])
            for name in ("weight", "bias", "running_mean")
        }
        variance = state[f"{3 * i + 1}.running_var"]
        if std:
            norm["running_std"] = tensor((1 / np.sqrt(variance + 1e-5)).astype(np.float32))
        else:
            norm["running_var"] = tensor(variance)
        modules.append(Instance("nn.SpatialBatchNormalization", eps=1e-5, **norm))
        modules.append(Instance("nn.ReLU", inplace=True, threshold=0))
    modules.append(Instance("nn.Sigmoid"))
    if shared is not None:
        storage = np.concatenate(shared)
        for view in views:
            view.storage = storage
    return modules


def network(modules, **fields):
    return Instance("nn.Sequential", modules=modules, train=False, **fields)
