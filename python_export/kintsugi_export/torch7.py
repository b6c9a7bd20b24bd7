# SPDX-License-Identifier: MIT
"""Reads what Torch7 (the Lua one) wrote with torch.save in its binary form, without Torch.

Little-endian; an object is an int32 tag and

    0  nil                              5  boolean: int32
    1  number: float64                  6  function: int32 length, bytecode, object of upvalues
    2  string: int32 length, bytes      7, 8  the same behind an int32 index
    3  table: int32 index, int32 count, key and value objects
    4  torch object: int32 index, string "V 1", string class, what the class writes

An index seen before is a back reference and ends there.  A tensor writes int32 rank, int64 sizes
and strides, int64 offset (from 1) and its storage or nil; a storage an int64 count and its
elements; everything else one table.  Longs of 8 bytes are assumed, as every 64-bit Torch has them.

Files come from strangers: every count is held against the bytes that are left, nesting and views
are bounded, and bytecode is stepped over, never run.
"""

import math
import re
import struct
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from .errors import ExportError

MAX_DEPTH = 64  # a network of ours nests about ten deep
MAX_RANK = 8
_ELEMENTS = {
    "Float": "<f4",
    "Cuda": "<f4",
    "Double": "<f8",
    "CudaDouble": "<f8",
    "Half": "<f2",
    "CudaHalf": "<f2",
    "Long": "<i8",
    "CudaLong": "<i8",
    "Int": "<i4",
    "CudaInt": "<i4",
    "Short": "<i2",
    "CudaShort": "<i2",
    "Char": "|i1",
    "CudaChar": "|i1",
    "Byte": "|u1",
    "CudaByte": "|u1",
}
_FUNCTION = object()  # stands for any function


class Module(NamedTuple):
    """A module of the network: its class without `nn.`, and its fields that are numbers."""

    kind: str
    numbers: Dict[str, float]


class Network(NamedTuple):
    """What a file holds: the parameters of module i (from 0) are "<i>.weight" and so on."""

    state: Dict[str, np.ndarray]
    settings: dict  # {"mean": [r, g, b]} where the file has it
    modules: List[Module]


class Storage(NamedTuple):
    kind: str  # "Float"
    elements: np.ndarray


class Tensor:
    def __init__(self, kind: str):
        self.kind = kind
        self.shape: Tuple[int, ...] = ()
        self.strides: Tuple[int, ...] = ()
        self.offset = 0
        self.storage: Optional[Storage] = None


class Object:
    """A torch object that writes a table of its fields, such as a module."""

    def __init__(self, name: str):
        self.name = name  # "nn.Sequential"
        self.fields: Dict[Any, Any] = {}


class _Bad(Exception):
    """One sentence about what is wrong."""


def read(path) -> Network:
    """The nn.Sequential in a .t7 file, alone or as `model` in a table that may have a `mean`.

    Raises ExportError with one sentence, OSError if it cannot be read.
    """
    try:
        reader = _Reader(Path(path).read_bytes())
        return _network(reader.root(), reader.elements)
    except _Bad as error:
        raise ExportError(f"{path}: {error}") from None


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.position = 0
        self.seen: Dict[int, Any] = {}
        self.elements = 0  # of all storages

    def root(self):
        if len(self.data) < 4 or not 0 <= struct.unpack_from("<i", self.data)[0] <= 8:
            raise _Bad("not a Torch7 file in binary form")
        value = self.value(0)
        if self.position != len(self.data):
            raise _Bad(f"damaged Torch7 file: {len(self.data) - self.position} bytes at its end")
        return value

    def value(self, depth: int):
        if depth > MAX_DEPTH:
            raise self.damage("nested too deep")
        tag = self.integer()
        if tag == 0:
            return None
        if tag == 1:
            return self.unpack("<d", 8)
        if tag == 2:
            return self.string()
        if tag == 5:
            return self.boolean()
        if tag == 6:
            return self.function(depth)
        if tag in (3, 4, 7, 8):
            return self.indexed(tag, depth)
        raise self.damage(f"unknown type {tag}")

    def indexed(self, tag: int, depth: int):
        """Something that may be referred to again; cycles are legal, and never followed here."""
        index = self.integer()
        if index <= 0:
            raise self.damage(f"object index {index}")
        if index in self.seen:
            known, value = self.seen[index]
            if known != tag:
                raise self.damage(f"object {index} is of another type than when it was first seen")
            return value
        if tag == 3:
            return self.table(self.remember(index, tag, {}), depth)
        if tag == 4:
            return self.torch_object(index, depth)
        self.remember(index, tag, _FUNCTION)
        return self.function(depth)

    def remember(self, index: int, tag: int, value):
        self.seen[index] = tag, value
        return value

    def table(self, content: dict, depth: int) -> dict:
        count = self.count(self.integer(), 8)  # a key and a value take at least a tag each
        for _ in range(count):
            key = self.value(depth + 1)
            if not isinstance(key, (str, float, bool)) or key != key:
                raise self.damage("a table key that is neither string, number nor boolean")
            if key in content:
                raise self.damage(f"the key {_shown(key)} twice in a table")
            content[key] = self.value(depth + 1)
        return content

    def torch_object(self, index: int, depth: int):
        name = self.string()
        if name.startswith("V "):  # the version of the class; before there were any, its name
            name = self.string()
        if re.fullmatch(r"[\w.]{1,100}", name) is None:
            raise self.damage(f"a class named {_shown(name)}")
        kind = name[len("torch.") :].replace("Tensor", "").replace("Storage", "")
        if name == f"torch.{kind}Tensor" and kind in _ELEMENTS:
            return self.tensor(self.remember(index, 4, Tensor(kind)), depth)
        if name == f"torch.{kind}Storage" and kind in _ELEMENTS:
            return self.storage(index, kind)
        if name.startswith("torch."):
            raise self.damage(f"an object of class {_shown(name)}, which is not supported")
        instance = self.remember(index, 4, Object(name))
        fields = self.value(depth + 1)
        if not isinstance(fields, dict):
            raise self.damage(f"a {_shown(name)} without a table of its fields")
        instance.fields = fields
        return instance

    def tensor(self, tensor: Tensor, depth: int) -> Tensor:
        rank = self.integer()
        if not 0 <= rank <= MAX_RANK:
            raise self.damage(f"a tensor of rank {rank}")
        numbers = [self.unpack("<q", 8) for _ in range(2 * rank + 1)]
        if any(n < 0 for n in numbers):
            raise self.damage("a tensor with a negative size, stride or offset")
        storage = self.value(depth + 1)
        if storage is not None and not (
            isinstance(storage, Storage) and storage.kind == tensor.kind
        ):
            raise self.damage(f"a {tensor.kind}Tensor whose storage is none")
        tensor.shape, tensor.strides = tuple(numbers[:rank]), tuple(numbers[rank : 2 * rank])
        tensor.offset, tensor.storage = numbers[-1], storage
        return tensor

    def storage(self, index: int, kind: str) -> Storage:
        dtype = np.dtype(_ELEMENTS[kind])
        count = self.count(self.unpack("<q", 8), dtype.itemsize)
        elements = np.frombuffer(self.take(count * dtype.itemsize), dtype)
        self.elements += count
        return self.remember(index, 4, Storage(kind, elements))

    def function(self, depth: int):
        self.take(self.count(self.integer(), 1))
        self.value(depth + 1)
        return _FUNCTION

    def string(self) -> str:
        return self.take(self.count(self.integer(), 1)).decode("latin-1")

    def boolean(self) -> bool:
        value = self.integer()
        if value not in (0, 1):
            raise self.damage(f"a boolean of {value}")
        return value == 1

    def integer(self) -> int:
        return self.unpack("<i", 4)

    def unpack(self, form: str, size: int):
        return struct.unpack(form, self.take(size))[0]

    def count(self, count: int, each: int) -> int:
        """A count of things that take at least `each` bytes."""
        left = len(self.data) - self.position
        if not 0 <= count <= left // each:
            raise self.damage(f"a count of {count} with {left} bytes left")
        return count

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.position:
            raise self.damage("truncated")
        begin, self.position = self.position, self.position + size
        return self.data[begin : self.position]

    def damage(self, what: str) -> _Bad:
        return _Bad(f"damaged Torch7 file: {what} (byte {self.position})")


def _network(content, elements: int) -> Network:
    """`elements` bounds what is copied, so that no file makes views worth more than itself."""
    mean = None
    if isinstance(content, dict):
        content, mean = content.get("model"), content.get("mean")
    if not (isinstance(content, Object) and content.name == "nn.Sequential"):
        raise _Bad("holds no nn.Sequential, neither alone nor as `model` in a table")
    listed = content.fields.get("modules")
    if not isinstance(listed, dict) or set(listed) != set(range(1, len(listed) + 1)):
        raise _Bad("its nn.Sequential has no list of modules")

    state: Dict[str, np.ndarray] = {}
    modules = []
    for i in range(len(listed)):
        module = listed[i + 1]
        if not (isinstance(module, Object) and module.name.startswith(("nn.", "cudnn."))):
            raise _Bad(f"module {i + 1} of its nn.Sequential is none")
        kind = module.name.split(".", 1)[1]
        modules.append(Module(kind, _numbers(module.fields)))
        for name, value in _parameters(i, kind, module.fields).items():
            elements -= value.size
            if elements < 0:
                raise _Bad("its parameters overlap: together they are larger than their storages")
            state[f"{i}.{name}"] = value.copy()

    settings = {}
    if isinstance(mean, Tensor):
        # The shortest decimal of a float32 is what the person wrote who made it.
        settings["mean"] = [float(str(value)) for value in _view("mean", mean).ravel()[:4]]
    return Network(state, settings, modules)


def _numbers(fields: dict) -> Dict[str, float]:
    return {k: v for k, v in fields.items() if isinstance(k, str) and type(v) is float}


def _parameters(i: int, kind: str, fields: dict) -> Dict[str, np.ndarray]:
    """A module's tensors by the names PyTorch has for them."""
    names = ("weight", "bias", "running_mean", "running_var")
    found = {
        name: _view(f"{i}.{name}", fields[name])
        for name in names
        if isinstance(fields.get(name), Tensor)
    }
    if "running_var" not in found and isinstance(fields.get("running_std"), Tensor):
        # Before its second version, batch norm kept 1 / sqrt(var + eps).
        eps, inverse = fields.get("eps"), _view(f"{i}.running_std", fields["running_std"])
        if type(eps) is not float or not (inverse > 0).all():
            raise _Bad(f"module {i + 1} has a `running_std` that no variance follows from")
        found["running_var"] = (inverse.astype(np.float64) ** -2 - eps).astype(inverse.dtype)
    if kind == "SpatialConvolutionMM" and "weight" in found and found["weight"].ndim == 2:
        shape = [fields.get(name) for name in ("nOutputPlane", "nInputPlane", "kH", "kW")]
        if not all(type(n) is float and n.is_integer() and n > 0 for n in shape) or math.prod(
            int(n) for n in shape
        ) != found["weight"].size:
            raise _Bad(f"module {i + 1} has a weight that does not fit its sizes")
        found["weight"] = found["weight"].reshape([int(n) for n in shape])
    return found


def _view(key: str, tensor: Tensor) -> np.ndarray:
    """A tensor as a view of its storage, all of it inside."""
    count = math.prod(tensor.shape) if tensor.shape else 0
    if count == 0 or tensor.storage is None:
        raise _Bad(f"'{key}' is empty")
    raw, begin = tensor.storage.elements, tensor.offset - 1
    reach = sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides))
    if begin < 0 or begin + reach >= raw.size or count > raw.size:
        raise _Bad(f"damaged Torch7 file: '{key}' reaches beyond its storage")
    # A single row's stride means nothing and may be anything.
    strides = [
        stride * raw.itemsize if n > 1 else 0 for n, stride in zip(tensor.shape, tensor.strides)
    ]
    return np.lib.stride_tricks.as_strided(raw[begin:], tensor.shape, strides, writeable=False)


def _shown(thing) -> str:
    text = repr(thing)
    return text if len(text) <= 60 else text[:60] + "..."
