# SPDX-License-Identifier: MIT
"""CycleGAN's files as they occur: norms told by keys, prefixes, options, what is left out."""

import json

import mindspore_writer
import numpy as np
import pytest
import torch
from conftest import ROOT

from kintsugi_export import safetensors
from kintsugi_export.__main__ import main
from kintsugi_export.errors import ExportError
from kintsugi_export.networks import cyclegan, cyclegan_discriminator

DATA = ROOT / "tests" / "data"
RESNETS = [name for name in cyclegan.layouts() if name != "mindspore"]
GENERATORS = [
    *(cyclegan.Config.of(name, 3, norm) for name in RESNETS for norm in cyclegan.NORMS),
    cyclegan.Config.of("mindspore", 3),
    cyclegan.Config(3, 2, "mindspore", "stored", False),
    cyclegan.Config(3, 12, "mindspore", "stored", False),
]
DISCRIMINATORS = [
    *(cyclegan_discriminator.Config.of("patchgan", 3, norm) for norm in cyclegan.NORMS),
    cyclegan_discriminator.Config.of("mindspore", 3),
]
EVERY = [(cyclegan, config) for config in GENERATORS] + [
    (cyclegan_discriminator, config) for config in DISCRIMINATORS
]


def shapes(network, config):
    state = network.build(config, "meta").state_dict()
    return {key: tuple(value.shape) for key, value in state.items()}


def tracked(found, network, config):
    """With the statistics that instance norms once kept."""
    modules = network.build(config, "meta").named_modules()
    for path, module in modules:
        if isinstance(module, torch.nn.InstanceNorm2d):
            channels = (module.num_features,)
            found[f"{path}.running_mean"] = found[f"{path}.running_var"] = channels
            found[f"{path}.num_batches_tracked"] = ()
    return found


@pytest.mark.parametrize("network, config", EVERY)
def test_layout_norm_and_width_are_recognised(network, config):
    found = shapes(network, config)
    assert network.recognise(found) == config
    without_counters = {key: shape for key, shape in found.items() if "num_batches" not in key}
    assert network.recognise(without_counters) == config


@pytest.mark.parametrize("network, config", EVERY)
def test_no_key_may_lack(network, config):
    """Nor is one network taken for another."""
    found = shapes(network, config)
    for key in found:
        if key.endswith("num_batches_tracked"):
            continue
        with pytest.raises(ExportError, match="closest key layout is '.*' with norm '.*', "):
            network.recognise({k: v for k, v in found.items() if k != key})
    other = cyclegan if network is cyclegan_discriminator else cyclegan_discriminator
    with pytest.raises(ExportError, match="not a state dict of a CycleGAN"):
        other.recognise(found)


@pytest.mark.parametrize(
    "network, layout", [(cyclegan, "resnet9"), (cyclegan_discriminator, "patchgan")]
)
def test_statistics_of_instance_norms_are_not_read(network, layout):
    config = network.Config.of(layout, 2)
    plain = shapes(network, config)
    found = tracked(dict(plain), network, config)
    assert len(found) == {"resnet9": 117, "patchgan": 19}[layout]
    assert network.recognise(found) == config, "not a batch norm"
    assert sorted(network.unread(config, found)) == sorted(found.keys() - plain.keys())
    batch = network.Config.of(layout, 2, "batch")
    assert network.unread(batch, shapes(network, batch)) == []
    affine = network.Config.of(layout, 2, "affine")
    with pytest.raises(ExportError, match=r"norm '(batch|affine)', \d+ keys missing, \d+ keys unk"):
        network.recognise(tracked(shapes(network, affine), network, affine))


def changed(found, key, shape):
    return {**found, key: shape}


@pytest.mark.parametrize(
    "layout, key, shape, sentence",
    [
        ("resnet6", "model.10.conv_block.7.weight", (4,), "'resnet6' with norm 'instance', 0 keys"),
        ("resnet6_dropout", "model.99.bias", (4,), "'resnet6_dropout' with .* 1 keys unknown"),
        ("resnet9", "model.26.weight", (3, 2, 7), r"'model.26.weight' has .* has \[3, 1, 7, 7\]"),
        ("resnet9", "model.19.weight", (2, 4, 3, 3), r"width 1 has \[4, 2, 3, 3\] there"),
        ("resnet9", "model.1.weight", (1, 6, 7, 7), r"has \[1, 3, 7, 7\] there"),
        ("resnet9", "model.1.weight", (1,), r"'model.1.weight' has shape \[1\]"),
        ("resnet9", "model.1.weight", (10**9, 3, 7, 7), "four dimensions from 1 to 4096"),
        ("mindspore", "conv_out.bias", (3,), r"1 keys unknown \('conv_out.bias'\)"),
        ("mindspore", "residuals.2.conv1.features.0.weight", (4, 4, 3, 3), "keys missing"),
        ("mindspore", "conv_in.features.1.weight", (1, 3, 7, 7), "'mindspore' with .* unknown"),
    ],
)
def test_refusals_name_what_differs(layout, key, shape, sentence):
    found = shapes(cyclegan, cyclegan.Config.of(layout, 1))
    with pytest.raises(ExportError, match=sentence):
        cyclegan.recognise(changed(found, key, shape))


@pytest.mark.parametrize("key", ["features.0.bias", "features.5.bias"])
def test_mindspores_discriminator_has_no_bias_at_its_ends(key):
    found = shapes(cyclegan_discriminator, cyclegan_discriminator.Config.of("mindspore", 1))
    assert "features.2.features.0.bias" in found
    with pytest.raises(ExportError, match=f"0 keys missing, 1 keys unknown .'{key}'"):
        cyclegan_discriminator.recognise(changed(found, key, (1,)))


def test_no_norm_at_all_is_no_instance_norm():
    """Without norms the authors' convolutions have no biases, and nothing else tells."""
    found = shapes(cyclegan, cyclegan.Config.of("resnet6", 1))
    bare = {key: shape for key, shape in found.items() if "bias" not in key or "23" in key}
    with pytest.raises(ExportError, match="17 keys missing"):
        cyclegan.recognise(bare)


@pytest.mark.parametrize(
    "key, layout",
    [
        ("conv_in.features.0.bias", "mindspore"),
        ("model.23.weight", "resnet6"),
        ("model.18.conv_block.6.bias", "resnet9"),
        ("model.10.conv_block.6.running_var", "resnet6"),
    ],
)
def test_the_closest_layout_is_one_that_knows_the_keys(key, layout):
    with pytest.raises(ExportError, match=f"closest key layout is '{layout}.*0 keys unknown"):
        cyclegan.recognise({key: (1,)})


def test_hundreds_of_blocks_are_no_network():
    found = shapes(cyclegan, cyclegan.Config(1, 2, "mindspore", "stored", False))
    found.update({f"residuals.{i}.conv1.features.0.bias": (4,) for i in range(2000)})
    with pytest.raises(ExportError, match="not a state dict of a CycleGAN generator"):
        cyclegan.recognise(found)


def state_of(network, config, seed=1):
    torch.manual_seed(seed)
    return network.build(config).state_dict()


def convert(source, target, *options, network="cyclegan"):
    return main(["convert", network, str(source), "-o", str(target), *options])


def config_in(path):
    return json.loads(safetensors.read(path)[1]["kintsugi.config"])


def test_a_file_of_the_oldest_kind(tmp_path, capsys):
    """Legacy pickle with statistics: they go, and the file is what it is without them."""
    config = cyclegan.Config.of("resnet9", 2)
    state = state_of(cyclegan, config)
    for key, shape in tracked({}, cyclegan, config).items():
        state[key] = torch.full(shape, 7) if shape == () else torch.rand(shape) + 1
    assert hasattr(state, "_metadata")
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    model, ref = tmp_path / "m.safetensors", tmp_path / "r.safetensors"
    assert convert(tmp_path / "a.pth", model) == 0
    output = capsys.readouterr().out
    assert "width 2, blocks 9, layout resnet9, norm instance" in output
    assert "48 tensors" in output and "69 statistics left out that its norms do not use" in output
    tensors, _ = safetensors.read(model)
    assert tensors.keys() == state_of(cyclegan, config).keys()
    assert all((tensors[key] == state[key].numpy()).all() for key in tensors)
    assert config_in(model) == {
        "variant": "resnet9",
        "range": [-1, 1],
        "blocks": 9,
        "norm": "instance",
    }
    assert main(["reference", "cyclegan", str(model), "-o", str(ref), "--size", "13x18"]) == 0
    assert safetensors.read(ref)[0]["output/output"].shape == (1, 3, 16, 20)


def test_the_statistics_would_have_changed_everything():
    """What stepping into that hole looks like: a track_running_stats norm in evaluation mode."""
    x = torch.rand(1, 2, 6, 6)
    norm = torch.nn.InstanceNorm2d(2, track_running_stats=True).eval()
    norm.running_mean.fill_(1)
    ours = cyclegan.norm_of("instance", 2, "cpu").eval()
    ours.load_state_dict(norm.state_dict(), strict=False)
    assert (ours(x) - norm(x)).abs().max() > 0.5 and ours(x).mean().abs() < 1e-6


def test_a_batch_norm_keeps_its_statistics(tmp_path, capsys):
    config = cyclegan.Config.of("resnet6_dropout", 2, "batch")
    torch.save(state_of(cyclegan, config), tmp_path / "a.pth")
    assert convert(tmp_path / "a.pth", tmp_path / "m.safetensors") == 0
    assert "left out" not in capsys.readouterr().out
    tensors, _ = safetensors.read(tmp_path / "m.safetensors")
    assert "model.2.running_var" in tensors and "model.2.num_batches_tracked" in tensors
    assert "model.1.bias" not in tensors and "model.23.bias" in tensors
    assert config_in(tmp_path / "m.safetensors")["norm"] == "batch"


def behind(prefix, state):
    return {prefix + key: value for key, value in state.items()}


RESNET = state_of(cyclegan, cyclegan.Config.of("resnet6", 1))
OTHER = state_of(cyclegan, cyclegan.Config.of("resnet6", 1), seed=2)
PATCHES = state_of(cyclegan_discriminator, cyclegan_discriminator.Config.of("patchgan", 1))
TUTORIAL = state_of(cyclegan, cyclegan.Config.of("mindspore", 1))
CRITIC = state_of(cyclegan_discriminator, cyclegan_discriminator.Config.of("mindspore", 1))
FIRST = {"model": RESNET, "conv_in": TUTORIAL}


@pytest.mark.parametrize("suffix", [".pth", ".ckpt"])
@pytest.mark.parametrize(
    "content, prefix",
    [
        (RESNET, ""),
        (behind("module.", RESNET), ""),
        (behind("netG_A.", RESNET), "netG_A."),
        (behind("module.G_A.module.", RESNET), "G_A.module."),
        ({"state_dict": {**behind("G_A.", RESNET), **behind("D_A.", PATCHES)}}, "G_A."),
        ({**behind("D_B.", PATCHES), **behind("genX.", RESNET), "lr": torch.ones(1)}, "genX."),
        (behind("net.model.", RESNET), "net.model."),
        (behind("net_rg_a.", TUTORIAL), "net_rg_a."),
        (behind("a_net_", TUTORIAL), "a_net_"),
        (TUTORIAL, ""),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, dict) else value or "none",
)
def test_prefixes_of_all_kinds(tmp_path, capsys, content, prefix, suffix):
    torch.save(content, tmp_path / f"a{suffix}")
    assert convert(tmp_path / f"a{suffix}", tmp_path / "m.safetensors") == 0
    assert (f"taken from behind '{prefix}'" in capsys.readouterr().out) == (prefix != "")
    tensors, _ = safetensors.read(tmp_path / "m.safetensors")
    expected = FIRST["conv_in" if "conv_out.weight" in tensors else "model"]
    assert tensors.keys() == expected.keys()
    assert all((tensors[key] == value.numpy()).all() for key, value in expected.items())


def test_each_kind_finds_its_own_in_a_mindspore_file(tmp_path):
    every = {
        **behind("net_rg_a.", TUTORIAL),
        **behind("net_d_a.", CRITIC),
        **behind("moment1.net_rg_a.", {k: v for k, v in TUTORIAL.items() if "moving" not in k}),
        "global_step": torch.ones(1, dtype=torch.int32),
    }
    path, model = tmp_path / "a.ckpt", tmp_path / "m.safetensors"
    mindspore_writer.saved(path, {key: value.numpy() for key, value in every.items()}, cut=40)
    assert convert(path, model) == 0
    assert safetensors.read(model)[0].keys() == TUTORIAL.keys()
    assert convert(path, model, network="cyclegan-discriminator") == 0
    tensors, metadata = safetensors.read(model)
    assert tensors.keys() == CRITIC.keys()
    expected = {"variant": "mindspore", "range": [-1, 1], "norm": "stored"}
    assert json.loads(metadata["kintsugi.config"]) == expected


def test_of_two_generators_one_must_be_named(tmp_path, capsys):
    content = {**behind("G_A.", RESNET), **behind("G_B.", OTHER), **behind("D_A.", PATCHES)}
    torch.save({"state_dict": behind("module.", content)}, tmp_path / "a.ckpt")
    model = tmp_path / "m.safetensors"
    assert convert(tmp_path / "a.ckpt", model) == 1
    error = capsys.readouterr().err
    assert "behind 'G_A.' and 'G_B.': see --prefix" in error and not model.exists()
    for prefix, state in (("G_A.", RESNET), ("G_B", OTHER)):
        assert convert(tmp_path / "a.ckpt", model, "--prefix", prefix) == 0
        assert (safetensors.read(model)[0]["model.1.bias"] == state["model.1.bias"].numpy()).all()
    capsys.readouterr()
    assert convert(tmp_path / "a.ckpt", model, "--prefix", "G_C.") == 1
    assert "no key in it starts with 'G_C.'" in capsys.readouterr().err


def test_what_a_file_cannot_say(tmp_path, capsys):
    path = mindspore_writer.saved(
        tmp_path / "a.ckpt", {key: value.numpy() for key, value in TUTORIAL.items()}, "net_rg_b."
    )
    model, again = tmp_path / "m.safetensors", tmp_path / "n.safetensors"

    def said(*arguments):
        assert convert(*arguments) == 0
        stated = config_in(arguments[1])
        return stated["blocks"], stated["norm"], capsys.readouterr().out

    blocks, norm, output = said(path, model)
    assert (blocks, norm) == (9, "stored")
    assert "9 times assumed: see --blocks" in output and "as nothing else is stated" in output
    blocks, norm, output = said(path, model, "--blocks", "4", "--norm", "instance")
    assert (blocks, norm) == (4, "instance") and "see" not in output
    assert "blocks 4, layout mindspore, norm instance, shared True" in output
    assert said(model, again)[:2] == (4, "instance"), "a model file says it from then on"
    assert said(model, again, "--blocks", "2")[:2] == (2, "instance")
    ref = tmp_path / "r.safetensors"
    assert main(["reference", "cyclegan", str(model), "-o", str(ref), "--size", "8x8"]) == 0
    tensors, _ = safetensors.read(ref)
    assert "tap/residuals.0.conv2.features.1#4" in tensors
    assert "tap/residuals.0.conv2.features.1#5" not in tensors
    mean = tensors["tap/conv_in.features.1"].mean((2, 3))
    assert np.abs(mean).max() < 1e-6, "norms of the picture itself"


@pytest.mark.parametrize(
    "network, content, options, sentence",
    [
        ("cyclegan", RESNET, ["--mean", "0,0,0"], "cyclegan has no mean to state"),
        ("cyclegan", RESNET, ["--blocks", "9"], "has 6 residual blocks of its own, not 9"),
        ("cyclegan", RESNET, ["--norm", "stored"], "norm 'stored' is none that layout 'resnet6'"),
        ("cyclegan", TUTORIAL, ["--blocks", "65"], "more than 64 residual blocks"),
        ("cyclegan-discriminator", CRITIC, ["--blocks", "9"], "has no blocks to state"),
        ("cyclegan-discriminator", CRITIC, ["--mean", "0,0,0"], "has no mean to state"),
        ("glcic", RESNET, ["--blocks", "9"], "glcic has no blocks to state"),
        ("glcic", RESNET, ["--norm", "stored"], "glcic has no norm to state"),
        ("glcic-discriminator", RESNET, ["--mean", "0,0,0"], "has no mean to state"),
        ("cyclegan", PATCHES, [], "not a state dict of a CycleGAN generator"),
        ("cyclegan-discriminator", RESNET, [], "not a state dict of a CycleGAN discriminator"),
        ("glcic", RESNET, [], "not a GLCIC state dict"),
    ],
)
def test_refusals_on_the_command_line(tmp_path, capsys, network, content, options, sentence):
    torch.save(content, tmp_path / "a.pth")
    assert convert(tmp_path / "a.pth", tmp_path / "m", *options, network=network) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1 and not (tmp_path / "m").exists()


def test_a_picture_too_small_for_a_norm_is_one_sentence(tmp_path, capsys):
    source, ref = tmp_path / "a.safetensors", tmp_path / "r.safetensors"
    safetensors.write(source, {key: value.numpy() for key, value in CRITIC.items()})
    model = tmp_path / "m.safetensors"
    assert convert(source, model, "--norm", "instance", network="cyclegan-discriminator") == 0
    arguments = ["reference", "cyclegan-discriminator", str(model), "-o", str(ref), "--size"]
    assert main([*arguments, "24x24"]) == 0
    capsys.readouterr()
    ref.unlink()
    assert main([*arguments, "16x16"]) == 1
    error = capsys.readouterr().err
    assert "PyTorch refused the input" in error and error.count("\n") == 1 and not ref.exists()


@pytest.mark.parametrize("options", [["--blocks", "0"], ["--blocks", "x"], ["--norm", "batch"]])
def test_wrong_usage(options):
    with pytest.raises(SystemExit) as exit_code:
        convert("a.pth", "b", *options)
    assert exit_code.value.code == 2


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"blocks": 0}, "'blocks' is not a positive number"),
        ({"blocks": True}, "'blocks' is not a positive number"),
        ({"blocks": "9"}, "'blocks' is not a positive number"),
        ({"norm": "group"}, "'norm' is not one of"),
        ({"norm": ["stored"]}, "'norm' is not one of"),
    ],
)
def test_settings_that_are_none(tmp_path, capsys, settings, sentence):
    assert cyclegan.stated({"blocks": 3, "norm": "instance", "lr": 1}) == {
        "blocks": 3,
        "norm": "instance",
    }
    metadata = {"kintsugi.config": json.dumps(settings)}
    state = {key: value.numpy() for key, value in TUTORIAL.items()}
    path = tmp_path / "a.safetensors"
    safetensors.write(path, state, metadata)
    assert convert(path, tmp_path / "m") == 1
    assert f"a.safetensors: {sentence}" in capsys.readouterr().err
    assert main(["reference", "cyclegan", str(path), "-o", str(tmp_path / "m")]) == 1
    assert f"a.safetensors: {sentence}" in capsys.readouterr().err
