# SPDX-License-Identifier: MIT
"""MindSpore's .ckpt files: the carried one, what its versions write, and hostile ones."""

import binascii
import io
import pickle
import time
import zipfile

import numpy as np
import pytest
import torch
from conftest import ROOT
from mindspore_writer import NAMES, number, record, records, saved, sized, varint

from kintsugi_export import checkpoint, mindspore
from kintsugi_export.errors import ExportError

DATA = ROOT / "tests" / "data"
TWO = np.float32([[1, 2, 3], [4, 5, 6]])


def loaded(tmp_path, content):
    (tmp_path / "a.ckpt").write_bytes(content)
    return mindspore.read(tmp_path / "a.ckpt")


def test_the_carried_file():
    state = mindspore.read(DATA / "cyclegan_mindspore_k16.ckpt")
    assert len(state) == 67 and all(key.startswith("net_rg_a.") for key in state)
    weight = state["net_rg_a.residuals.2.conv2.features.0.weight"]
    assert weight.shape == (64, 64, 3, 3) and weight.dtype == np.float16
    assert state["net_rg_a.up_1.features.1.moving_variance"].dtype == np.float32
    sizes = sum(value.size for value in state.values())
    assert sizes == 274_688


@pytest.mark.parametrize("kind", NAMES)
def test_every_type(tmp_path, kind):
    value = np.array([[0, 1, 1], [1, 0, 1]]).astype(kind)
    found = loaded(tmp_path, records("x", value))["x"]
    assert found.dtype == value.dtype and found.tolist() == value.tolist()


def test_a_bool_is_true_or_false(tmp_path):
    found = loaded(tmp_path, record("x", [3], "Bool", b"\0\1\7"))["x"]
    assert found.dtype == bool and found.tolist() == [False, True, True]


def test_bf16_comes_back_as_f32(tmp_path):
    content = np.array([0x3FC0, 0xC000], "<u2").tobytes()
    found = loaded(tmp_path, record("x", [2], "BFloat16", content))["x"]
    assert found.dtype == np.float32 and found.tolist() == [1.5, -2]


@pytest.mark.parametrize("dims", [(), (0,)])
def test_scalars(tmp_path, dims):
    content = np.float32(2.5).tobytes()
    found = loaded(tmp_path, record("x", dims, "Float32", content))["x"]
    assert found.shape == () and found == 2.5


@pytest.mark.parametrize("cut", [1, 4, 7, 12, 23, 24])
@pytest.mark.parametrize("packed", [False, True])
def test_slices_belong_together(tmp_path, cut, packed):
    content = records("a", TWO, cut, packed) + records("b", TWO.T + 1, cut)
    state = loaded(tmp_path, content)
    assert state["a"].tolist() == TWO.tolist() and state["b"].tolist() == (TWO.T + 1).tolist()


def test_what_is_not_a_parameter_is_left_out(tmp_path):
    content = (
        records("a", TWO)
        + record("random_op", [2**40], "RandomState", b"12")
        + record("epochs", [0], "str", "twelve")
        + sized(1, sized(1, "map") + sized(3, b"\xff" * 9))  # a map tensor
        + records("b", TWO)
    )
    assert list(loaded(tmp_path, content)) == ["a", "b"]


UNKNOWN = {
    "varint": number(90, 2**64 - 1),
    "fixed64": varint(90 << 3 | 1) + b"\xff" * 8,
    "bytes": sized(90, b"\x0a\xff\xff"),
    "fixed32": varint(90 << 3 | 5) + b"\xff" * 4,
    "group": varint(90 << 3 | 3)
    + number(1, 5)
    + varint(91 << 3 | 3)
    + sized(3, b"x")
    + varint(91 << 3 | 4)
    + varint(90 << 3 | 4),
    "another type of a known field": number(1, 7) + number(2, 7) + number(3, 7),
}


@pytest.mark.parametrize("unknown", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_fields_are_stepped_over(tmp_path, unknown):
    """At every level; in a tensor a varint in field 1 is a dimension."""
    dims = number(1, 2) + number(1, 3)
    inner = unknown[len(number(1, 7)) :] if unknown.startswith(number(1, 7)) else unknown
    tensor = dims + inner + sized(2, "Float32") + inner + sized(3, TWO.tobytes())
    value = unknown + sized(1, "x") + unknown + sized(2, tensor) + unknown
    found = loaded(tmp_path, sized(1, value) + unknown + records("y", TWO))
    assert found["x"].tolist() == found["y"].tolist() == TWO.tolist()


def test_a_checksum_at_the_end(tmp_path):
    content = records("x", TWO)
    total = binascii.crc32(content).to_bytes(10, "big")
    assert list(loaded(tmp_path, content + b"crc_num" + total)) == ["x"]
    with pytest.raises(ExportError, match="its checksum is of something else"):
        loaded(tmp_path, content[:-1] + b"\0" + b"crc_num" + total)


def pickled(content, **options):
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_ckpt_of_lightning_goes_to_torchs_reader(tmp_path, zipped):
    content = {"state_dict": {"x": torch.ones(2)}, "epoch": 1}
    (tmp_path / "a.ckpt").write_bytes(pickled(content, _use_new_zipfile_serialization=zipped))
    assert checkpoint.load(tmp_path / "a.ckpt").state["x"].tolist() == [1, 1]
    saved(tmp_path / "b.ckpt", {"x": TWO})
    assert checkpoint.load(tmp_path / "b.ckpt").state["x"].tolist() == TWO.tolist()


def zip_of_text():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "text")
    return stream.getvalue()


GOOD = records("x", TWO)
HUGE = varint(2**63 - 1)


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", "not a MindSpore checkpoint"),
        (pickle.dumps({"x": 1}), "not a MindSpore checkpoint"),
        (zip_of_text(), "damaged checkpoint"),
        (b"\x0a", "truncated"),
        (b"\x0a\x80", "truncated"),
        (b"\x0a" + HUGE, "a field of 9223372036854775807 bytes with 0 left"),
        (b"\x0a" + b"\xff" * 11, "more than 64 bits"),
        (b"\x0a" + b"\x80" * 10 + b"\0", "more than 64 bits"),
        (b"\x0a" + b"\xff" * 9 + b"\x02", "more than 64 bits"),
        (b"\x0a\x00", "a record without a name"),
        (sized(1, sized(2, b"")), "a record without a name"),
        (sized(1, sized(1, "x")), "no tensors in it"),
        (sized(1, sized(1, b"\xff\xfe") + sized(2, b"")), "a text that is none"),
        (sized(1, sized(1, "x") + sized(2, b"")), "'x' has no type"),
        (sized(1, sized(1, "x") + b"\x12" + HUGE), "a field of 9223372036854775807 bytes"),
        (sized(1, sized(1, "x") + sized(1, "y")), "`tag` twice in a record"),
        (GOOD + b"\x0a\x05\x0a\x01", "a field of 5 bytes with 2 left"),
        (GOOD + varint(2 << 3), "truncated"),
        (GOOD + b"\x06", "a field of number 0"),
        (GOOD + varint(2 << 3 | 6), "wire type 6"),
        (GOOD + varint(2 << 3 | 7), "wire type 7"),
        (GOOD + varint(2 << 3 | 4), "wire type 4"),
        (GOOD + varint(2 << 3 | 3), "truncated"),
        (GOOD + varint(2 << 3 | 3) + varint(3 << 3 | 4), "wire type 4"),
        (GOOD + varint(2 << 3 | 3) * 100_000, "wire type 3"),
        (GOOD + records("y", TWO) + GOOD, "'x' twice in it"),
        (GOOD + record("random_op", [], "a", b"") + GOOD, "'x' twice in it"),
        (GOOD + GOOD, "'x' is 48 bytes long, Float32 .2, 3. takes 24"),
        (record("x", [2], "Float32", b"1234") + record("x", [2, 1], "Float32", b"1234"), "differ"),
        (record("x", [2], "Float32", b"1234") + record("x", [2], "Int32", b"1234"), "differ"),
        (record("x", [2, 3], "Float32", b"1234"), "is 4 bytes long, Float32 .2, 3. takes 24"),
        (record("x", [2**62, 2**62], "Float32", b"1234"), "is 4 bytes long"),
        (record("x", [2**62, 4], "Float32", b""), "is 0 bytes long"),
        (record("x", [2**62, 0], "Float32", b""), "is 0 bytes long"),
        (record("x", [-1], "Int8", b""), "is 0 bytes long"),
        (record("x", [-1, -1], "Int8", b"1"), "is 1 bytes long"),
        (record("x", [0], "Float32", b""), "is 0 bytes long"),
        (record("x", [1] * 9, "Int8", b"1"), "more than 8 dimensions"),
        (record("x", [1] * 9, "Int8", b"1", packed=True), "more than 8 dimensions"),
        (record("x", [1] * 1_000_000, "Int8", b"1", packed=True), "more than 8 dimensions"),
        (record("x", [4], "Float8", b"1234"), "of type 'Float8', which is not supported"),
        (record("x\n" * 90, [4], "Float32", b"1234"), "is 4 bytes long"),
        (sized(1, sized(1, sized(1, sized(1, GOOD) * 3) * 3) * 3), "a text that is none|twice"),
    ],
    ids=range(43),
)
def test_hostile_files_are_refused_with_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    start = time.monotonic()
    with pytest.raises(ExportError, match=sentence) as caught:
        checkpoint.load(path)
    text = str(caught.value)
    assert text.startswith(str(path)) and "\n" not in text and len(text) < 400
    assert time.monotonic() - start < 5


def small_file():
    return (
        records("a", TWO, 12)
        + record("b", [2], "BFloat16", b"1234", packed=True)
        + record("random_op", [], "str", b"x")
        + records("c", np.int64(7))
    )


def test_truncated_at_every_byte(tmp_path):
    """A refusal, or what stood before where the cut lies between two records."""
    whole, path = small_file(), tmp_path / "a.ckpt"
    complete = loaded(tmp_path, whole)
    assert sorted(complete) == ["a", "b", "c"]
    read = 0
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            state = mindspore.read(path)
        except ExportError as error:
            assert "\n" not in str(error)
        else:
            read += 1
            assert all((value == complete[key]).all() for key, value in state.items())
    assert read == 3, "after a's second slice, b and random_op"


def test_every_byte_changed_never_fails_in_another_way(tmp_path):
    """A reading or one sentence, in time."""
    whole, path = small_file(), tmp_path / "a.ckpt"
    start, refused = time.monotonic(), 0
    for position in range(len(whole)):
        for value in (0, 1, 0x0A, 0x7F, 0x80, 0xFF, whole[position] ^ 1):
            path.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
            try:
                mindspore.read(path)
            except ExportError as error:
                refused += 1
                assert "\n" not in str(error)
    assert refused > len(whole) and time.monotonic() - start < 60


def test_random_bytes_after_a_good_start(tmp_path):
    whole, rng = small_file(), np.random.default_rng(3)
    for _ in range(500):
        cut = int(rng.integers(1, len(whole)))
        (tmp_path / "a.ckpt").write_bytes(whole[:cut] + rng.bytes(200))
        try:
            mindspore.read(tmp_path / "a.ckpt")
        except ExportError as error:
            assert "\n" not in str(error)
