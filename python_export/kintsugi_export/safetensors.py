# SPDX-License-Identifier: MIT
"""Reads and writes .safetensors files with numpy alone.

A file is an unsigned 64-bit little-endian header length, a JSON header that maps each key to dtype,
shape and byte range, and the tensors' bytes.  Reading is strict: what the format does not allow is
refused with a sentence, and the ranges must tile the data without overlap or hole.
"""

import json
import math
import os
import uuid
from pathlib import Path
from typing import Dict, Optional, Tuple

import numpy as np

from .errors import ExportError

MAX_HEADER_BYTES = 100_000_000
_NUMPY = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
_NAMES = {np.dtype(kind): name for name, kind in _NUMPY.items()}
_ITEM_BYTES = {"BF16": 2, **{name: np.dtype(kind).itemsize for name, kind in _NUMPY.items()}}


def read(path) -> Tuple[Dict[str, np.ndarray], Dict[str, str]]:
    """(tensors, metadata) of the file; bf16 comes back as float32, everything else as stored.

    Raises ExportError if the file breaks the format, OSError if it cannot be read.
    """
    data = Path(path).read_bytes()

    def require(condition, sentence):
        if not condition:
            raise ExportError(f"{path}: {sentence}")

    require(len(data) >= 8, "shorter than the 8 bytes of a safetensors header length")
    length = int.from_bytes(data[:8], "little")
    require(length <= MAX_HEADER_BYTES, f"header of {length} bytes, more than the format allows")
    require(
        8 + length <= len(data), f"truncated: header of {length} bytes in a file of {len(data)}"
    )
    require(data[8:9] == b"{", "not a safetensors file: the header is not a JSON object")
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path}: the header is not valid JSON: {error}") from None

    metadata = header.pop("__metadata__", None) or {}
    require(
        isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values()),
        "__metadata__ must map strings to strings",
    )
    tensors, ranges, body = {}, [], memoryview(data)[8 + length :]
    for key, entry in header.items():
        require(
            isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"},
            f"'{key}' must have dtype, shape and data_offsets and nothing else",
        )
        kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        require(
            isinstance(kind, str) and kind in _ITEM_BYTES, f"'{key}' has unknown dtype {kind!r}"
        )
        require(
            _naturals(shape) and _naturals(offsets) and len(offsets) == 2,
            f"'{key}': shape and data_offsets must be lists of non-negative integers",
        )
        begin, end = offsets
        count = math.prod(shape)  # a Python integer: it cannot overflow
        require(begin <= end <= len(body), f"'{key}' lies outside the file (truncated?)")
        expected = count * _ITEM_BYTES[kind]
        require(
            end - begin == expected,
            f"'{key}' is {end - begin} bytes long, {kind} {shape} takes {expected}",
        )
        ranges.append((begin, end, key))
        raw = np.frombuffer(body[begin:end], "<u2" if kind == "BF16" else _NUMPY[kind])
        try:
            value = raw.reshape(shape)
        except ValueError as error:  # more dimensions than numpy has, or [2**62, 0]
            raise ExportError(f"{path}: '{key}' has a shape numpy cannot hold: {error}") from None
        tensors[key] = bf16_to_f32(value) if kind == "BF16" else value.copy()

    position = 0
    for begin, end, key in sorted(ranges):
        require(begin == position, f"'{key}' starts at byte {begin}, expected {position}")
        position = end
    require(position == len(body), f"{len(body) - position} bytes after the last tensor")
    return tensors, metadata


def write(
    path,
    tensors: Dict[str, np.ndarray],
    metadata: Optional[Dict[str, str]] = None,
    floats: Optional[str] = None,
) -> None:
    """Writes the file under a temporary name and renames it, so that it is whole or not there.

    `floats` ("F32", "F16" or "BF16") converts every floating-point tensor, rounding to nearest
    even; None keeps what they are.  Raises ExportError if a finite value does not fit that type.
    """
    header, blobs, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for key, value in tensors.items():
        kind, blob = _encode(key, np.asarray(value), floats)
        header[key] = {
            "dtype": kind,
            "shape": list(np.shape(value)),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the data starts at a multiple of 8
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.writelines(blobs)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def bf16_to_f32(bits: np.ndarray) -> np.ndarray:
    """uint16 bit patterns -> float32, exact."""
    return (bits.astype("<u4") << 16).view("<f4")


def f32_to_bf16(values: np.ndarray) -> np.ndarray:
    """float32 -> uint16 bit patterns, to nearest even; a NaN stays a NaN."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), (bits >> 16) | 0x40, rounded).astype("<u2")


def _encode(key: str, value: np.ndarray, floats: Optional[str]) -> Tuple[str, bytes]:
    if value.dtype not in _NAMES:
        raise ExportError(f"'{key}': safetensors has no {value.dtype}")
    if floats is None or value.dtype.kind != "f":
        return _NAMES[value.dtype], value.tobytes()
    with np.errstate(over="ignore"):
        single = value.astype("<f4")
        bits = f32_to_bf16(single) if floats == "BF16" else None
        stored = bf16_to_f32(bits) if floats == "BF16" else value.astype(_NUMPY[floats])
    if np.isinf(stored).sum() != np.isinf(value).sum():
        raise ExportError(
            f"'{key}' holds values too large for {floats}: "
            f"the largest is {np.abs(value[np.isfinite(value)]).max():g}"
        )
    return floats, (bits if floats == "BF16" else stored).tobytes()


def _no_duplicates(pairs):
    entries = dict(pairs)
    if len(entries) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"duplicate key '{next(n for n in names if names.count(n) > 1)}'")
    return entries


def _naturals(values) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**63 for v in values)
