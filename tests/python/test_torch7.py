# SPDX-License-Identifier: MIT
"""Torch7 files: the carried one, storages shared and separate, old versions, and hostile ones."""

import json
import re
import struct
import time

import numpy as np
import pytest
from conftest import ROOT
from torch7_writer import (
    Function,
    Instance,
    View,
    Writer,
    int32,
    int64,
    modules_of,
    network,
    of,
    saved,
)

from kintsugi_export import safetensors, torch7
from kintsugi_export.__main__ import main
from kintsugi_export.errors import ExportError
from kintsugi_export.networks import glcic

DATA = ROOT / "tests" / "data"


@pytest.fixture(scope="module")
def state():
    return torch7.read(DATA / "glcic_ch8.t7").state


def assert_same(found, expected, relative=0):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key].shape == value.shape, key
        np.testing.assert_allclose(found[key], value, rtol=relative, err_msg=key)


def test_the_carried_file_has_the_weights_of_its_vector(tmp_path, capsys, state):
    expected, _ = safetensors.read(DATA / "glcic_ch8.safetensors")
    names = zip(glcic.names_of("triples"), glcic.names_of("flat"))
    flat = {path: to for triple in names for path, to in zip(*triple) if path}
    renamed = {
        f"{flat[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": value
        for key, value in expected.items()
        if "num_batches" not in key
    }
    assert_same(state, renamed)
    model = tmp_path / "m.safetensors"
    assert main(["convert", "glcic", str(DATA / "glcic_ch8.t7"), "-o", str(model)]) == 0
    assert "width 8, last 32, layout flat" in capsys.readouterr().out
    tensors, metadata = safetensors.read(model)
    assert_same(tensors, renamed)
    assert json.loads(metadata["kintsugi.config"])["mean"] == [0.4560, 0.4472, 0.4155]
    main(["convert", "glcic", str(DATA / "glcic_ch8.t7"), "-o", str(model), "--mean", "0,0.5,1"])
    assert json.loads(safetensors.read(model)[1]["kintsugi.config"])["mean"] == [0, 0.5, 1]


def test_one_storage_for_all_parameters(tmp_path, state):
    parts = []
    model = network(modules_of(state, shared=parts), gradient=Function(8), hook=Function(6))
    path = saved(tmp_path / "a.t7", {"model": model, "mean": of(np.float32([0.1, 0.2, 0.3]))})
    assert path.stat().st_size < 4 * sum(part.size for part in parts) + 30_000
    found = torch7.read(path)
    assert_same(found.state, state)
    assert found.settings == {"mean": [0.1, 0.2, 0.3]}
    glcic.check_torch7(found.modules)


def test_a_network_alone_and_what_it_refers_to_twice(tmp_path, state):
    modules = modules_of(state)
    modules[0].fields["gradWeight"] = modules[0].fields["weight"]
    modules[1].fields["owner"] = modules[0]
    modules[2].fields["itself"] = modules[2]  # a cycle
    found = torch7.read(saved(tmp_path / "a.t7", network(modules)))
    assert_same(found.state, state)
    assert found.settings == {}


def test_old_versions(tmp_path, state):
    """running_std, unversioned classes, flat weights, cudnn and doubles."""
    modules = modules_of(state, std=True)
    for module in modules:
        module.version = None
    modules[2].name = "cudnn.ReLU"
    first = modules[0]
    first.name = "nn.SpatialConvolutionMM"
    first.fields.update(nInputPlane=4, nOutputPlane=8)
    first.fields["weight"] = View(state["0.weight"].ravel(), (8, 100))
    first.fields["bias"] = View(state["0.bias"].astype(np.float64), (8,), kind="Double")
    found = torch7.read(saved(tmp_path / "a.t7", network(modules)))
    glcic.check_torch7(found.modules)
    assert found.state["0.bias"].dtype == np.float64
    assert_same(found.state, state, 1e-5)


def test_strided_views(tmp_path):
    storage = np.arange(12, dtype=np.float32)
    layers = [Instance("nn.A", weight=View(storage, (2, 3), (1, 2), 7), bias=View(storage, (1,)))]
    layers[0].fields["running_mean"] = View(storage, (1, 3), (2**62, 1), 4)
    found = torch7.read(saved(tmp_path / "a.t7", network(layers))).state
    assert found["0.weight"].tolist() == [[6, 8, 10], [7, 9, 11]] and found["0.bias"] == 0
    assert found["0.running_mean"].tolist() == [[3, 4, 5]]


def refused(path, content, sentence, *, load=torch7.read):
    with pytest.raises(ExportError, match=sentence) as caught:
        load(saved(path, content))
    text = str(caught.value)
    assert text.startswith(str(path)) and "\n" not in text and len(text) < 400


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda m: m[27].fields.update(dilationW=8), "module 28 .* dilation 16 8.* in GLCIC it is"),
        (lambda m: m[3].fields.update(dW=1), "module 4 .*stride 2 1"),
        (lambda m: m[36].fields.update(adjH=1), "module 37 .*adjustment 1 0"),
        (lambda m: m[5].__setattr__("name", "nn.ELU"), "module 6 of the .t7 file is ELU, .* ReLU"),
        (lambda m: m[4].fields.update(eps=1e-3), "module 5 .* eps 0.001"),
        (lambda m: m.pop(), "has 49 modules, GLCIC has 50"),
        (lambda m: m.__setitem__(slice(1, 3), m[2:0:-1]), "keys missing .*'1.weight'"),
        (lambda m: m[0].fields.pop("weight"), "1 keys missing"),
    ],
)
def test_other_networks_are_refused(tmp_path, capsys, state, change, sentence):
    modules = modules_of(state)
    change(modules)
    saved(tmp_path / "a.t7", network(modules))
    assert main(["convert", "glcic", str(tmp_path / "a.t7"), "-o", str(tmp_path / "m")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and not (tmp_path / "m").exists()
    assert re.search(sentence, error), error


STORAGE = np.arange(6, dtype=np.float32)
TEXT = Writer.text
TENSOR = int32(4, 1) + TEXT("V 1") + TEXT("torch.FloatTensor")


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", "not a Torch7 file"),
        (b"PK\3\4", "not a Torch7 file"),
        (b"4\n1\n3\nV 1\n", "not a Torch7 file in binary form"),
        (int32(9), "not a Torch7 file"),
        (int32(0) + b"x", "1 bytes at its end"),
        (int32(0), "holds no nn.Sequential"),
        (int32(2, -1), "a count of -1"),
        (int32(2, 2**31 - 1), "a count of 2147483647 with 0 bytes left"),
        (int32(3, 1, 2**31 - 1), "a count of 2147483647"),
        (int32(3, 1, -5), "a count of -5"),
        (int32(3, 0, 0), "object index 0"),
        (int32(3, -7, 0), "object index -7"),
        (int32(3, 1, 1, 0, 0), "neither string, number nor boolean"),
        (int32(3, 1, 1, 3, 1, 0), "neither string, number nor boolean"),
        (int32(3, 1, 1, 1) + struct.pack("<d", np.nan) + int32(0), "neither string"),
        (int32(3, 1, 2, 5, 1, 0, 5, 1, 0), "the key True twice"),
        (int32(3, 1, 1, 5, 2, 0), "a boolean of 2"),
        (int32(3, 1, 1, 5, 1, 4, 1), "object 1 is of another type"),
        (b"".join(int32(3, i, 1, 5, 1) for i in range(1, 5000)) + int32(0), "nested too deep"),
        (int32(6) * 5000, "a count of|nested too deep|unknown type"),
        (b"".join(int32(6, 0) for _ in range(5000)), "nested too deep"),
        (int32(3, 1, 1, 5, 1, 12), "unknown type 12"),
        (int32(4, 1) + TEXT("V 1") + TEXT("torch.Timer"), "class 'torch.Timer', which is not"),
        (int32(4, 1) + TEXT("V 1") + TEXT("nn.\n"), "a class named"),
        (int32(4, 1) + TEXT("nn.Sequential") + int32(0), "without a table of its fields"),
        (TENSOR + int32(-1), "a tensor of rank -1"),
        (TENSOR + int32(2**30), "a tensor of rank"),
        (TENSOR + int32(1) + int64(-1, 1, 1) + int32(0), "negative size"),
        (TENSOR + int32(1) + int64(1, 1, 1) + int32(4, 1), "whose storage is none"),
        (TENSOR + int32(1) + int64(1, 1, 1) + int32(2) + TEXT("a"), "whose storage is none"),
        (int32(4, 1) + TEXT("torch.FloatStorage") + int64(2**61), "a count of"),
        (int32(4, 1) + TEXT("torch.FloatStorage") + int64(-1), "a count of -1"),
        (Instance("nn.Linear"), "holds no nn.Sequential"),
        ({"model": of(STORAGE)}, "holds no nn.Sequential"),
        (Instance("nn.Sequential"), "has no list of modules"),
        (network({1: Instance("nn.ReLU"), 3: Instance("nn.ReLU")}), "has no list of modules"),
        (network([1, 2]), "module 1 of its nn.Sequential is none"),
        (network([Instance("os.execute")]), "module 1 of its nn.Sequential is none"),
    ],
)
def test_hostile_files_are_refused_with_one_sentence(tmp_path, content, sentence):
    refused(tmp_path / "a.t7", content, sentence)


@pytest.mark.parametrize(
    "shape, strides, offset, sentence",
    [
        ((7,), (1,), 1, "'0.weight' reaches beyond its storage"),
        ((2, 3), (4, 1), 1, "reaches beyond"),
        ((6,), (1,), 2, "reaches beyond"),
        ((1,), (1,), 0, "reaches beyond"),
        ((2,), (2**62,), 1, "reaches beyond"),
        ((2**40,), (0,), 1, "reaches beyond"),
        ((2**62,) * 8, (0,) * 8, 1, "reaches beyond"),
        ((0, 2**62), (1, 1), 1, "'0.weight' is empty"),
        ((), (), 1, "'0.weight' is empty"),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, shape, strides, offset, sentence):
    weight = View(STORAGE, shape, strides, offset)
    refused(tmp_path / "a.t7", network([Instance("nn.A", weight=weight)]), sentence)


def test_views_worth_more_than_the_file_are_refused(tmp_path):
    weight = View(np.zeros(1000, np.float32), (1000,))
    layers = [Instance("nn.A", weight=weight) for _ in range(1000)]
    refused(tmp_path / "a.t7", network(layers), "its parameters overlap")


def test_a_network_of_itself_ends(tmp_path):
    layers = []
    model = network(layers)
    content = {1: model}
    model.fields["modules"] = content
    assert torch7.read(saved(tmp_path / "a.t7", model)).modules == [
        torch7.Module("Sequential", {})
    ]


@pytest.mark.parametrize("eps, std", [(None, 1), ("a", 1), (1e-5, 0), (1e-5, -1), (1e-5, np.nan)])
def test_a_running_std_without_a_variance(tmp_path, eps, std):
    norm = Instance("nn.B", eps=eps, running_std=of(np.float32([std])))
    refused(tmp_path / "a.t7", network([norm]), "no variance follows")


@pytest.mark.parametrize("size", [8.5, 9, -4, np.inf, np.nan, None])
def test_a_flat_weight_with_other_sizes(tmp_path, size):
    conv = Instance(
        "nn.SpatialConvolutionMM",
        weight=of(np.zeros((8, 100), np.float32)),
        nInputPlane=4,
        nOutputPlane=size,
        kW=5,
        kH=5,
    )
    refused(tmp_path / "a.t7", network([conv]), "does not fit its sizes")


@pytest.mark.parametrize("mean", [np.float32([0.1, 0.2]), np.float32([1, 2, 3]), np.zeros(9, "f4")])
def test_a_mean_that_is_none(tmp_path, capsys, state, mean):
    saved(tmp_path / "a.t7", {"model": network(modules_of(state)), "mean": of(mean)})
    assert main(["convert", "glcic", str(tmp_path / "a.t7"), "-o", str(tmp_path / "m")]) == 1
    assert "a.t7: 'mean' is not three numbers in [0, 1]" in capsys.readouterr().err


def small_network():
    fields = {"weight": of(STORAGE), "flag": True, "call": Function(7)}
    layers = [Instance("nn.A", **fields), Instance("nn.B", bias=View(STORAGE, (2,), offset=3))]
    return Writer().bytes({"model": network(layers), "mean": of(STORAGE[:3])})


def test_truncated_at_every_byte(tmp_path):
    whole, path = small_network(), tmp_path / "a.t7"
    assert len(torch7.read(saved(path, whole)).state) == 2
    for length in range(len(whole)):
        refused(path, whole[:length], "a.t7: ")


def test_every_byte_changed_never_fails_in_another_way(tmp_path):
    """A reading or one sentence, in time."""
    whole, path = small_network(), tmp_path / "a.t7"
    start = time.monotonic()
    for position in range(len(whole)):
        for value in (0, 1, 0x7F, 0xFF):
            changed = bytearray(whole)
            changed[position] = value
            path.write_bytes(changed)
            try:
                torch7.read(path)
            except ExportError as error:
                assert "\n" not in str(error)
    assert time.monotonic() - start < 60


def test_random_bytes_after_a_good_start(tmp_path):
    whole, rng = small_network(), np.random.default_rng(3)
    for _ in range(500):
        cut = int(rng.integers(4, len(whole)))
        noise = rng.integers(0, 9, 200, dtype=np.int32).tobytes()
        (tmp_path / "a.t7").write_bytes(whole[:cut] + noise)
        with pytest.raises(ExportError):
            torch7.read(tmp_path / "a.t7")
