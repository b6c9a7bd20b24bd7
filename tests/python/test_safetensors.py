# SPDX-License-Identifier: MIT
"""The reader and writer of .safetensors: bytes on disk, rounding, files that must be refused."""

import json

import numpy as np
import pytest

from kintsugi_export import safetensors
from kintsugi_export.errors import ExportError


def file_of(header, data=b"", text=None):
    text = json.dumps(header).encode() if text is None else text
    return len(text).to_bytes(8, "little") + text + data


def entry(begin=0, end=8, shape=(2,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def test_reads_a_file_written_by_hand(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(
        file_of(
            {"__metadata__": {"format": "pt"}, "x": entry()}, b"\x00\x00\x80\x3f\x00\x00\x00\xc0"
        )
    )
    tensors, metadata = safetensors.read(path)
    assert metadata == {"format": "pt"}
    assert tensors["x"].tolist() == [1.0, -2.0]


def test_writes_the_documented_bytes(tmp_path):
    path = tmp_path / "a.safetensors"
    safetensors.write(path, {"x": np.array([1, -2], np.float32)}, {"format": "pt"})
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    assert json.loads(data[8 : 8 + length]) == {"__metadata__": {"format": "pt"}, "x": entry()}
    assert data[8 + length :] == b"\x00\x00\x80\x3f\x00\x00\x00\xc0"


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "?"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 4), (2, 3, 1, 2)])
def test_round_trip(tmp_path, dtype, shape):
    value = (np.random.default_rng(0).random(shape) * 100).astype(dtype)
    safetensors.write(tmp_path / "a", {"first": np.ones(3, np.float32), "ключ.0": value})
    tensors, metadata = safetensors.read(tmp_path / "a")
    assert metadata == {} and list(tensors) == ["first", "ключ.0"]
    assert tensors["ключ.0"].dtype == value.dtype and tensors["ключ.0"].shape == shape
    assert tensors["ключ.0"].tobytes() == value.tobytes()


def test_a_transposed_array_is_written_in_its_logical_order(tmp_path):
    value = np.arange(6, dtype=np.float32).reshape(2, 3).T
    safetensors.write(tmp_path / "a", {"x": value})
    assert (safetensors.read(tmp_path / "a")[0]["x"] == value).all()


def test_bf16_rounds_to_nearest_even():
    values = np.array(
        [1, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, -3.5, np.inf, 1e-40], np.float32
    )
    back = safetensors.bf16_to_f32(safetensors.f32_to_bf16(values))
    assert back[:6].tolist() == [1, 1, 1 + 2**-6, 1 + 2**-7, -3.5, np.inf]
    assert abs(back[6] - 1e-40) < 1e-40  # a subnormal is not flushed
    assert np.isnan(
        safetensors.bf16_to_f32(safetensors.f32_to_bf16(np.array([np.nan], np.float32)))
    )


@pytest.mark.parametrize("floats, tolerance", [("F32", 0), ("F16", 2**-11), ("BF16", 2**-8)])
def test_floats_are_converted_and_integers_kept(tmp_path, floats, tolerance):
    values = np.random.default_rng(1).uniform(0.5, 2, 1000).astype(np.float32)
    safetensors.write(tmp_path / "a", {"w": values, "n": np.array(7)}, floats=floats)
    tensors, _ = safetensors.read(tmp_path / "a")
    assert (np.abs(tensors["w"] / values - 1) <= tolerance).all()
    assert tensors["n"].dtype == np.int64 and tensors["n"] == 7
    assert floats.encode() in (tmp_path / "a").read_bytes()


def test_a_value_too_large_for_half_is_refused(tmp_path):
    with pytest.raises(
        ExportError, match="'w' holds values too large for F16: the largest is 70000"
    ):
        safetensors.write(tmp_path / "a", {"w": np.array([1, 7e4], np.float32)}, floats="F16")


HOSTILE = {
    "empty": (b"", "shorter than the 8 bytes"),
    "header longer than the file": (file_of({"x": entry()})[:20], "truncated"),
    "header beyond the cap": ((2**40).to_bytes(8, "little") + b"{}", "more than the format allows"),
    "not JSON": (file_of(None, text=b"{nonsense"), "not valid JSON"),
    "not UTF-8": (file_of(None, text=b'{"\xff": 1}'), "not valid JSON"),
    "deep nesting": (file_of(None, text=b'{"a":' * 100000), "not valid JSON"),
    "not an object": (file_of([1]), "not a JSON object"),
    "duplicate key": (
        file_of(
            None,
            bytes(16),
            b'{"x":%s,"x":%s}' % (json.dumps(entry()).encode(), json.dumps(entry(8, 16)).encode()),
        ),
        "duplicate key 'x'",
    ),
    "metadata with numbers": (file_of({"__metadata__": {"a": 1}}), "map strings to strings"),
    "unknown field": (file_of({"x": {**entry(), "extra": 1}}, bytes(8)), "nothing else"),
    "missing field": (file_of({"x": {"dtype": "F32", "shape": [2]}}, bytes(8)), "must have dtype"),
    "unknown dtype": (file_of({"x": entry(dtype="F12")}, bytes(8)), "unknown dtype 'F12'"),
    "dtype of another type": (file_of({"x": entry(dtype=["F32"])}, bytes(8)), "unknown dtype"),
    "negative dimension": (file_of({"x": entry(shape=(-2,))}, bytes(8)), "non-negative integers"),
    "fractional dimension": (
        file_of({"x": entry(shape=(2.0,))}, bytes(8)),
        "non-negative integers",
    ),
    "boolean dimension": (file_of({"x": entry(0, 4, (True,))}, bytes(4)), "non-negative integers"),
    "reversed range": (file_of({"x": entry(8, 0)}, bytes(8)), "lies outside the file"),
    "range beyond the file": (file_of({"x": entry()}, bytes(7)), "lies outside the file"),
    "shape and range differ": (file_of({"x": entry(shape=(3,))}, bytes(8)), "8 bytes long"),
    "product that overflows": (
        file_of({"x": entry(shape=(2**33, 2**33))}, bytes(8)),
        "8 bytes long",
    ),
    "too many dimensions": (file_of({"x": entry(shape=(1,) * 70 + (2,))}, bytes(8)), "cannot hold"),
    "empty and immense": (file_of({"x": entry(0, 0, (2**62, 2**62, 0))}), "cannot hold"),
    "beyond 64 bits": (file_of({"x": entry(0, 0, (2**64, 0))}), "non-negative integers"),
    "overlap": (file_of({"x": entry(), "y": entry(4, 12)}, bytes(12)), "'y' starts at byte 4"),
    "hole": (file_of({"x": entry(), "y": entry(12, 20)}, bytes(20)), "'y' starts at byte 12"),
    "bytes left over": (file_of({"x": entry()}, bytes(9)), "1 bytes after the last tensor"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_with_a_sentence(tmp_path, case):
    data, sentence = HOSTILE[case]
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(ExportError, match=sentence) as error:
        safetensors.read(tmp_path / "a.safetensors")
    assert "a.safetensors" in str(error.value)


def test_an_empty_metadata_object_is_tolerated(tmp_path):
    (tmp_path / "a").write_bytes(file_of({"__metadata__": {}, "x": entry()}, bytes(8)))
    assert safetensors.read(tmp_path / "a")[1] == {}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    safetensors.write(tmp_path / "a", {"x": np.ones(2, np.float32)})
    before = (tmp_path / "a").read_bytes()
    with pytest.raises(ExportError):
        safetensors.write(tmp_path / "a", {"x": np.ones(2, np.complex64)})
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        safetensors.write(tmp_path / "folder", {"x": np.ones(2, np.float32)})
    assert (tmp_path / "a").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "folder"]
