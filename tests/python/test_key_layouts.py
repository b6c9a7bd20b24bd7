# SPDX-License-Identifier: MIT
"""keys.txt as Python reads it: the cases that C++ is held to as well, and the files of the networks."""

import shutil

import pytest
from conftest import ROOT

from kintsugi_export import key_layouts
from kintsugi_export.errors import ExportError
from kintsugi_export.networks import NETWORKS

CASES = {}
for case in (ROOT / "tests/weights/key_layouts_cases.txt").read_text().split("\n=== ")[1:]:
    title, _, rest = case.partition("\n")
    text, _, expected = ("\n" + rest).partition("\n---\n")
    CASES[title] = text[1:] + "\n" * (text != ""), expected.strip("\n")
PORTS = [(name, layout) for name, network in NETWORKS.items() for layout in network.layouts()]


def shown(layouts):
    lines = []
    for layout in layouts.values():
        lines.append(f"{layout.name}: {layout.source}")
        lines += (f"  {canonical} = {stored}" for canonical, stored in layout.modules.items())
        lines += (f"  require {key}" for key in layout.required)
    return "\n".join(lines)


@pytest.mark.parametrize("title", CASES)
def test_cases(title):
    text, expected = CASES[title]
    try:
        found = shown(key_layouts.parse("f", text))
    except ExportError as error:
        assert str(error).startswith("f:")
        found = str(error)[2:]
    assert found == expected


def test_the_longest_entry_decides():
    modules = {"encoder": "enc", "encoder.conv1": "first", "conv1": "0"}
    layout = key_layouts.Layout("nested", "for this test", modules, [])
    assert layout.stored("encoder.conv1.weight") == "first.weight"
    assert layout.stored("encoder.conv2.weight") == "enc.conv2.weight"
    assert layout.stored("conv1") == "0" and layout.stored("conv10.bias") == "conv10.bias"


def test_a_copy_of_the_package_alone_says_what_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr(key_layouts, "NETWORKS", tmp_path)
    key_layouts.read_layouts.cache_clear()
    with pytest.raises(ExportError, match="glcic/keys.txt is missing: kintsugi_export runs from a"):
        key_layouts.read_layouts("glcic")
    shutil.copytree(ROOT / "runtime/networks/glcic", tmp_path / "glcic")
    assert "flat" in key_layouts.read_layouts("glcic")
    key_layouts.read_layouts.cache_clear()


def built(name, layout):
    """The definition; MindSpore's generator with as many blocks as a file may have."""
    network = NETWORKS[name]
    config = network.Config.of(layout)
    if (name, layout) == ("cyclegan", "mindspore"):
        config = config._replace(blocks=network.MAX_BLOCKS, shared=False)
    return network.build(config, "meta")


@pytest.mark.parametrize("name, layout", PORTS)
def test_every_row_names_a_module_or_a_weight_of_the_definition(name, layout):
    network, port = built(name, layout), NETWORKS[name].layouts()[layout]
    paths = {path for path, _ in network.named_modules()} | set(network.state_dict())
    functions = {"decoder.dec7.clamp"} if (name, layout) == ("glcic", "mmediting") else set()
    assert set(port.modules.values()) - paths == functions
    assert {port.stored(key) for key in port.required} <= set(network.state_dict())
    assert len(set(port.modules.values())) == len(port.modules)


@pytest.mark.parametrize("name, layout", PORTS)
def test_every_weight_of_the_definition_is_named(name, layout):
    network, port = built(name, layout), NETWORKS[name].layouts()[layout]
    named = set(port.modules.values())
    named |= {port.stored(key).rpartition(".")[0] for key in port.required}
    for key in network.state_dict():
        levels = key.split(".")
        assert any(".".join(levels[:n]) in named for n in range(1, len(levels))), key
