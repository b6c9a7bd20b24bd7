# SPDX-License-Identifier: MIT
"""Reads what torch.save wrote, as data, without torch.

A .pt file is a pickle, and a pickle is a program: unpickling calls whatever it names.  This
unpickler resolves a name to something harmless that is listed here, or refuses it, so no code of
the file's choosing can run.  torch's own weights-only mode has the same aim, but in torch 1.13 it
refuses every file that holds a Python float, such as a learning rate beside the weights.

Both containers are read: the zip archive of torch 1.6 and later and the stream of pickles before.
"""

import collections
import math
import pickle
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np

from .errors import ExportError
from .safetensors import bf16_to_f32

_LEGACY_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa85019")  # the pickle of torch's number
_ZIP_MAGIC = b"PK"
_STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
_IGNORED = {
    "argparse.Namespace",
    "torch.device",
    "torch.Size",
    "numpy.dtype",
    "_codecs.encode",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
}


class Tensor(NamedTuple):
    """Where a tensor's elements lie; `fetch` of `read` turns it into an array."""

    storage: str
    dtype: str
    offset: int
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]


class Ignored:
    """Stands for a harmless object that is not a tensor, such as a training run's arguments."""

    def __init__(self, *_arguments, **_named):
        pass

    def __setstate__(self, _state):
        pass


def is_one(path) -> bool:
    """Whether a file starts like what torch.save writes."""
    return _start(path).startswith((_ZIP_MAGIC, _LEGACY_MAGIC))


def read(path) -> Tuple[Any, Callable[[Tensor], np.ndarray]]:
    """(content, fetch): plain containers with `Tensor` leaves, and how to get a leaf's array.

    bf16 comes back as float32.  Raises ExportError with one sentence, OSError if it cannot be read.
    """
    path = Path(path)
    start = _start(path)
    try:
        if start.startswith(_ZIP_MAGIC):
            content, storages = _read_zip(path)
        elif start == _LEGACY_MAGIC:
            content, storages = _read_legacy(path)
        else:
            raise ExportError("not a checkpoint: neither a torch archive nor a torch pickle")
    except ExportError as error:
        raise ExportError(f"{path}: {error}") from None
    except OSError:
        raise
    except Exception as error:  # a damaged pickle can fail in any way Python can
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise ExportError(f"{path}: damaged checkpoint: {reason}") from None
    return content, lambda tensor: _fetch(path, storages, tensor)


def _start(path) -> bytes:
    with open(path, "rb") as file:
        return file.read(len(_LEGACY_MAGIC))


class _DataUnpickler(pickle.Unpickler):
    """Knows containers, tensors and what may be ignored; every other name is refused."""

    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.dtypes: Dict[str, str] = {}  # of the storages the pickle names
        self.known = {
            "collections.OrderedDict": collections.OrderedDict,
            "torch._utils._rebuild_tensor": self.tensor,
            "torch._utils._rebuild_tensor_v2": self.tensor,
            "torch._utils._rebuild_parameter": self.parameter,
            **{f"torch.{name}": dtype for name, dtype in _STORAGES.items()},
            **{name: Ignored for name in _IGNORED},
        }

    def find_class(self, module, name):
        try:
            return self.known[f"{module}.{name}"]
        except KeyError:
            raise ExportError(
                f"refused, it holds more than tensors: loading it would call "
                f"{module}.{name}; save its state_dict() alone"
            ) from None

    def persistent_load(self, pid):
        kind, dtype, key = pid[:3]
        if kind != "storage" or dtype not in _STORAGES.values() or not isinstance(key, str):
            raise ValueError("a reference to something that is not a storage")
        view = pid[5] if len(pid) > 5 else None  # the stream format: (key, offset, size)
        if self.dtypes.setdefault(key, dtype) != dtype:
            raise ValueError(f"storage {key} has two types")
        return key, dtype, view[1] if view else 0

    @staticmethod
    def tensor(storage, offset, shape, strides, *_hooks):
        key, dtype, start = storage
        numbers = (offset, start, *shape, *strides)
        if len(shape) != len(strides) or not all(type(n) is int and n >= 0 for n in numbers):
            raise ValueError("a tensor with a malformed shape")
        return Tensor(key, dtype, start + offset, tuple(shape), tuple(strides))

    @staticmethod
    def parameter(data, *_gradient_and_hooks):
        return data


def _read_zip(path: Path):
    with zipfile.ZipFile(path) as archive:
        names = {name.split("/", 1)[-1]: name for name in archive.namelist()}
        if "constants.pkl" in names:
            raise ExportError(
                "a TorchScript program, not a state dict: save its state_dict() instead"
            )
        if "byteorder" in names and archive.read(names["byteorder"]) != b"little":
            raise ExportError("written on a big-endian machine")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ExportError("damaged checkpoint: torch never compresses its archives")
        with archive.open(names["data.pkl"]) as file:
            unpickler = _DataUnpickler(file)
            content = unpickler.load()
        return content, {key: archive.read(names[f"data/{key}"]) for key in unpickler.dtypes}


def _read_legacy(path: Path):
    with open(path, "rb") as file:
        _DataUnpickler(file).load()  # the magic number
        version, system = _DataUnpickler(file).load(), _DataUnpickler(file).load()
        if version != 1001 or not system["little_endian"]:
            raise ExportError("a torch pickle of another version or byte order")
        unpickler = _DataUnpickler(file)
        content = unpickler.load()
        storages = {}
        for key in _DataUnpickler(file).load():
            size = _item_bytes(unpickler.dtypes[key]) * int.from_bytes(file.read(8), "little")
            if size > path.stat().st_size - file.tell():
                raise ValueError("truncated")
            storages[key] = file.read(size)
        return content, storages


def _fetch(path: Path, storages: Dict[str, bytes], tensor: Tensor) -> np.ndarray:
    raw = np.frombuffer(
        storages[tensor.storage], "<u2" if tensor.dtype == "bf16" else np.dtype(tensor.dtype)
    )
    count = math.prod(tensor.shape)
    reach = sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides))
    if count and (tensor.offset + reach >= raw.size or count > raw.size):
        raise ExportError(f"{path}: damaged checkpoint: a tensor reaches beyond its storage")
    strides = [stride * raw.itemsize for stride in tensor.strides]
    begin = tensor.offset if count else 0
    view = np.lib.stride_tricks.as_strided(raw[begin:], tensor.shape, strides)
    return bf16_to_f32(view) if tensor.dtype == "bf16" else view.copy()


def _item_bytes(dtype: str) -> int:
    return 2 if dtype == "bf16" else np.dtype(dtype).itemsize
