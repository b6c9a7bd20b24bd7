# SPDX-License-Identifier: MIT
"""The PyTorch definitions of CycleGAN's networks against vectors made elsewhere."""

import numpy as np
import pytest
import torch
from conftest import ROOT

import digest
import weight_rule
from kintsugi_export import checkpoint, mindspore, reference, safetensors
from kintsugi_export.errors import ExportError
from kintsugi_export.networks import cyclegan, cyclegan_discriminator

DATA = ROOT / "tests" / "data"
SMALL = (
    "cyclegan_resnet6_k8",
    "cyclegan_resnet6_dropout_batch_k4",
    "cyclegan_mindspore_k8",
    "cyclegan_discriminator_patchgan_k8",
    "cyclegan_discriminator_mindspore_k4",
)


def distance(a, b):
    """|a - b| / |b| in the 2-norm."""
    return np.linalg.norm(a.astype(np.float64) - b) / np.linalg.norm(b.astype(np.float64))


def shapes(config, network=cyclegan):
    state = network.build(config, "meta").state_dict()
    return {key: tuple(value.shape) for key, value in state.items()}


def by_rule(recipe, keys, salt):
    return weight_rule.make_state(
        recipe, weight_rule.read_key_list(DATA / "keys" / f"{keys}.txt"), salt
    )


def recognised(state, network=cyclegan):
    return network.recognise({key: value.shape for key, value in state.items()})


def test_agrees_with_the_vector_of_the_authors_code():
    """Weights by rule, the picture's sides no multiples of four."""
    state = by_rule("cyclegan", "cyclegan_resnet9", "shared")
    vector, _ = safetensors.read(DATA / "cyclegan_resnet9_ref_90x134.safetensors")
    network = cyclegan.build(recognised(state))
    pixels = (vector["picture"] / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    made = reference.run(network, state, {"input": pixels}, cyclegan.OUTPUTS)["output/output"]
    assert made.shape == (1, 3, 92, 136)
    assert distance(digest.digest(made), vector["digest/output"]) < 2e-6


def run_mindspore(change=lambda network: None, norm="stored"):
    """The distance of the carried .ckpt's output from the vector's, the network changed before."""
    state = mindspore.read(DATA / "cyclegan_mindspore_k16.ckpt")
    [state] = checkpoint.parts(state, cyclegan.ROOT).values()
    config = recognised(state)
    assert config == cyclegan.Config(16, 3, "mindspore", "stored", False)
    vector, _ = safetensors.read(DATA / "cyclegan_mindspore_k16_ref.safetensors")
    network = cyclegan.build(cyclegan.settled(config, norm=norm))
    change(network)
    inputs = {"input": ((vector["picture"] - 127.5) / 127.5).astype(np.float32)}
    made = reference.run(network, state, inputs, cyclegan.OUTPUTS)["output/output"]
    # The first two numbers, sums over all, say little of a picture that is shifted.
    return [
        distance(digest.digest(made)[2:], vector[f"digest/{by}"][2:])
        for by in cyclegan.MINDSPORE_NORMS
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_agrees_with_the_vector_of_mindspores_network_with_either_norm(which):
    """As exact as weights in f16 are; with those of the vector itself it is 1e-6."""
    distances = run_mindspore(norm=cyclegan.MINDSPORE_NORMS[which])
    assert distances[which] < 2e-3 and distances[1 - which] > 0.1


def every(kind, change):
    def changed(network):
        for module in network.modules():
            if isinstance(module, kind):
                change(module)

    return changed


def shifted(conv):
    """PyTorch's transposed convolution with the usual paddings."""
    conv.padding, conv.output_padding = (1, 1), (1, 1)


def reflecting(conv):
    conv.padding_mode = "reflect"
    padding = conv.padding[0]
    conv._reversed_padding_repeated_twice = [padding] * 4


def with_relu(block):
    block.register_forward_hook(lambda _module, _inputs, output: output.relu())


def once(network):
    network.config = network.config._replace(shared=True)


def without_slope(relu):
    relu.negative_slope = 0.0


@pytest.mark.parametrize(
    "change",
    [
        every(torch.nn.ConvTranspose2d, shifted),
        every(torch.nn.Conv2d, reflecting),
        every(cyclegan.MindSporeBlock, with_relu),
        every(torch.nn.LeakyReLU, without_slope),
        once,
    ],
    ids=["shift", "reflection", "relu after the sum", "no slope", "the first block three times"],
)
def test_the_vector_tells_each_wrong_turn(change):
    assert run_mindspore(change)[0] > 2e-2


def small(name):
    network = cyclegan_discriminator if "discriminator" in name else cyclegan
    state, metadata = safetensors.read(DATA / f"{name}.safetensors")
    settings = checkpoint.settings_of(name, metadata)
    config = network.settled(recognised(state, network), **network.stated(settings))
    assert settings == network.metadata(config)
    return network, config, state


@pytest.mark.parametrize("name", SMALL)
def test_agrees_with_the_small_references(name):
    network, config, state = small(name)
    norms = cyclegan.MINDSPORE_NORMS if config.layout == "mindspore" else (config.norm,)
    for norm in norms:
        ending = "_ref" if norm == config.norm else f"_ref_{norm}"
        stored, _ = safetensors.read(DATA / f"{name}{ending}.safetensors")
        built = network.build(network.settled(config, norm=norm))
        made = reference.run(built, state, {"input": stored["input/input"]}, network.OUTPUTS)
        digests = {key.replace("digest/", "tap/"): value for key, value in stored.items()}
        assert digests.keys() == made.keys()
        for key, value in digests.items():
            found = digest.digest(made[key]) if key.startswith("tap/") else made[key]
            assert distance(found, value) < 1e-5, key


def test_nothing_follows_the_sum_in_the_authors_blocks():
    network, config, state = small("cyclegan_resnet6_k8")
    stored, _ = safetensors.read(DATA / "cyclegan_resnet6_k8_ref.safetensors")
    built = network.build(config)
    every(cyclegan.ResnetBlock, with_relu)(built)
    made = reference.run(built, state, {"input": stored["input/input"]}, network.OUTPUTS)
    assert distance(made["output/output"], stored["output/output"]) > 2e-2


def test_agrees_with_the_full_width_reference():
    state = by_rule("cyclegan", "cyclegan_resnet9", "kintsugi")
    inputs = by_rule("signed_picture", "cyclegan_input_90x134", "kintsugi")
    made = reference.run(
        cyclegan.build(recognised(state)), state, {"input": inputs["input/input"]}, ("output",)
    )
    stored, _ = safetensors.read(DATA / "cyclegan_64_ref_90x134.safetensors")
    assert len(stored) == 82
    for key, value in stored.items():
        found = digest.digest(made[key.replace("digest/", "tap/")])
        assert distance(found, value) < 1e-5, key
    assert (made["tap/model.27"] == made["output/output"]).all()


def test_the_transposed_convolution_of_mindspore_loses_the_last_row():
    """out[o] = the sum of x[i] w[k] over 2i + k = o; PyTorch's usual one has 2i + k - 1 = o."""
    rng = np.random.default_rng(2)
    x, weight = rng.random((1, 2, 3, 4)), rng.random((2, 3, 3, 3))
    full = np.zeros((1, 3, 7, 9))
    for i, j, r, s in np.ndindex(3, 4, 3, 3):
        full[:, :, 2 * i + r, 2 * j + s] += x[:, :, i, j] @ weight[:, :, r, s]
    ours = cyclegan.MindSporeTransposed(2, 3, 3, 2, bias=False).double()
    usual = torch.nn.ConvTranspose2d(2, 3, 3, 2, 1, 1, bias=False).double()
    with torch.no_grad():
        for conv in (ours, usual):
            conv.weight.copy_(torch.from_numpy(weight))
        found, theirs = (conv(torch.from_numpy(x)).numpy() for conv in (ours, usual))
    np.testing.assert_allclose(found, full[:, :, :6, :8])
    np.testing.assert_allclose(theirs, full[:, :, 1:, 1:])
    np.testing.assert_allclose(found[:, :, 1:, 1:], theirs[:, :, :-1, :-1])


@pytest.mark.parametrize("norm", ["instance", "affine", "mindspore"])
def test_variances_are_biased_and_of_each_picture(norm):
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(3)) * 0.01 + 1
    module = (
        cyclegan.MindSporeNorm(3, "instance", "cpu")
        if norm == "mindspore"
        else cyclegan.norm_of(norm, 3, "cpu").eval()
    )
    scale, shift = np.ones(3), np.zeros(3)
    if norm != "instance":
        scale, shift = np.array([0.5, 2, 1]), np.array([0, 1, 2])
        with torch.no_grad():
            for parameter, value in zip(module.parameters(), (scale, shift)):
                parameter.copy_(torch.from_numpy(value))
    a = x.numpy().astype(np.float64)
    mean, variance = a.mean((2, 3), keepdims=True), a.var((2, 3), keepdims=True)
    expected = (a - mean) / np.sqrt(variance + 1e-5)
    expected = expected * scale[:, None, None] + shift[:, None, None]
    with torch.no_grad():
        np.testing.assert_allclose(module(x).numpy(), expected, atol=2e-4)
    assert np.abs((a - mean) / np.sqrt(variance * 20 / 19 + 1e-5) - expected).max() > 1e-2


def test_a_shared_block_runs_as_often_as_stated():
    config = cyclegan.Config.of("mindspore", 2)
    state = cyclegan.build(config).state_dict()
    assert sum(key.startswith("residuals") for key in state) == 12
    x, outputs = torch.ones(1, 3, 8, 8), {}
    for blocks in (2, 3):
        shared = cyclegan.build(cyclegan.settled(config, blocks))
        shared.load_state_dict(state)
        own = cyclegan.build(config._replace(blocks=blocks, shared=False))
        copies = {
            key.replace("residuals.0.", f"residuals.{i}."): value
            for key, value in state.items()
            for i in range(blocks)
        }
        own.load_state_dict(copies)
        with torch.no_grad():
            assert (shared(x) == own(x)).all()
            outputs[blocks] = own(x)
    assert not torch.equal(outputs[2], outputs[3])


def test_every_run_of_a_shared_block_is_a_tap():
    config = cyclegan.settled(cyclegan.Config.of("mindspore", 2), 3)
    network, x = cyclegan.build(config), {"input": np.ones((1, 3, 8, 8), np.float32)}
    taps = reference.run(network, {}, x, ("output",))
    runs = [taps[f"tap/residuals.0.conv2.features.1{end}"] for end in ("", "#2", "#3")]
    assert not (runs[0] == runs[1]).all() and "tap/residuals.0.conv2.features.1#4" not in taps


def test_dropout_is_the_identity():
    plain = cyclegan.build(cyclegan.Config.of("resnet6", 2))
    dropping = cyclegan.build(cyclegan.Config.of("resnet6_dropout", 2))
    state = plain.state_dict()
    dropping.load_state_dict(dict(zip(dropping.state_dict(), state.values())))
    assert "model.10.conv_block.6.weight" in dropping.state_dict()
    assert "model.10.conv_block.5.weight" in state
    with torch.no_grad():
        x = torch.ones(1, 3, 8, 12)
        assert (plain(x) == dropping(x)).all()


@pytest.mark.parametrize("layout", ["resnet6", "mindspore"])
@pytest.mark.parametrize("size, expected", [((16, 8), (16, 8)), ((9, 14), (12, 16))])
def test_output_is_rounded_up_to_a_multiple_of_four(layout, size, expected):
    network = cyclegan.build(cyclegan.Config.of(layout, 1))
    with torch.no_grad():
        assert tuple(network(torch.zeros(2, 3, *size)).shape) == (2, 3, *expected)


def test_parameters_of_the_published_sizes():
    def count(network):
        return sum(parameter.numel() for parameter in network.parameters())

    assert count(cyclegan.build(cyclegan.Config.of("resnet9"), "meta")) == 11_378_179
    assert count(cyclegan.build(cyclegan.Config.of("resnet6"), "meta")) == 7_837_699
    tutorial = cyclegan.build(cyclegan.Config.of("mindspore"), "meta")
    norms = sum(count(m) for m in tutorial.modules() if isinstance(m, cyclegan.MindSporeNorm))
    assert count(tutorial) - norms == 1_936_896
    patches = cyclegan_discriminator.build(cyclegan_discriminator.Config(), "meta")
    assert count(patches) == 2_764_737
    assert patches(torch.zeros(1, 3, 256, 256, device="meta")).shape == (1, 1, 30, 30)


def test_examples_are_in_range():
    for network in (cyclegan, cyclegan_discriminator):
        x = network.example(np.random.default_rng(0), 2, 16, 24)["input"]
        assert x.shape == (2, 3, 16, 24) and x.dtype == np.float32
        assert -1 <= x.min() < -0.95 and 0.95 < x.max() <= 1


def test_torch7_files_are_refused():
    with pytest.raises(ExportError, match="not known as .t7 files"):
        cyclegan.check_torch7([])
    with pytest.raises(ExportError, match="not known as .t7 files"):
        cyclegan_discriminator.check_torch7([])


@pytest.mark.parametrize("layout", cyclegan.layouts())
def test_key_lists_are_those_of_the_definition(layout):
    keys = {k: s for k, s, _ in weight_rule.read_key_list(DATA / f"keys/cyclegan_{layout}.txt")}
    assert cyclegan.recognise(keys) == cyclegan.Config.of(layout)


@pytest.mark.parametrize("layout", cyclegan_discriminator.layouts())
def test_key_lists_of_the_discriminators(layout):
    path = DATA / f"keys/cyclegan_discriminator_{layout}.txt"
    keys = {k: s for k, s, _ in weight_rule.read_key_list(path)}
    assert cyclegan_discriminator.recognise(keys) == cyclegan_discriminator.Config.of(layout)
