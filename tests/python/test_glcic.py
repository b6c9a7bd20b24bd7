# SPDX-License-Identifier: MIT
"""The PyTorch definition of GLCIC against vectors made elsewhere; state dicts recognised."""

import numpy as np
import pytest
import torch
from conftest import ROOT

import make_reference_data
import weight_rule
from kintsugi_export import reference, safetensors
from kintsugi_export.errors import ExportError
from kintsugi_export.networks import glcic

DATA = ROOT / "tests" / "data"


def distance(a, b):
    """|a - b| / |b| in the 2-norm."""
    return np.linalg.norm(a.astype(np.float64) - b) / np.linalg.norm(b.astype(np.float64))


def shapes(config):
    return {
        key: tuple(value.shape) for key, value in glcic.build(config, "meta").state_dict().items()
    }


def run_vector(network=None):
    state, _ = safetensors.read(DATA / "glcic_ch8.safetensors")
    vector, _ = safetensors.read(DATA / "glcic_ch8_ref.safetensors")
    network = network or glcic.build(glcic.recognise({k: v.shape for k, v in state.items()}))
    return reference.run(network, state, {"input": vector["input/input"]}, glcic.OUTPUTS), vector


def test_agrees_with_the_carried_vector_at_every_tap():
    made, vector = run_vector()
    assert len(vector) == 19
    for key, expected in vector.items():
        assert made[key].shape == expected.shape, key
        assert distance(made[key], expected) < 2e-6, key


def test_the_vector_tells_the_order_of_norm_and_activation():
    swapped = glcic.build(glcic.Config(8, 32, "triples", order="relu_norm"))
    made, vector = run_vector(swapped)
    assert distance(made["output/output"], vector["output/output"]) > 1e-2


def test_agrees_with_the_carried_vector_of_the_other_order_at_every_tap():
    state, _ = safetensors.read(DATA / "glcic_otenim_k8.safetensors")
    vector, _ = safetensors.read(DATA / "glcic_otenim_k8_ref.safetensors")
    config = glcic.recognise({k: v.shape for k, v in state.items()})
    assert config == glcic.Config(8, 4, "otenim", order="relu_norm")
    made = reference.run(
        glcic.build(config), state, {"input": vector["input/input"]}, glcic.OUTPUTS
    )
    assert len(vector) == 12
    for key, expected in vector.items():
        assert made[key].shape == expected.shape, key
        assert distance(made[key], expected) < 2e-6, key


def test_mmediting_has_no_biases_and_clamps():
    config = glcic.Config.of("mmediting")
    network = glcic.build(config)
    assert sum(p.numel() for p in network.parameters()) == 6_069_155
    biases = [key for key in network.state_dict() if key.endswith("conv.bias")]
    assert biases == ["decoder.dec7.conv.bias"]
    small = glcic.build(glcic.Config.of("mmediting", 2, 1))
    with torch.no_grad():
        for value in (5.0, -5.0):
            small.get_submodule("decoder.dec7.conv").bias.fill_(value)
            assert (small(torch.zeros(1, 4, 8, 8)) == np.sign(value)).all()


def test_every_layout_is_the_same_network_but_for_its_arithmetic():
    example = torch.from_numpy(glcic.example(np.random.default_rng(1), 1, 12, 20)["input"])
    first = glcic.build(glcic.Config(3, 2, "flat"))
    for layout in glcic.layouts():
        config = glcic.Config(3, 2, layout)  # with the official arithmetic
        network = glcic.build(config)
        network.load_state_dict(dict(zip(network.state_dict(), first.state_dict().values())))
        with torch.no_grad():
            assert (network(example) == first(example)).all(), layout


@pytest.mark.parametrize("name", make_reference_data.SIZES)
def test_agrees_with_the_full_width_reference(name):
    keys = DATA / "keys"
    state = weight_rule.make_state(
        "glcic", weight_rule.read_key_list(keys / "glcic_triples.txt"), "kintsugi"
    )
    inputs = weight_rule.make_state(
        "glcic_input", weight_rule.read_key_list(keys / f"glcic_input_{name}.txt"), "kintsugi"
    )
    made = reference.run(
        glcic.build(glcic.Config(layout="triples")),
        state,
        {"input": inputs["input/input"]},
        glcic.OUTPUTS,
    )
    stored, _ = safetensors.read(DATA / f"glcic_64_ref_{name}.safetensors")
    assert distance(made["output/output"], stored.pop("output/output")) < 1e-6
    assert len(stored) == 50
    for key, digest in stored.items():
        found = make_reference_data.digest(made[key.replace("digest/", "tap/")])
        assert distance(found, digest) < 1e-5, key


def test_has_the_parameters_of_the_paper():
    network = glcic.build(glcic.Config())
    assert sum(p.numel() for p in network.parameters()) == 6_072_131
    assert network.get_submodule("48").weight.shape == (3, 32, 3, 3)
    deconv = network.get_submodule("36")
    assert isinstance(deconv, torch.nn.ConvTranspose2d) and deconv.weight.shape == (256, 128, 4, 4)


@pytest.mark.parametrize(
    "size, expected", [((8, 8), (8, 8)), ((61, 66), (64, 68)), ((1, 2), (4, 4))]
)
def test_output_is_rounded_up_to_a_multiple_of_four(size, expected):
    network = glcic.build(glcic.Config(2, 1))
    with torch.no_grad():
        assert tuple(network(torch.zeros(2, 4, *size)).shape) == (2, 3, *expected)


@pytest.mark.parametrize(
    "config",
    [
        glcic.Config(),
        glcic.Config(64, 32, "triples"),
        glcic.Config(16, 8, "flat"),
        glcic.Config(3, 5, "triples"),
        glcic.Config(3, 5, "triples", bias=False),
        *(glcic.Config.of(layout, 4, 2) for layout in glcic.layouts()),
    ],
)
def test_recognises_layout_and_width(config):
    found = shapes(config)
    assert glcic.recognise(found) == config
    without_counters = {key: shape for key, shape in found.items() if "num_batches" not in key}
    assert glcic.recognise(without_counters) == config


def _without(found, key):
    return {k: v for k, v in found.items() if k != key}


@pytest.mark.parametrize(
    "change, sentence",
    [
        (
            lambda s: _without(s, "7.1.running_var"),
            r"layout is 'triples', 1 keys missing \('7.1.running_var'\), 0 keys unknown",
        ),
        (lambda s: {**s, "16.extra": (3,)}, r"0 keys missing, 1 keys unknown \('16.extra'\)"),
        (
            lambda s: {"conv1.weight": (64, 4, 5, 5)},
            r"closest key layout is 'otenim', 81 keys missing .*, 0 keys unknown",
        ),
        (
            lambda s: _without(s, "3.0.bias"),
            r"1 keys missing \('3.0.bias'\), 0 keys unknown",
        ),
        (
            lambda s: {**s, "12.0.weight": (2, 4, 4, 4)},
            r"'12.0.weight' has shape \[2, 4, 4, 4\].*expects \[4, 2, 4, 4\]",
        ),
        (
            lambda s: {**s, "0.0.weight": (4,)},
            r"'0.0.weight' has shape \[4\], GLCIC expects four dimensions",
        ),
        (lambda s: {**s, "0.0.weight": (10**9, 4, 5, 5)}, "four dimensions from 1 to 4096"),
    ],
)
def test_refuses_other_state_dicts_and_says_why(change, sentence):
    with pytest.raises(ExportError, match=sentence):
        glcic.recognise(change(shapes(glcic.Config(1, 1, "triples"))))


def test_example_is_an_input_as_it_occurs():
    example = glcic.example(np.random.default_rng(0), 2, 16, 24)["input"]
    hole = example[:, 3] == 1
    assert example.shape == (2, 4, 16, 24) and example.dtype == np.float32
    assert set(np.unique(example[:, 3])) == {0, 1}
    assert (example[:, :3].transpose(0, 2, 3, 1)[hole] == 0).all()
    known = example[:, :3].transpose(0, 2, 3, 1)[~hole]
    assert (np.abs(known.mean(0) - (0.5 - np.array(glcic.MEAN))) < 0.05).all()


def test_examples_are_in_the_range_of_their_port():
    def parts(layout):
        config = glcic.Config.of(layout)
        x = glcic.example(np.random.default_rng(0), 1, 32, 32, config)["input"][0]
        return x[:3, x[3] == 1], x[:3, x[3] == 0]

    hole, known = parts("otenim")
    assert (hole == np.array(glcic.MEAN, np.float32)[:, None]).all()
    assert 0 <= known.min() < 0.05 and 0.95 < known.max() <= 1
    hole, known = parts("mmediting")
    assert (hole == 0).all() and -1 <= known.min() < -0.95 and 0.95 < known.max() <= 1


def test_metadata_of_the_ports():
    of = glcic.Config.of
    assert "mpv" not in glcic.metadata(of("otenim")), "what is not known is not stated"
    assert glcic.metadata(of("otenim"), (0.1, 0.2, 0.3))["mpv"] == [0.1, 0.2, 0.3]
    assert glcic.metadata(of("mmediting"))["colours"] == "BGR"
    assert glcic.metadata(of("liruilong"))["mean"] == list(glcic.MEAN)
    with pytest.raises(ExportError, match="no mean to state"):
        glcic.metadata(of("mmediting"), (0.1, 0.2, 0.3))


@pytest.mark.parametrize("value", [[1, 2, 3], [0.1, 0.2], "0.1", [0.1, 0.2, None], [True, 0, 0]])
def test_a_stated_mean_is_three_numbers(value):
    assert glcic.stated({"mpv": [0.1, 0.2, 0.3], "num_iter": 3}) == {"mean": (0.1, 0.2, 0.3)}
    assert glcic.stated({}) == {}
    with pytest.raises(ExportError, match="'mpv' is not three numbers"):
        glcic.stated({"mpv": value})
