# SPDX-License-Identifier: MIT
"""`convert` and `reference` as a person runs them."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT

from kintsugi_export import reference, safetensors
from kintsugi_export.__main__ import main
from kintsugi_export.networks import glcic


def checkpoint_of(path, layout, width=4):
    torch.manual_seed(5)
    network = glcic.build(glcic.Config(width, width // 2, layout))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save({"model": network.state_dict(), "epoch": 1}, path)
    return network


@pytest.mark.parametrize("layout", glcic.LAYOUTS)
def test_convert_and_reference(tmp_path, capsys, layout):
    network = checkpoint_of(tmp_path / "a.pt", layout)
    model, ref = str(tmp_path / "m.safetensors"), str(tmp_path / "r.safetensors")
    assert main(["convert", "glcic", str(tmp_path / "a.pt"), "-o", model]) == 0
    assert f"layout {layout}" in capsys.readouterr().out
    assert main(["reference", "glcic", model, "-o", ref, "--size", "20x13", "--batch", "2"]) == 0

    weights, metadata = safetensors.read(model)
    assert {key: value.tolist() for key, value in network.state_dict().items()} == {
        key: value.tolist() for key, value in weights.items()
    }
    assert metadata["format"] == "pt" and metadata["kintsugi.network"] == "glcic"
    assert json.loads(metadata["kintsugi.config"]) == {
        "variant": "official",
        "mean": [0.4560, 0.4472, 0.4155],
        "range": [0, 1],
        "mask": "hole=1",
        "multiple": 4,
    }

    tensors, _ = safetensors.read(ref)
    leaves = [name for name, module in network.named_modules() if not list(module.children())]
    last = {"flat": "49", "triples": "17"}[layout]
    assert leaves[-1] == last and len(leaves) == 50
    assert set(tensors) == {"input/input", "output/output", *(f"tap/{name}" for name in leaves)}
    with torch.no_grad():
        expected = network(torch.from_numpy(tensors["input/input"])).numpy()
    assert (tensors["output/output"] == expected).all() and expected.shape == (2, 3, 20, 16)
    assert (tensors[f"tap/{last}"] == expected).all()
    first_relu = {"flat": "tap/2", "triples": "tap/0.2"}[layout]
    first_norm = {"flat": "tap/1", "triples": "tap/0.1"}[layout]
    assert (tensors[first_relu] == np.maximum(tensors[first_norm], 0)).all()
    assert (tensors[first_norm] < 0).any(), "a tap was overwritten in place"


def test_options_of_convert(tmp_path):
    checkpoint_of(tmp_path / "a.pt", "flat")
    model, again = str(tmp_path / "m.safetensors"), str(tmp_path / "n.safetensors")
    assert (
        main(
            [
                "convert",
                "glcic",
                str(tmp_path / "a.pt"),
                "-o",
                model,
                "--dtype",
                "f16",
                "--mean",
                "0.1,0.2,0.3",
                "--title",
                "A title",
                "--license",
                "CC0-1.0",
            ]
        )
        == 0
    )
    weights, metadata = safetensors.read(model)
    assert (
        weights["0.weight"].dtype == np.float16
        and weights["1.num_batches_tracked"].dtype == np.int64
    )
    assert json.loads(metadata["kintsugi.config"])["mean"] == [0.1, 0.2, 0.3]
    assert metadata["modelspec.title"] == "A title" and metadata["modelspec.license"] == "CC0-1.0"

    assert (
        main(["convert", "glcic", model, "-o", again, "--dtype", "bf16", "--title", "Another"]) == 0
    )
    metadata = safetensors.read(again)[1]
    assert metadata["modelspec.title"] == "Another" and metadata["modelspec.license"] == "CC0-1.0"


def test_reference_is_a_function_of_its_arguments(tmp_path):
    checkpoint_of(tmp_path / "a.pt", "flat")
    model = str(tmp_path / "m.safetensors")
    main(["convert", "glcic", str(tmp_path / "a.pt"), "-o", model])

    def make(name, *options):
        path = tmp_path / name
        assert (
            main(["reference", "glcic", model, "-o", str(path), "--size", "16x16", *options]) == 0
        )
        return path

    first = make("1")
    assert first.read_bytes() == make("2", "--seed", "0").read_bytes()
    assert first.read_bytes() != make("3", "--seed", "1").read_bytes()
    assert first.read_bytes() == make("4", "--seed", "9", "--input", str(first)).read_bytes()
    single, double = (
        safetensors.read(path)[0]["output/output"] for path in (first, make("5", "--double"))
    )
    assert 0 < np.abs(single - double).max() < 1e-5


def test_taps_survive_modules_that_work_in_place():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.ReLU(inplace=True))
    state = {"0.weight": np.full((1, 1, 1, 1), -1, np.float32), "0.bias": np.zeros(1, np.float32)}
    inputs = {"input": np.ones((1, 1, 1, 1), np.float32)}
    tensors = reference.run(network, state, inputs, ("output",))
    assert tensors["tap/0"] == -1 and tensors["tap/1"] == 0


def test_errors_are_one_sentence_and_exit_code_1(tmp_path, capsys):
    checkpoint_of(tmp_path / "a.pt", "flat")
    model, bad = str(tmp_path / "m.safetensors"), str(tmp_path / "bad.pt")
    main(["convert", "glcic", str(tmp_path / "a.pt"), "-o", model])
    torch.save({"conv1.weight": torch.ones(2, 4, 5, 5)}, bad)
    safetensors.write(tmp_path / "three", {"input": np.zeros((1, 3, 8, 8), np.float32)})
    safetensors.write(tmp_path / "none", {"picture": np.zeros((1, 4, 8, 8), np.float32)})
    capsys.readouterr()
    for arguments, sentence in [
        (["convert", "glcic", bad, "-o", model], "not a GLCIC state dict"),
        (["convert", "glcic", str(tmp_path / "absent.pt"), "-o", model], "No such file"),
        (["convert", "glcic", str(tmp_path), "-o", model], "Is a directory"),
        (["convert", "glcic", model, "-o", model], "would overwrite the input"),
        (["convert", "glcic", model, "-o", str(tmp_path / "no" / "m")], "No such file"),
        (["reference", "glcic", bad, "-o", model], "bad.pt"),
        (["reference", "glcic", model, "-o", model], "would overwrite the input"),
        (
            [
                "reference",
                "glcic",
                model,
                "-o",
                str(tmp_path / "r"),
                "--input",
                str(tmp_path / "three"),
            ],
            "PyTorch refused the input",
        ),
        (
            [
                "reference",
                "glcic",
                model,
                "-o",
                str(tmp_path / "r"),
                "--input",
                str(tmp_path / "none"),
            ],
            "neither 'input/input' nor 'input'",
        ),
    ]:
        before = sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
        assert main(arguments) == 1, arguments
        output, error = capsys.readouterr()
        assert output == "" and error.startswith("kintsugi_export: ") and error.count("\n") == 1
        assert sentence in error
        assert before == sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["convert"],
        ["convert", "unknown", "a.pt", "-o", "b"],
        ["convert", "glcic", "a.pt"],
        ["convert", "glcic", "a.pt", "-o", "b", "--dtype", "f8"],
        ["convert", "glcic", "a.pt", "-o", "b", "--mean", "1,2"],
        ["convert", "glcic", "a.pt", "-o", "b", "--mean", "116,117,106"],
        ["reference", "glcic", "a", "-o", "b", "--size", "16"],
        ["reference", "glcic", "a", "-o", "b", "--size", "0x4"],
        ["reference", "glcic", "a", "-o", "b", "--batch", "0"],
        ["reference", "glcic", "a", "-o", "b", "--seed", "-1"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_code:
        main(arguments)
    assert exit_code.value.code == 2 and "usage:" in capsys.readouterr().err


def test_runs_as_a_module():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python_export")}
    done = subprocess.run(
        [sys.executable, "-m", "kintsugi_export", "--help"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "convert" in done.stdout and "reference" in done.stdout
