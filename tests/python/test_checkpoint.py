# SPDX-License-Identifier: MIT
"""Checkpoints as found in the wild: wrapped, prefixed, damaged and malicious."""

import argparse
import collections
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from kintsugi_export import checkpoint, safetensors
from kintsugi_export.errors import ExportError

STATE = {"0.weight": torch.arange(6.0).reshape(2, 3), "0.count": torch.tensor(3)}


def saved(path, content, **options):
    torch.save(content, path, **options)
    return path


def prefixed(prefix, state=None):
    return {prefix + key: value for key, value in (state or STATE).items()}


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"state_dict": STATE, "epoch": 3, "arch": "glcic", "best": None},
        {"params_ema": STATE, "params": {"0.weight": torch.zeros(1)}},
        {"params": STATE},
        {"model": {"state_dict": STATE}, "optimizer": {"lr": 0.1}},
        {"net": STATE, "args": argparse.Namespace(lr=0.1), "loss": np.float64(0.5)},
        {"G": STATE, "D": {"0.weight": torch.zeros(1)}},
        prefixed("module."),
        prefixed("module.netG."),
        {"state_dict": prefixed("module.main.")},
        {**prefixed("generator."), **prefixed("disc.")},
        {**prefixed("netG."), **prefixed("netD.")},
    ],
    ids=lambda content: "+".join(list(content)[:2]),
)
def test_unwraps_and_strips(tmp_path, content):
    path = saved(tmp_path / "a.pth", content)
    state, metadata, *_ = checkpoint.load(path, ("netG.", "generator."))
    assert metadata == {} and sorted(state) == ["0.count", "0.weight"]
    assert (state["0.weight"] == STATE["0.weight"].numpy()).all() and state["0.count"] == 3


def test_each_network_finds_its_own_in_a_file_of_several(tmp_path):
    other = {"1.weight": torch.ones(1)}
    path = saved(tmp_path / "a.pth", {**prefixed("generator."), **prefixed("disc.", other)})
    assert list(checkpoint.load(path, ("netD.", "disc.")).state) == ["1.weight"]
    assert sorted(checkpoint.load(path, ("netG.", "generator.")).state) == ["0.count", "0.weight"]


def test_a_prefix_some_keys_lack_is_part_of_the_names(tmp_path):
    content = {**prefixed("main."), "head.weight": torch.ones(1)}
    state = checkpoint.load(saved(tmp_path / "a.pt", content)).state
    assert sorted(state) == sorted(content)


def test_reads_the_format_before_torch_1_6(tmp_path):
    path = saved(tmp_path / "a.pth", {"state_dict": STATE}, _use_new_zipfile_serialization=False)
    assert (checkpoint.load(path).state["0.weight"] == STATE["0.weight"].numpy()).all()


def test_reads_safetensors_with_metadata(tmp_path):
    safetensors.write(
        tmp_path / "a.safetensors", {"module.x": np.ones(2, np.float32)}, {"format": "pt"}
    )
    state, metadata, *_ = checkpoint.load(tmp_path / "a.safetensors")
    assert list(state) == ["x"] and metadata == {"format": "pt"}


def test_bf16_half_and_strided_tensors(tmp_path):
    content = {
        "b": torch.tensor([1.5, -2]).bfloat16(),
        "h": torch.tensor([0.1]).half(),
        "t": torch.arange(6.0).reshape(2, 3).t(),
        "p": torch.nn.Parameter(torch.ones(2)),
    }
    state = checkpoint.load(saved(tmp_path / "a.pt", content)).state
    assert state["b"].dtype == np.float32 and state["b"].tolist() == [1.5, -2]
    assert state["h"].dtype == np.float16
    assert state["t"].tolist() == [[0, 3], [1, 4], [2, 5]] and state["p"].tolist() == [1, 1]


class Trap:
    """A pickle of this writes a file when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_refused_and_does_not_run(tmp_path, zipped):
    trap = tmp_path / "sprung"
    path = saved(
        tmp_path / "a.pt",
        {"state_dict": STATE, "extra": Trap(trap)},
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(
        ExportError, match="holds more than tensors: loading it would call posix.mkdir"
    ):
        checkpoint.load(path)
    assert not trap.exists()
    torch.load(path, **({"weights_only": False} if torch.__version__ >= "2.6" else {}))
    assert trap.exists(), "the trap does not work, so the test above shows nothing"


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nmkdir\n(V%s\ntR.",  # GLOBAL, REDUCE
        b"(V%s\nios\nmkdir\n.",  # INST
        b"(cos\nmkdir\nV%s\no.",  # OBJ
        b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93(V%s\ntR.",  # STACK_GLOBAL
        b"ccollections\nOrderedDict.__init__\n(V%s\ntR.",  # a dotted name
        b"cbuiltins\ngetattr\n(V%s\ntR.",
    ],
)
def test_every_opcode_that_can_call_is_refused(tmp_path, program):
    trap = tmp_path / "sprung"
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("archive/data.pkl", program.replace(b"%s", str(trap).encode()))
    with pytest.raises(ExportError, match="loading it would call"):
        checkpoint.load(tmp_path / "a.pt")
    assert not trap.exists()


class Storage:
    """Stands for a storage where torch.save would name one."""

    def __init__(self, view=None):
        self.reference = ("storage", torch.FloatStorage, "0", "cpu", 6, view)


class Rebuilt:
    """Pickles as torch.save pickles a tensor, with any offset, shape and strides."""

    def __init__(self, storage, offset, shape, strides):
        self.arguments = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        return thing.reference if isinstance(thing, Storage) else None


def pickled(content):
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(content)
    return stream.getvalue()


def archive_of_six(path, offset, shape, strides):
    """A zip checkpoint with the storage 0 .. 5 and one tensor over it."""
    with zipfile.ZipFile(path, "w") as archive:
        tensor = Rebuilt(Storage(), offset, shape, strides)
        archive.writestr("archive/data.pkl", pickled({"x": tensor}))
        archive.writestr("archive/data/0", np.arange(6, dtype="<f4").tobytes())
    return path


@pytest.mark.parametrize(
    "offset, shape, strides, sentence",
    [
        (0, (3, 3), (3, 1), "reaches beyond its storage"),
        (0, (2, 3), (4, 1), "reaches beyond its storage"),
        (1, (2, 3), (3, 1), "reaches beyond its storage"),
        (6, (), (), "reaches beyond its storage"),
        (0, (2**40,), (0,), "reaches beyond its storage"),
        (0, (2, 3), (-3, 1), "malformed shape"),
        (-1, (2, 3), (3, 1), "malformed shape"),
        (0, (2, 3), (1,), "malformed shape"),
        (0, (2.0, 3), (3, 1), "malformed shape"),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, offset, shape, strides, sentence):
    good = archive_of_six(tmp_path / "good.pt", 0, (2, 3), (3, 1))
    assert checkpoint.load(good).state["x"].tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ExportError, match=sentence):
        checkpoint.load(archive_of_six(tmp_path / "a.pt", offset, shape, strides))


def test_a_view_of_a_storage_in_the_old_format(tmp_path):
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    state = {"x": Rebuilt(Storage(view=("1", 2, 4)), 1, (3,), (1,))}
    parts = [pickled(0x1950A86A20F9469CFC6C), pickled(1001), pickled(system), pickled(state)]
    data = (6).to_bytes(8, "little") + np.arange(6, dtype="<f4").tobytes()
    (tmp_path / "a.pt").write_bytes(b"".join(parts) + pickled(["0"]) + data)
    assert checkpoint.load(tmp_path / "a.pt").state["x"].tolist() == [3, 4, 5]


def test_views_of_one_storage(tmp_path):
    flat = torch.arange(12.0)
    content = {
        "a": flat[2:6].view(2, 2),
        "b": flat[6:].view(2, 3).t(),
        "scalar": flat[7],
        "none": flat[:0],
    }
    for zipped in (True, False):
        path = saved(tmp_path / f"{zipped}.pt", content, _use_new_zipfile_serialization=zipped)
        state = checkpoint.load(path).state
        assert {key: value.tolist() for key, value in state.items()} == {
            key: value.tolist() for key, value in content.items()
        }


def test_a_plain_pickle_is_not_opened(tmp_path):
    trap = tmp_path / "sprung"
    (tmp_path / "a.pt").write_bytes(pickle.dumps(Trap(trap)))
    with pytest.raises(ExportError, match="not a checkpoint"):
        checkpoint.load(tmp_path / "a.pt")
    assert not trap.exists()


def test_a_whole_module_is_refused(tmp_path):
    with pytest.raises(ExportError, match="save its state_dict"):
        checkpoint.load(saved(tmp_path / "a.pt", torch.nn.Conv2d(1, 1, 1)))


def test_a_torchscript_program_is_refused(tmp_path):
    torch.jit.script(torch.nn.ReLU()).save(str(tmp_path / "a.pt"))
    with pytest.raises(ExportError, match="a TorchScript program"):
        checkpoint.load(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "content, sentence",
    [
        (
            {"epoch": 3, "weights": [torch.ones(1)]},
            "no state dict found: the file holds a dict with 'epoch'",
        ),
        ([torch.ones(1)], "holds a list"),
        ({}, "no tensors"),
        (
            {"x": torch.ones(2).to_sparse()},
            "loading it would call torch._utils._rebuild_sparse_tensor",
        ),
    ],
)
def test_other_contents_are_refused(tmp_path, content, sentence):
    with pytest.raises(ExportError, match=sentence):
        checkpoint.load(saved(tmp_path / "a.pt", content))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused(tmp_path, zipped, share):
    path = saved(tmp_path / "a.pt", STATE, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ExportError, match="a.pt: (damaged|not a checkpoint|refused)"):
        checkpoint.load(path)


def test_a_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("readme.txt", "no tensors here")
    with pytest.raises(ExportError, match="damaged checkpoint"):
        checkpoint.load(tmp_path / "a.pt")
