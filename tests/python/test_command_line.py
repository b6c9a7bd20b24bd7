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
    network = glcic.build(glcic.Config.of(layout, width, width // 2))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save({"model": network.state_dict(), "epoch": 1}, path)
    return network


@pytest.mark.parametrize("layout", glcic.layouts())
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
        "otenim": {"variant": "otenim", "range": [0, 1]},
        "mmediting": {"variant": "mmediting", "colours": "BGR", "range": [-1, 1]},
    }.get(
        layout, {"variant": "official", "mean": [0.4560, 0.4472, 0.4155], "range": [0, 1]}
    ) | {"mask": "hole=1", "multiple": 4}

    tensors, _ = safetensors.read(ref)
    leaves = [name for name, module in network.named_modules() if not list(module.children())]
    names = glcic.names_of(layout)
    clamps = layout == "mmediting"
    last = names[-1].conv if clamps else names[-1].activation
    assert leaves[-1] == last and len(leaves) == (49 if clamps else 50)
    assert set(tensors) == {"input/input", "output/output", *(f"tap/{name}" for name in leaves)}
    with torch.no_grad():
        expected = network(torch.from_numpy(tensors["input/input"])).numpy()
    assert (tensors["output/output"] == expected).all() and expected.shape == (2, 3, 20, 16)
    ended = tensors[f"tap/{last}"]
    assert ((ended.clip(-1, 1) if clamps else ended) == expected).all()
    before_relu = names[0].conv if layout == "otenim" else names[0].norm
    before_relu, relu = tensors[f"tap/{before_relu}"], tensors[f"tap/{names[0].activation}"]
    assert (relu == np.maximum(before_relu, 0)).all()
    assert (before_relu < 0).any(), "a tap was overwritten in place"


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


def test_the_mean_comes_from_where_it_stands(tmp_path, capsys):
    checkpoint_of(tmp_path / "a.pt", "otenim")
    settings, plain, model = (str(tmp_path / name) for name in ("c.json", "p.st", "m.safetensors"))
    (tmp_path / "c.json").write_text('{"mpv": [0.5, 0.25, 0.125], "max_holes": 1}')

    def stated(*arguments):
        assert main(["convert", "glcic", *arguments]) == 0
        return json.loads(safetensors.read(arguments[-1])[1]["kintsugi.config"])

    checkpoint = str(tmp_path / "a.pt")
    assert "mpv" not in stated(checkpoint, "-o", plain)
    assert "mean colour" in capsys.readouterr().out, "says what is missing"
    assert stated(checkpoint, "--mean", "0.1,0.2,0.3", "-o", model)["mpv"] == [0.1, 0.2, 0.3]
    assert stated(checkpoint, "--config", settings, "-o", model)["mpv"] == [0.5, 0.25, 0.125]
    assert "mean colour" not in capsys.readouterr().out
    again = str(tmp_path / "again.safetensors")
    assert stated(model, "--dtype", "f16", "-o", again)["mpv"] == [0.5, 0.25, 0.125]

    for content, sentence in [
        ("{", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "not valid JSON"),
        ('{"lr": 1}', "nothing in it is of use to glcic"),
        ('{"mpv": [116, 117, 106]}', "c.json: 'mpv' is not three numbers in [0, 1]"),
    ]:
        (tmp_path / "c.json").write_text(content)
        capsys.readouterr()
        assert main(["convert", "glcic", checkpoint, "--config", settings, "-o", model]) == 1
        error = capsys.readouterr().err
        assert sentence in error and error.count("\n") == 1


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
        ["convert", "glcic", "a.pt", "-o", "b", "--mean", "0,0,0", "--config", "c.json"],
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
