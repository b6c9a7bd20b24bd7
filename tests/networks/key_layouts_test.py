# SPDX-License-Identifier: MIT
"""The layouts that the program recognises are those that the exporter writes: both read keys.txt, each by a
reader of its own, and what stands in tests/data/keys was written by the PyTorch definitions."""

import json

import pytest

from network_support import DATA, ROOT, by_rule, kintsugi
from kintsugi_export import safetensors
from kintsugi_export.key_layouts import read_layouts

NETWORKS = [path.parent.name for path in sorted((ROOT / "runtime/networks").glob("*/keys.txt"))]
PORTS = [(network, layout) for network in NETWORKS for layout in read_layouts(network)]


def narrow(shape):
    return tuple(n // 8 if n >= 64 else n for n in shape)


def test_every_port_has_its_keys():
    listed = {path.stem for path in (DATA / "keys").glob("*.txt") if "_input" not in path.stem}
    assert listed == {f"{network}_{layout}" for network, layout in PORTS}


@pytest.mark.parametrize("network, layout", PORTS)
def test_a_file_of_every_layout_is_recognised_as_that(network, layout, tmp_path):
    model = tmp_path / "model.safetensors"
    safetensors.write(model, by_rule("generic", f"{network}_{layout}", "layouts", narrow))
    told = json.loads(kintsugi("info", model, "--json"))
    assert told["network"] == network.replace("_", "-")
    source = read_layouts(network)[layout].source
    assert told["variant"].endswith(f"key layout '{layout}': {source}")
    assert told["unused_keys"] == []
