# SPDX-License-Identifier: MIT
"""Reads the .ckpt files of MindSpore, without MindSpore and without protobuf.

A file is protobuf, proto2, with neither header nor compression: one record after the other, which
together are one message.

    Checkpoint  1 value: Value, repeated          a record is tag byte 0x0A, length, Value
    Value       1 tag: the parameter's name       2 tensor: TensorProto
    TensorProto 1 dims: int64, repeated           a varint each, or packed
                2 tensor_type: "Float32", ...     3 tensor_content: little-endian, row by row

A large parameter is several records that follow each other, of the same tag and the same full
dims; their contents belong together.  Newer versions may end the file with `crc_num` and ten bytes.

Files come from strangers: every length is held against the bytes that are left in what it lies in,
nothing is allocated by a claimed size, and fields that are not known are stepped over.
"""

import binascii
import math
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple, Union

import numpy as np

from .errors import ExportError
from .safetensors import bf16_to_f32

MAX_RANK = 8
MAX_DEPTH = 64  # of groups, which no MindSpore writes
_ELEMENTS = {
    "Float64": "<f8",
    "Float32": "<f4",
    "Float16": "<f2",
    "BFloat16": "<u2",
    "Int64": "<i8",
    "Int32": "<i4",
    "Int16": "<i2",
    "Int8": "|i1",
    "UInt64": "<u8",
    "UInt32": "<u4",
    "UInt16": "<u2",
    "UInt8": "|u1",
    "Bool": "|u1",
}
_TEXT = "str"
_RANDOM = "random_op"  # the state of a random generator, where a parameter's name would stand
_TRAILER, _SUM_BYTES = b"crc_num", 10
VARINT, FIXED64, BYTES, GROUP, GROUP_END, FIXED32 = range(6)


class _Bad(Exception):
    """One sentence about what is wrong."""


class _Tensor(NamedTuple):
    dims: Tuple[int, ...]
    kind: str
    content: memoryview


def read(path) -> Dict[str, np.ndarray]:
    """{name: array} in the file's order; bf16 comes back as float32, text is left out.

    Raises ExportError with one sentence, OSError if it cannot be read.
    """
    try:
        return _state(_without_sum(Path(path).read_bytes()))
    except _Bad as error:
        raise ExportError(f"{path}: {error}") from None


def _without_sum(data: bytes) -> memoryview:
    end = len(data) - len(_TRAILER) - _SUM_BYTES
    if end < 0 or data[end:-_SUM_BYTES] != _TRAILER:
        return memoryview(data)
    if int.from_bytes(data[-_SUM_BYTES:], "big") != binascii.crc32(data[:end]):
        raise _Bad("damaged MindSpore checkpoint: its checksum is of something else")
    return memoryview(data)[:end]


def _state(data: memoryview) -> Dict[str, np.ndarray]:
    if data[:1] != b"\x0a":
        raise _Bad("not a MindSpore checkpoint (nor a torch archive)")
    slices: Dict[str, List[_Tensor]] = {}
    last = None
    for field, wire, value in _fields(data):
        if (field, wire) != (1, BYTES):
            continue
        before, (last, tensor) = last, _record(value)
        if tensor is None:
            continue
        if last in slices and last != before:
            raise _Bad(f"damaged MindSpore checkpoint: {_shown(last)} twice in it")
        slices.setdefault(last, []).append(tensor)
    if not slices:
        raise _Bad("no tensors in it")
    return {name: _array(name, parts) for name, parts in slices.items()}


def _record(data: memoryview) -> Tuple[str, Union[_Tensor, None]]:
    """The name and the tensor of a Value; None where it holds something else."""
    found = _singles(data, {1: "tag", 2: "tensor"})
    if 1 not in found:
        raise _Bad("damaged MindSpore checkpoint: a record without a name")
    name = _text(found[1])
    if name == _RANDOM or 2 not in found:
        return name, None
    tensor = _tensor(name, found[2])
    return name, None if tensor.kind == _TEXT else tensor


def _tensor(name: str, data: memoryview) -> _Tensor:
    dims: List[int] = []
    for field, wire, value in _fields(data):
        if field == 1 and wire == VARINT:
            dims.append(value)
        elif field == 1 and wire == BYTES:
            position = 0
            while position < len(value) and len(dims) <= MAX_RANK:
                dim, position = _varint(value, position)
                dims.append(dim)
        if len(dims) > MAX_RANK:
            raise _Bad(f"{_shown(name)} has more than {MAX_RANK} dimensions")
    found = _singles(data, {2: "tensor_type", 3: "tensor_content"})
    if 2 not in found:
        raise _Bad(f"{_shown(name)} has no type")
    kind = _text(found[2])
    if kind not in _ELEMENTS and kind != _TEXT:
        raise _Bad(f"{_shown(name)} is of type {_shown(kind)}, which is not supported")
    return _Tensor(tuple(dims), kind, found.get(3, memoryview(b"")))


def _array(name: str, parts: List[_Tensor]) -> np.ndarray:
    """The tensor whose slices these are."""
    dims, kind, _ = parts[0]
    if any((part.dims, part.kind) != (dims, kind) for part in parts):
        raise _Bad(f"damaged MindSpore checkpoint: slices of {_shown(name)} that differ")
    shape = () if dims == (0,) else dims  # how a scalar is written
    # A negative dimension is a varint from 2^63 on, and fits no content either.
    size = sum(len(part.content) for part in parts)
    expected = math.prod(shape) * np.dtype(_ELEMENTS[kind]).itemsize
    if size != expected or size == 0:
        raise _Bad(f"{_shown(name)} is {size} bytes long, {kind} {list(dims)} takes {expected}")
    raw = np.frombuffer(b"".join(part.content for part in parts), _ELEMENTS[kind]).reshape(shape)
    if kind == "BFloat16":
        return bf16_to_f32(raw)
    return raw != 0 if kind == "Bool" else raw.copy()


def _singles(data: memoryview, names: Dict[int, str]) -> Dict[int, memoryview]:
    """The fields with these numbers, each of which may stand there once."""
    found: Dict[int, memoryview] = {}
    for field, wire, value in _fields(data):
        if field in names and wire == BYTES:
            if field in found:
                raise _Bad(f"damaged MindSpore checkpoint: `{names[field]}` twice in a record")
            found[field] = value
    return found


def _fields(data: memoryview) -> Iterator[Tuple[int, int, Union[int, memoryview]]]:
    """(number, wire type, value) of each field of a message; groups are stepped over."""
    position, groups = 0, []
    while position < len(data):
        key, position = _varint(data, position)
        field, wire = key >> 3, key & 7
        if not 0 < field < 1 << 29:
            raise _Bad(f"damaged MindSpore checkpoint: a field of number {field}")
        if wire == VARINT:
            value, position = _varint(data, position)
        elif wire in (FIXED64, FIXED32, BYTES):
            size = 8 if wire == FIXED64 else 4
            if wire == BYTES:
                size, position = _varint(data, position)
            if size > len(data) - position:
                left = len(data) - position
                raise _Bad(
                    f"damaged MindSpore checkpoint: a field of {size} bytes with {left} left"
                )
            value, position = data[position : position + size], position + size
        elif wire == GROUP and len(groups) < MAX_DEPTH:
            groups.append(field)
            continue
        elif wire == GROUP_END and groups and groups.pop() == field:
            continue
        else:
            raise _Bad(f"damaged MindSpore checkpoint: a field of wire type {wire}")
        if not groups:
            yield field, wire, value
    if groups:
        raise _Bad("damaged MindSpore checkpoint: truncated")


def _varint(data: memoryview, position: int) -> Tuple[int, int]:
    """The number that starts at `position`, and the position behind it."""
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(data):
            raise _Bad("damaged MindSpore checkpoint: truncated")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, position
    raise _Bad("damaged MindSpore checkpoint: a number of more than 64 bits")


def _text(data: memoryview) -> str:
    try:
        return bytes(data).decode()
    except UnicodeDecodeError:
        raise _Bad("damaged MindSpore checkpoint: a text that is none") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")
