# SPDX-License-Identifier: MIT
"""Weights by rule: pinned numbers, because every implementation must make the same ones."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

import weight_rule
from kintsugi_export import safetensors
from kintsugi_export.networks import glcic

KEYS = ROOT / "tests" / "data" / "keys"
SCRIPT = ROOT / "tests" / "tools" / "weight_rule.py"


def digest(name, keys, salt):
    state = weight_rule.make_state(name, weight_rule.read_key_list(KEYS / keys), salt)
    text = hashlib.sha256()
    for key, value in state.items():
        text.update(key.encode() + str(value.shape).encode() + value.tobytes())
    return text.hexdigest()[:16]


def test_a_draw_is_pinned():
    first = weight_rule.draw("kintsugi", "0.0.weight", (3,))
    assert first.dtype == np.float32 and first.tolist() == [
        -1.5529600381851196,
        -1.0950584411621094,
        -0.011500743217766285,
    ]


@pytest.mark.parametrize(
    "name, keys, expected",
    [
        ("glcic", "glcic_triples.txt", "880fba6d79cac0ed"),
        ("glcic", "glcic_flat.txt", "8d5243564e7d41a0"),
        ("generic", "glcic_triples.txt", "54ceca8b22c5470d"),
        ("glcic_input", "glcic_input_131x97.txt", "b713435d7cc9137a"),
        ("cyclegan", "cyclegan_resnet9.txt", "f4563cc16c639484"),
        ("cyclegan", "cyclegan_mindspore.txt", "50b7a22f7de0e35a"),
        ("signed_picture", "cyclegan_input_90x134.txt", "b10f859d028074fe"),
    ],
)
def test_recipes_are_pinned(name, keys, expected):
    assert digest(name, keys, "kintsugi") == expected


def test_the_rule_of_cyclegan_is_pinned():
    """To the numbers with which the carried vector was made."""
    keys = weight_rule.read_key_list(KEYS / "cyclegan_resnet9.txt")
    state = weight_rule.make_state("cyclegan", keys, "shared")
    for key, numbers in {
        "model.1.weight": [-0.04405860975384712, -0.13459986448287964, 0.10927277058362961],
        "model.1.bias": [0.02587815932929516, 0.025722641497850418, 0.10114951431751251],
        "model.19.weight": [-0.041135985404253006, -0.016030151396989822, -0.0294239092618227],
    }.items():
        assert state[key].ravel()[:3].tolist() == numbers, key
    variances = [("a.running_var", (50,), "float32"), ("b.moving_variance", (50,), "float32")]
    for value in weight_rule.make_state("cyclegan", variances, "s").values():
        assert 0.7 <= value.min() < value.max() < 1.4
    gammas = [("a.gamma", (50,), "float32"), ("b.weight", (50,), "float32")]
    for value in weight_rule.make_state("cyclegan", gammas, "s").values():
        assert abs(value.mean() - 1) < 0.1


def test_draws_depend_on_salt_and_key_and_have_unit_variance():
    a = weight_rule.draw("s", "k", (100, 100))
    assert (
        abs(a.mean()) < 0.03 and abs(a.var() - 1) < 0.03 and np.abs(a).max() <= np.float32(3**0.5)
    )
    assert (a == weight_rule.draw("s", "k", (100, 100))).all()
    assert not (a == weight_rule.draw("t", "k", (100, 100))).any(axis=1).all()
    assert weight_rule.draw("s", "k", ()).shape == ()


def test_inputs_have_zeros_and_ones_in_the_hole():
    x = weight_rule.make_state("glcic_input", [("input/input", (2, 4, 20, 24), "float32")], "s")
    x = x["input/input"]
    assert x[:, 3].sum() == 2 * (5 * 8 + 20 * 4)
    assert (x[:, :3] * x[:, 3:] == 0).all() and (x[:, :3] != 0).any()
    assert x[0, 3, 5, 8] == 1 and x[0, 3, 4, 8] == 0 and x[0, 3, 0, 18] == 1 and x[0, 3, 0, 22] == 0


@pytest.mark.parametrize("layout", glcic.layouts())
def test_key_lists_are_those_of_the_definition(layout):
    listed = {
        key: shape for key, shape, _ in weight_rule.read_key_list(KEYS / f"glcic_{layout}.txt")
    }
    assert glcic.recognise(listed) == glcic.Config.of(layout)


def test_command_line(tmp_path):
    keys = tmp_path / "keys.txt"
    keys.write_text("# a comment\na.weight\t[2, 3]\tfloat32\na.count\t[]\tint64\n")

    def run(*arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)

    assert run("generic", keys, "salt", tmp_path / "o").returncode == 0
    tensors, metadata = safetensors.read(tmp_path / "o")
    assert metadata == {"format": "pt", "recipe": "generic", "salt": "salt"}
    assert tensors["a.count"] == 0 and tensors["a.count"].dtype == np.int64
    assert (
        tensors["a.weight"]
        == weight_rule.draw("salt", "a.weight", (2, 3)) * np.float32(1.4 / 3**0.5)
    ).all()
    assert "glcic" in run("--list").stdout.split()
    assert run("nonsense", keys, "salt", tmp_path / "p").returncode == 2
    assert run("generic", tmp_path / "none", "salt", tmp_path / "p").returncode == 1
    keys.write_text("a.weight [2] float32\n")
    assert "keys.txt:1: expected key" in run("generic", keys, "salt", tmp_path / "p").stderr
