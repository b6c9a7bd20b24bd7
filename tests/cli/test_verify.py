# SPDX-License-Identifier: MIT
"""`verify`: it passes where the network agrees with its reference, and names the first layer where
it does not."""

import json
import xml.etree.ElementTree as xml

import cli_support as support
import numpy as np
import pytest
from kintsugi_export import safetensors


def verify(model, reference, *arguments, code=0):
    result = support.run("verify", "-m", model, "-r", reference, "--json", *arguments)
    assert result.returncode == code, result.stdout + result.stderr
    return json.loads(result.stdout)


def perturbed(model, path, key, factor=1.01):
    def change(tensors):
        tensors[key] *= np.float32(factor)

    return support.change_model(model, path, change)


@pytest.mark.parametrize("device", ["cpu", "reference", "reference-f64"])
def test_passes(model, reference, device):
    verdict = verify(model, reference, "--all-taps", "--device", device)
    assert verdict["ok"] and verdict["first_diverging"] is None
    shipped, kept = verdict["runs"]
    assert shipped["tensors"][-1]["name"] == "output"
    taps = [row["name"] for row in kept["tensors"] if row["name"].startswith("tap/")]
    expected, _ = safetensors.read(reference)
    assert sorted(taps) == sorted(name for name in expected if name.startswith("tap/"))
    assert taps == [f"tap/{i}.2" for i in range(15)] + ["tap/16", "tap/17"]
    assert not kept["missing"]
    assert all(row["relative_l2"] <= 1e-5 for row in kept["tensors"])


@pytest.mark.parametrize("name", [*support.PASSES, ",".join(support.PASSES)])
def test_each_pass_off(model, reference, name):
    assert verify(model, reference, "--without", name)["ok"]


@pytest.mark.parametrize("isa", ["emu128", "sse4", "avx2", "avx512", "neon"])
def test_each_instruction_set(model, reference, isa):
    env = {"KINTSUGI_CPU_ISA": isa}
    if support.run("devices", env=env).returncode == 5:
        pytest.skip(f"this machine has no {isa}")
    result = support.run("verify", "-m", model, "-r", reference, "--all-taps", env=env)
    assert result.returncode == 0, result.stdout
    assert isa in result.stdout


def test_table(model, reference):
    result = support.run("verify", "-m", model, "-r", reference, "--all-taps")
    text = support.succeeds(result).stdout
    for part in ["relative L2", "tap/0.2", "[1, 8, 64, 96]", "cosine", "verified: "]:
        assert part in text
    assert "FAIL" not in text


@pytest.mark.parametrize(
    "key, layer",
    [
        ("0.0.weight", "0.2"),
        ("5.0.weight", "5.2"),
        ("10.1.running_mean", "10.2"),
        ("14.0.weight", "14.2"),
        ("16.weight", "16"),
    ],
)
def test_names_the_first_layer(tmp_path, model, reference, key, layer):
    bad = perturbed(model, tmp_path / "bad.safetensors", key)
    verdict = verify(bad, reference, code=4)
    assert not verdict["ok"] and verdict["first_diverging"] == layer
    assert layer in verdict["conclusion"]
    rows = verdict["runs"][1]["tensors"]
    assert [row["ok"] for row in rows] == sorted([row["ok"] for row in rows], reverse=True)

    text = support.run("verify", "-m", bad, "-r", reference)
    assert text.returncode == 4
    assert "FAILED: the first to diverge is tap " + layer in text.stdout
    assert "fused plan only" not in text.stdout


def test_names_the_layer_of_a_single_number(tmp_path, model, reference):
    taps, _ = safetensors.read(reference)

    def loudest(tap):  # a channel that ReLU silences everywhere would hide the change
        return np.abs(taps[tap]).mean(axis=(0, 2, 3)).argmax()

    def change(tensors):
        tensors["5.0.weight"][loudest("tap/5.2"), loudest("tap/4.2"), 1, 1] += 0.01

    bad = support.change_model(model, tmp_path / "bad.safetensors", change)
    assert verify(bad, reference, code=4)["first_diverging"] == "5.2"


def test_rtol(tmp_path, model, reference):
    bad = perturbed(model, tmp_path / "bad.safetensors", "5.0.weight", 1.001)
    verify(bad, reference, code=4)
    assert verify(bad, reference, "--rtol", "0.5")["ok"]
    verify(model, reference, "--rtol", "0", code=4)


def test_junit(tmp_path, model, reference):
    report = tmp_path / "report.xml"
    verify(model, reference, "--all-taps", "--junit", report)
    suite = xml.parse(report).getroot().find("testsuite")
    assert suite.get("failures") == "0" and int(suite.get("tests")) == len(suite) > 17
    bad = perturbed(model, tmp_path / "bad.safetensors", "5.0.weight")
    verify(bad, reference, "--junit", report, code=4)
    suite = xml.parse(report).getroot().find("testsuite")
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) > 0


def test_report_behind_a_link(tmp_path, model, reference):
    """A report is written as pictures are: the link stays, the file keeps its permissions."""
    report, link = tmp_path / "report.xml", tmp_path / "link.xml"
    report.write_text("old")
    report.chmod(0o640)
    link.symlink_to(report.name)
    verify(model, reference, "--junit", link)
    assert link.is_symlink() and report.read_text().startswith("<?xml")
    assert report.stat().st_mode & 0o777 == 0o640
    assert {path.name for path in tmp_path.iterdir()} == {"report.xml", "link.xml"}


def edit_reference(reference, path, change):
    tensors, _ = safetensors.read(reference)
    change(tensors)
    safetensors.write(path, tensors)
    return path


def test_taps_that_the_plan_lacks(tmp_path, model, reference):
    def change(tensors):
        tensors["tap/no.such.module"] = np.zeros((1, 2, 3, 4), np.float32)

    more = edit_reference(reference, tmp_path / "more.safetensors", change)
    verdict = verify(model, more, "--all-taps")
    assert verdict["ok"] and verdict["runs"][1]["missing"] == ["no.such.module"]
    text = support.run("verify", "-m", model, "-r", more, "--all-taps").stdout
    assert "1 tap of the reference not in this plan" in text and "no.such.module" in text


def test_outputs_that_the_plan_lacks(tmp_path, model, reference):
    def change(tensors):
        tensors["output/other"] = np.zeros((1, 2, 3, 4), np.float32)

    more = edit_reference(reference, tmp_path / "more.safetensors", change)
    assert verify(model, more, code=4)["first_diverging"] == "other"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_reference_that_is_no_number(tmp_path, model, reference, value):
    def change(tensors):
        tensors["tap/4.2"][0, 3, 2, 1] = value

    bad = edit_reference(reference, tmp_path / "bad.safetensors", change)
    verdict = verify(model, bad, "--all-taps", "--rtol", "1e9", code=4)
    assert verdict["first_diverging"] == "4.2" and "[0, 3, 2, 1]" in verdict["conclusion"]


def test_reference_of_another_shape(tmp_path, model, reference):
    def change(tensors):
        tensors["tap/4.2"] = tensors["tap/4.2"][:, :, :-1]

    bad = edit_reference(reference, tmp_path / "bad.safetensors", change)
    verdict = verify(model, bad, "--all-taps", code=4)
    assert verdict["first_diverging"] == "4.2" and "has the shape" in verdict["conclusion"]


def test_input_that_is_no_number(tmp_path, model, reference):
    def change(tensors):
        tensors["input/input"][0, 0, 5, 5] = np.nan

    bad = edit_reference(reference, tmp_path / "bad.safetensors", change)
    verdict = verify(model, bad, code=4)
    assert "input" in verdict["conclusion"]
