# SPDX-License-Identifier: MIT
"""Model files that are not what they should be: a row each, with its sentence and exit code."""

import json
import struct

import cli_support as support
import numpy as np
import pytest
from kintsugi_export import safetensors


def build(header, data=b"", announced=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if announced is None else announced) + text + data


def tensor(begin, end, shape, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


FLOATS = bytes(8)
FILES = {
    "empty": (b"", "it is empty"),
    "four bytes": (b"\x01\x02\x03\x04", "it has only 4 bytes"),
    "not a header": (build(b"hello, world"), "does not start with '{'"),
    "huge header": (build({}, announced=1 << 62), "beyond the limit"),
    "header beyond the file": (build({}, announced=4096), "cut short"),
    "not JSON": (build(b'{"a": }'), "its header is not JSON"),
    "a list": (build({"a": []}), "not an object"),
    "overlapping offsets": (
        build({"a": tensor(0, 8, [2]), "b": tensor(4, 12, [2])}, bytes(12)),
        "overlaps",
    ),
    "a hole": (build({"a": tensor(0, 4, [1]), "b": tensor(8, 12, [1])}, bytes(12)), "a hole of 4"),
    "bytes at the end": (build({"a": tensor(0, 4, [1])}, FLOATS), "follow the last tensor"),
    "duplicate keys": (
        build(
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
            b'"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
            FLOATS,
        ),
        "appears twice",
    ),
    "wrong dtype": (build({"a": tensor(0, 4, [1], "F99")}, bytes(4)), "unknown dtype 'F99'"),
    "wrong shape": (build({"a": tensor(0, 8, [3])}, FLOATS), "but shape [3] of F32 takes 12"),
    "shape that overflows": (
        build({"a": tensor(0, 8, [1 << 62, 1 << 62])}, FLOATS),
        "overflows",
    ),
    "offsets backwards": (build({"a": tensor(8, 0, [2])}, FLOATS), "ends before it begins"),
    "negative shape": (build({"a": tensor(0, 4, [-1])}, bytes(4)), "a negative number"),
    "metadata of numbers": (
        build({"__metadata__": {"a": 1}, "b": tensor(0, 4, [1])}, bytes(4)),
        "only strings are allowed",
    ),
    "no tensors": (build({}), "no network that this build knows"),
    "PyTorch checkpoint": (b"PK\x03\x04" + bytes(60), "a PyTorch checkpoint"),
    "Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\n" * 3, "a Git LFS pointer"),
    "web page": (b"<!DOCTYPE html><html>" + b" " * 60, "a web page"),
}


@pytest.mark.parametrize("content, sentence", FILES.values(), ids=FILES)
def test_hostile_file(tmp_path, inpaint, content, sentence):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(content)
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(model=bad), 1, "bad.safetensors", sentence)
        support.fails(support.run("info", bad), 1, sentence)


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_truncated(tmp_path, inpaint, model, keep):
    bad = tmp_path / "bad.safetensors"
    whole = model.read_bytes()
    bad.write_bytes(whole[: int(len(whole) * keep)])
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(model=bad), 1, "bad.safetensors", "cut short", "hint: ")


def test_unknown_network(tmp_path, inpaint):
    bad = tmp_path / "bad.safetensors"
    safetensors.write(bad, {"encoder.weight": np.zeros((4, 4), np.float32)}, {})
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(model=bad), 1, "no network that this build knows", "glcic")


def test_unknown_network_that_the_file_names(tmp_path, inpaint, model):
    tensors, _ = safetensors.read(model)
    bad = tmp_path / "bad.safetensors"
    safetensors.write(bad, tensors, {"kintsugi.network": "banana"})
    support.fails(inpaint(model=bad), 1, "bad.safetensors", "a banana, a network", "glcic")


def test_unknown_network_asked_for(model):
    support.fails(support.run("info", model, "--network", "banana"), 2, "banana", "glcic")


def test_missing_keys(tmp_path, inpaint, model):
    def drop(tensors):
        del tensors["7.0.weight"], tensors["7.1.bias"]

    bad = support.change_model(model, tmp_path / "bad.safetensors", drop)
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(model=bad), 1, "bad.safetensors", "7.0.weight")


def test_weight_of_another_shape(tmp_path, inpaint, model):
    def transpose(tensors):
        tensors["1.0.weight"] = np.ascontiguousarray(tensors["1.0.weight"].transpose(1, 0, 2, 3))

    bad = support.change_model(model, tmp_path / "bad.safetensors", transpose)
    with support.nothing_changes(tmp_path):
        support.fails(
            inpaint(model=bad), 1, "bad.safetensors", "1.0.weight", "[16, 8, 3, 3]", "[8, 16, 3, 3]"
        )


@pytest.mark.parametrize("dtype, name", [(np.int8, "I8"), (np.int64, "I64")])
def test_weight_of_another_dtype(tmp_path, inpaint, model, dtype, name):
    def integers(tensors):
        tensors["2.0.weight"] = tensors["2.0.weight"].astype(dtype)

    bad = support.change_model(model, tmp_path / "bad.safetensors", integers)
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(model=bad), 1, "bad.safetensors", "2.0.weight", name)


@pytest.mark.parametrize("value, name", [(np.nan, "a NaN"), (np.inf, "an infinity")])
def test_weight_that_is_no_number(tmp_path, inpaint, model, reference, value, name):
    def poison(tensors):
        tensors["3.0.weight"][0, 0, 0, 0] = value

    bad = support.change_model(model, tmp_path / "bad.safetensors", poison)
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(model=bad), 1, name, "3.")
        failed = support.run("verify", "-m", bad, "-r", reference)
        assert failed.returncode == 4, failed.stderr
        assert name in failed.stdout and "FAILED" in failed.stdout


def test_unreadable(tmp_path, inpaint):
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(model=tmp_path / "nowhere.safetensors"), 1, "nowhere", "cannot read")
        support.fails(inpaint(model=tmp_path), 2, "is a folder")


def test_a_picture_for_a_model(tmp_path, inpaint, photo):
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(model=photo, photo=photo), 1, "photo.png", "a PNG picture")
