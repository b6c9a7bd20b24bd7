# SPDX-License-Identifier: MIT
"""Writes MindSpore's .ckpt files: the counterpart of the reader, and as small."""

import numpy as np

NAMES = {
    "<f8": "Float64",
    "<f4": "Float32",
    "<f2": "Float16",
    "<i8": "Int64",
    "<i4": "Int32",
    "<i2": "Int16",
    "|i1": "Int8",
    "<u8": "UInt64",
    "<u4": "UInt32",
    "<u2": "UInt16",
    "|u1": "UInt8",
    "|b1": "Bool",
}


def varint(value):
    """A number in groups of seven bits; a negative one has ten of them."""
    value &= 2**64 - 1
    groups = []
    while True:
        value, group = value >> 7, value & 0x7F
        groups.append(group | (0x80 if value else 0))
        if not value:
            return bytes(groups)


def number(field, value):
    return varint(field << 3) + varint(value)


def sized(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def record(name, dims, kind, content, packed=False):
    """One record with these claims, true or not."""
    shape = b"".join(map(varint, dims))
    shape = sized(1, shape) if packed else b"".join(number(1, dim) for dim in dims)
    tensor = shape + sized(2, kind) + sized(3, content)
    return sized(1, sized(1, name) + sized(2, tensor))


def records(name, array, cut=0, packed=False):
    """An array, if `cut` in slices of so many bytes, each with the whole shape."""
    array = np.asarray(array)
    content = array.tobytes()
    step = cut or max(1, len(content))
    kind, dims = NAMES[array.dtype.str], array.shape or (0,)
    return b"".join(
        record(name, dims, kind, content[i : i + step], packed)
        for i in range(0, max(1, len(content)), step)
    )


def saved(path, state, prefix="", cut=0):
    """A state dict as MindSpore would write it."""
    path.write_bytes(b"".join(records(prefix + key, value, cut) for key, value in state.items()))
    return path
