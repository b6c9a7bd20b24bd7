# SPDX-License-Identifier: MIT
"""A folder of pictures: which mask and which output are whose, what fails alone, the manifest, and
what is left after an interrupt."""

import json
import os
import resource
import signal
import subprocess
import time

import cli_support as support
import numpy as np
import pytest
from cli_support import add, failures, names, stem
from PIL import Image

# Of different sizes, grey, with alpha, and of other formats.
GOOD = {
    "a.png": (64, 48, 3),
    "b.bmp": (52, 36, 3),
    "c.png": (40, 44, 1),
    "d.PNG": (33, 17, 4),
    "e.v2.ppm": (21, 30, 3),
    "f.gif": (24, 24, 1),
}
OUTPUTS = {"a.png", "b.bmp", "c.png", "d.PNG", "e.v2.ppm", "f.png"}


@pytest.fixture
def good(folders):
    for seed, (name, shape) in enumerate(GOOD.items()):
        add(folders, name, *shape, seed=seed)
    return folders


def manifest_of(folder):
    return json.loads((folder / "mended" / "manifest.json").read_text())


def test_a_folder(good, mend):
    (good / "photos" / "notes.txt").write_text("no picture")
    (good / "photos" / ".hidden.png").write_bytes(b"")
    (good / "photos" / "folder.png").mkdir()
    result = support.succeeds(mend())
    assert result.stdout.startswith("6 of 6 mended, 3 other files skipped  ")
    assert result.stdout.count("\n") == 1 and "pictures/s" in result.stdout
    assert names(good / "mended") == OUTPUTS | {"manifest.json"}


@pytest.mark.parametrize(
    "how", [[], ["--blend"], ["--max-side", "20"], ["--method", "telea"]], ids=lambda how: how[-1:]
)
def test_same_bytes_as_alone(good, mend, model, how):
    telea = "telea" in how
    options = [] if telea else how
    support.succeeds(mend(*options, method="telea" if telea else None))
    for name in GOOD:
        output = name if name != "f.gif" else "f.png"
        files = [f"photos/{name}", "--mask", f"masks/{stem(name)}.png", "-o", f"alone-{output}"]
        weights = how if telea else ["-m", model, *how]
        support.succeeds(support.run("inpaint", *files, *weights, cwd=good))
        assert (good / "mended" / output).read_bytes() == (good / f"alone-{output}").read_bytes()


def test_manifest(good, mend, model):
    result = support.succeeds(mend("--compare-to", "photos", "--json"))
    manifest = json.loads(result.stdout)
    assert manifest == manifest_of(good)
    assert manifest["verb"] == "inpaint" and manifest["model"] == str(model)
    assert manifest["network"] == "glcic" and manifest["device"].startswith("cpu")
    assert manifest["blend"] == "off" and manifest["interrupted"] is False
    totals = manifest["totals"]
    assert (totals["pictures"], totals["mended"], totals["failed"]) == (6, 6, 0)
    assert totals["not_done"] == 0 and totals["skipped"] == 0 and totals["peak_bytes"] > 0
    assert totals["pictures_per_second"] == pytest.approx(6 / totals["seconds"])
    assert [file["input"] for file in manifest["files"]] == [f"photos/{name}" for name in GOOD]
    decibels = []
    for file, (name, (width, height, channels)) in zip(manifest["files"], GOOD.items()):
        assert file["status"] == "mended" and file["mask"] == f"masks/{stem(name)}.png"
        assert file["output"] == f"mended/{name}".replace("gif", "png")
        assert (file["width"], file["height"]) == (width, height)
        assert file["channels"] == channels or name == "f.gif"
        hole = support.mask(width, height) > 0
        assert file["hole_fraction"] == pytest.approx(hole.mean())
        assert file["known_pixels_changed"] == 0
        assert set(file["seconds"]) == {"decode", "run", "encode"}
        assert min(file["seconds"].values()) > 0
        if file["channels"] == 3:
            ours = support.load(good / file["output"]).astype(float)
            error = (ours - support.load(good / file["input"]))[hole]
            assert file["psnr_hole_db"] == pytest.approx(10 * np.log10(255**2 / np.mean(error**2)))
        decibels.append(file["psnr_hole_db"])
    assert totals["psnr_hole_db_mean"] == pytest.approx(np.mean(decibels))


def test_some_fail(good, mend):
    add(good, "g.png").write_bytes((good / "photos" / "a.png").read_bytes()[:-200])
    add(good, "h.png", masked=False)
    add(good, "i.png", mask_size=(24, 32))
    add(good, "j.png")
    (good / "masks" / "j.bmp").write_bytes((good / "masks" / "b.png").read_bytes())
    (good / "photos" / "k.jpg").symlink_to("nowhere.jpg")
    support.save(good / "masks" / "k.png", support.mask(8, 8))
    add(good, "l.png")
    (good / "masks" / "l.png").write_text("no picture")
    add(good, "z.png")
    result = mend()
    assert result.returncode == 3
    assert result.stdout.startswith("7 of 13 mended, 6 failed  ")
    said = failures(result)
    fragments = ["truncated", "no mask", "24x32", "more than one mask", "No such file", "l.png"]
    assert len(said) == len(fragments)
    for sentence, fragment, name in zip(said, fragments, ["g", "h", "i", "j", "k", "l"]):
        assert fragment in sentence and f"'photos/{name}." in sentence
    assert names(good / "mended") == OUTPUTS | {"z.png", "manifest.json"}
    files = {file["input"]: file for file in manifest_of(good)["files"]}
    assert len(files) == 13 and files["photos/z.png"]["status"] == "mended"
    for sentence, name in zip(said, ["g.png", "h.png", "i.png", "j.png", "k.jpg", "l.png"]):
        file = files[f"photos/{name}"]
        assert file["status"] == "failed" and file["output"] is None
        assert sentence == "kintsugi: " + file["error"]
    assert manifest_of(good)["totals"]["failed"] == 6
    # With --json the same exit code, and the same list.
    again = mend("--json")
    assert again.returncode == 3 and json.loads(again.stdout)["totals"]["failed"] == 6


def test_all_fail(folders, mend):
    add(folders, "a.png", masked=False)
    add(folders, "b.png").write_bytes(b"")
    support.save(folders / "masks" / "c.png", support.mask(8, 8))
    result = mend()
    assert result.returncode == 3 and len(failures(result)) == 2
    assert result.stdout.startswith("0 of 2 mended, 2 failed  ")
    assert names(folders / "mended") == {"manifest.json"}


def test_too_little_memory_for_one(folders, mend, model):
    add(folders, "a.png")
    add(folders, "b.png", 256, 256)
    add(folders, "c.png")
    plan = support.succeeds(support.run("plan", model, "--size", "24x32", "--json")).stdout
    limit = json.loads(plan)["memory"]["peak"]
    result = mend("--max-memory", limit)
    assert result.returncode == 3 and "needs" in failures(result)[0]
    assert names(folders / "mended") == {"a.png", "c.png", "manifest.json"}


def test_files_that_cannot_be_written(folders, mend):
    """A limit on the size of files stands for a full disk; what fits is written."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    add(folders, "a.png", 16, 16)
    add(folders, "b.png", 64, 64)
    add(folders, "c.png", 16, 16)
    result = mend(preexec_fn=limit)
    assert result.returncode == 3, result.stderr
    assert len(failures(result)) == 1 and "File too large" in failures(result)[0]
    assert names(folders / "mended") == {"a.png", "c.png", "manifest.json"}


def test_a_manifest_that_cannot_be_written(folders, mend):
    add(folders, "a.png")
    result = mend("--manifest", "/dev/full")
    assert result.returncode == 1 and "No space left" in failures(result)[0]
    assert result.stdout.startswith("1 of 1 mended  ")
    assert names(folders / "mended") == {"a.png"}


def test_one_mask_for_all(folders, mend):
    for name in ["a.png", "b.png"]:
        add(folders, name, masked=False)
    add(folders, "c.png", 16, 16, masked=False)
    mask = support.save(folders / "mask.png", support.mask(32, 24))
    result = mend(masks="mask.png")
    assert result.returncode == 3 and len(failures(result)) == 1
    assert "32x24, the picture 16x16" in failures(result)[0]
    assert {file["mask"] for file in manifest_of(folders)["files"]} == {"mask.png"}
    before = (folders / "mended" / "a.png").read_bytes()
    assert mend(masks="-", stdin=mask.read_bytes()).returncode == 3
    assert (folders / "mended" / "a.png").read_bytes() == before
    inverted = support.save(folders / "inverted.png", 255 - support.mask(32, 24))
    assert mend("--invert-mask", masks=inverted).returncode == 3
    assert (folders / "mended" / "a.png").read_bytes() == before


def test_warnings_name_the_picture(folders, mend):
    for name in ["a.png", "b.png"]:
        add(folders, name)
    support.save(folders / "masks" / "b.png", np.zeros((24, 32), np.uint8))
    for method in [None, "telea"]:
        warned = support.succeeds(mend(method=method)).stderr.splitlines()
        warned = [line for line in warned if line.startswith("warning: ")]
        assert len(warned) == 1 and "'photos/b.png': the mask selects nothing" in warned[0]


def test_format(good, mend):
    (good / "photos" / "d.PNG").unlink()
    support.succeeds(mend("-f", "png"))
    assert names(good / "mended") == {"manifest.json"} | {
        f"{stem(name)}.png" for name in GOOD if name != "d.PNG"
    }
    (good / "photos" / "f.gif").unlink()  # it is read with alpha
    result = support.succeeds(mend("--format=jpg", output="jpegs"))
    assert result.stderr.count("JPEG changes known pixels") == 1
    with Image.open(good / "jpegs" / "a.jpg") as image:
        assert image.format == "JPEG"


def test_alpha_fails_alone_where_it_cannot_be_written(good, mend):
    result = mend("-f", "jpg")
    assert result.returncode == 3 and len(failures(result)) == 2
    for sentence, name in zip(failures(result), ["d.PNG", "f.gif"]):
        assert "transparency" in sentence and name in sentence


def test_manifest_elsewhere(folders, mend):
    add(folders, "a.png")
    support.succeeds(mend("--manifest", "list.json"))
    assert names(folders / "mended") == {"a.png"}
    assert json.loads((folders / "list.json").read_text())["totals"]["mended"] == 1


def test_outputs_may_be_written_again(folders, mend):
    add(folders, "a.png")
    support.succeeds(mend(output="mended/"))
    before = support.listing(folders / "mended")
    support.succeeds(mend(photos="photos/", masks="masks/", output="mended/"))
    assert support.listing(folders / "mended")["a.png"] == before["a.png"]


MISTAKES = {
    "side by side": (["--side-by-side", "x.png"], {}, 2, "--side-by-side is for one picture"),
    "baseline": (
        ["--compare-to", "photos", "--baseline", "photos/a.png"], {}, 2, "--baseline is for one"
    ),
    "one truth": (["--compare-to", "photos/a.png"], {}, 2, "--compare-to must be a folder"),
    "format": (["-f", "webp"], {}, 2, "'webp' is not a format", "png, jpg"),
    "format with a dot": (["-f", ".png"], {}, 2, "'.png' is not a format"),
    "format with a slash": (["-f", "x/y.png"], {}, 2, "'x/y.png' is not a format"),
    "setting": (["--set", "a=1"], {}, 2, "unknown setting 'a'"),
    "device": (["-d", "cuda"], {}, 5, "cuda"),
    "output is the input": ([], {"output": "photos"}, 2, "must not be 'photos'"),
    "output is the masks": ([], {"output": "photos/../masks"}, 2, "must not be 'masks'"),
    "output is a file": ([], {"output": "file"}, 2, "the output must be one", "is a file"),
    "output is a picture": ([], {"output": "x.png"}, 2, "the name of a picture"),
    "output is a stream": ([], {"output": "-"}, 2, "cannot go to standard output"),
    "output is nothing": ([], {"output": ""}, 2, "empty"),
    "output below a file": ([], {"output": "file/mended"}, 1, "cannot create", "Not a directory"),
    "masks are missing": ([], {"masks": "nowhere"}, 1, "nowhere", "No such file"),
    "masks are the input": ([], {"masks": "photos"}, 2, "the same folder"),
    "masks are empty": ([], {"masks": "empty"}, 2, "no picture in the folder 'empty'"),
    "one broken mask": ([], {"masks": "file"}, 1, "'file'"),
    "empty": ([], {"photos": "empty"}, 2, "no picture in the folder 'empty'", "it is empty"),
    "no pictures": ([], {"photos": "texts"}, 2, "no picture in the folder 'texts'", "1 other file"),
    "manifest is a picture": (["--manifest", "photos/a.png"], {"output": "."}, 2, "would be in 'photos'"),
    "manifest among masks": (["--manifest", "masks/a.json"], {}, 2, "would be in 'masks'"),
    "manifest among truths": (
        ["--compare-to", "texts", "--manifest", "texts/a.txt"], {}, 2, "would be in 'texts'"
    ),
    "manifest is a stream": (["--manifest", "-"], {}, 2, "the name of a file"),
    "manifest is the output": (["--manifest", "mended"], {}, 2, "is a folder"),
    "manifest is a mended one": (["--manifest", "mended/a.png"], {}, 2, "same file"),
    "manifest in no folder": (["--manifest", "nowhere/a.json"], {}, 1, "No such file"),
}


@pytest.mark.parametrize("row", MISTAKES.values(), ids=MISTAKES)
def test_mistake(folders, mend, row):
    arguments, keywords, code, *fragments = row
    add(folders, "a.png")
    (folders / "file").write_text("x")
    (folders / "empty").mkdir()
    (folders / "texts").mkdir()
    (folders / "texts" / "a.txt").write_text("x")
    with support.nothing_changes(folders):
        support.fails(mend(*arguments, **keywords), code, *fragments)


def test_two_outputs_of_one_name(folders, mend):
    add(folders, "cat.png")
    add(folders, "cat.bmp")
    with support.nothing_changes(folders):
        support.fails(mend("-f", "png"), 2, "cat.bmp' and", "cat.png' would both be written as")
    support.succeeds(mend())
    assert names(folders / "mended") == {"cat.png", "cat.bmp", "manifest.json"}


def test_options_of_folders_are_not_for_one_picture(tmp_path, inpaint):
    with support.nothing_changes(tmp_path):
        support.fails(inpaint("--manifest", tmp_path / "m.json"), 2, "--manifest is for a folder")
        support.fails(inpaint("-f", "png"), 2, "--format is for a folder")


def wait_for(condition, process):
    end = time.monotonic() + 120 * support.PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.002)


def interrupt(process):
    os.kill(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=120 * support.PATIENCE)
    assert process.returncode == 130, errors
    return out, errors


PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


@pytest.mark.parametrize("device", ["cpu", "reference"])
def test_interrupt(folders, model, device):
    """After the first output; the reference is stopped in the midst of a picture."""
    for i in range(200 if device == "cpu" else 20):
        add(folders, f"{i:03}.png", 96, 96, seed=i)
    files = ["photos", "--mask", "masks", "-m", model, "-o", "mended", "-d", device]
    process = support.start("inpaint", *files, cwd=folders, **PIPES)
    wait_for(lambda: (folders / "mended" / "000.png").exists(), process)
    out, errors = interrupt(process)
    assert out == "" and errors.splitlines()[-1].startswith("kintsugi: ")
    assert "not done" in errors
    manifest = manifest_of(folders)
    assert manifest["interrupted"] is True
    done = [file["output"] for file in manifest["files"]]
    assert {f"mended/{name}" for name in names(folders / "mended")} == {
        *done, "mended/manifest.json"
    }
    assert 1 <= len(done) == manifest["totals"]["mended"]
    assert manifest["totals"]["not_done"] == manifest["totals"]["pictures"] - len(done) > 0
    for name in done:  # each is whole
        assert support.load(folders / name).shape == (96, 96, 3)


def test_interrupt_of_one_large_picture(tmp_path, model):
    """Wherever it strikes: nothing is left, or the whole picture."""
    photo = support.save(tmp_path / "photo.png", support.picture(640, 640))
    mask = support.save(tmp_path / "mask.png", support.mask(640, 640))
    output = tmp_path / "out.png"
    for delay in [0.02, 0.05, 0.1, 0.2]:
        process = support.start(
            "inpaint", photo, "--mask", mask, "-m", model, "-o", output, "-d", "reference", **PIPES
        )
        if delay > 0.02:
            assert "device: " in process.stderr.readline()
        time.sleep(delay)
        if process.poll() is not None:
            continue  # a fast machine
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=120 * support.PATIENCE)
        assert process.returncode in (130, -signal.SIGINT)  # before the program is there to ask
        assert names(tmp_path) == {"photo.png", "mask.png"}


def test_progress_on_a_terminal(folders, model):
    """A bar over the files that gives way to what is said, and is gone at the end."""
    pty = pytest.importorskip("pty")
    for name in ["a.png", "b.png", "c.png"]:
        add(folders, name)
    (folders / "photos" / "b.png").write_bytes(b"")
    ours, theirs = pty.openpty()
    files = ["photos", "--mask", "masks", "-m", model, "-o", "mended"]
    process = support.start("inpaint", *files, cwd=folders, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    process.communicate(timeout=120 * support.PATIENCE)
    text = support.text_of(ours)
    assert process.returncode == 3
    assert b"1 of 3  a.png" in text
    # Each line begins where no bar stands.
    for line in text.split(b"\n"):
        after_bar = line.rsplit(b"\r\033[K", 1)[-1]
        assert b"\r[" not in after_bar, text
