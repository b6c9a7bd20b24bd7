# SPDX-License-Identifier: MIT
"""Pictures, masks and places to write that are not what they should be, and full disks."""

import os
import resource
import stat
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

import cli_support as support
import numpy as np
import pytest


def huge_png(width, height):
    """A PNG whose header alone announces a picture too large to be decoded."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


PICTURES = {
    "zero bytes": (b"", "empty"),
    "text": (b"I am not a picture, whatever my name says.\n", "not a picture"),
    "web page": (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
    "WebP": (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(40), "a WebP picture"),
    "too many pixels": (huge_png(60000, 60000), "too many pixels"),
    "header only": (huge_png(64, 48)[:33], ""),
}


@pytest.mark.parametrize("content, sentence", PICTURES.values(), ids=PICTURES)
def test_not_a_picture(tmp_path, inpaint, content, sentence):
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(photo=bad), 1, "bad.png", sentence)
        support.fails(inpaint(mask=bad), 1, "bad.png", sentence)
        support.fails(inpaint(photo="-", stdin=content), 1, sentence)


def test_truncated_picture(tmp_path, inpaint, photo):
    bad = tmp_path / "bad.png"
    bad.write_bytes(photo.read_bytes()[:-200])
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(photo=bad), 1, "bad.png", "truncated")


def test_mask_of_another_size(tmp_path, inpaint):
    other = support.save(tmp_path / "other.png", support.mask(63, 48))
    turned = support.save(tmp_path / "turned.png", support.mask(48, 64))
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(mask=other), 1, "mask is 63x48", "the picture 64x48")
        support.fails(inpaint(mask=turned), 1, "mask is 48x64", "EXIF")


def test_empty_mask(tmp_path, inpaint, photo):
    empty = support.save(tmp_path / "empty.png", np.zeros((48, 64), np.uint8))
    result = support.succeeds(inpaint(mask=empty))
    assert result.stderr.count("warning: ") == 1 and "selects no" in result.stderr
    assert (support.load(tmp_path / "out.png") == support.load(photo)).all()


def test_full_mask(tmp_path, inpaint):
    full = support.save(tmp_path / "full.png", np.full((48, 64), 255, np.uint8))
    result = support.succeeds(inpaint(mask=full))
    assert result.stderr.count("warning: ") >= 1 and "selects 100" in result.stderr
    assert support.load(tmp_path / "out.png").shape == (48, 64, 3)
    inverted = support.succeeds(inpaint("--invert-mask", mask=full))
    assert "selects no" in inverted.stderr


def test_one_pixel(tmp_path, inpaint):
    photo = support.save(tmp_path / "one.png", np.array([[[10, 20, 30]]], np.uint8))
    hole = support.save(tmp_path / "hole.png", np.array([[255]], np.uint8))
    support.succeeds(inpaint(photo=photo, mask=hole))
    assert support.load(tmp_path / "out.png").shape == (1, 1, 3)


def test_unreadable(tmp_path, inpaint):
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(photo=tmp_path / "nowhere.png"), 1, "nowhere.png", "No such file")
        support.fails(inpaint(mask=tmp_path / "nowhere.png"), 1, "nowhere.png", "No such file")
        support.fails(inpaint(photo=tmp_path), 2, "is a folder")
        support.fails(inpaint(mask=tmp_path), 2, "is a folder")


NOBODY = 65534


@pytest.fixture
def unprivileged(tmp_path, model):
    """A folder, and how to start a process that may not write everywhere: root may."""
    if os.geteuid() != 0:
        yield tmp_path, {}
        return

    def drop():
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    how = {"preexec_fn": drop, "cwd": "/"}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        try:
            if support.run("info", model, **how).returncode != 0:
                pytest.skip("only root may run this program")
        except PermissionError:
            pytest.skip("only root may run this program")
        yield Path(folder), how


def test_permissions(unprivileged, inpaint, photo, mask):
    folder, how = unprivileged
    files = {"photo": folder / "photo2.png", "mask": folder / "mask2.png"}
    files["photo"].write_bytes(photo.read_bytes())
    files["mask"].write_bytes(mask.read_bytes())
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IXOTH)
    try:
        output = folder / "out.png"
        support.fails(inpaint(**files, output=output, **how), 1, "out.png", "Permission denied")
        assert not output.exists()
        files["photo"].chmod(0)
        support.fails(inpaint(**files, output="-", **how), 1, "photo2.png", "Permission denied")
    finally:
        folder.chmod(stat.S_IRWXU)


def test_unwritable(tmp_path, inpaint, photo):
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(output=tmp_path / "no" / "out.png"), 1, "out.png", "No such file")
        support.fails(inpaint(output=photo / "out.png"), 1, "out.png", "Not a directory")
        support.fails(inpaint(output=tmp_path), 2, "is a folder")
        support.fails(inpaint(output=""), 2, "empty")
        support.fails(inpaint(output=tmp_path / "out.webp"), 2, ".webp")
        support.fails(inpaint(output=tmp_path / "out"), 2, "out")


def test_output_equal_to_an_input(tmp_path, inpaint, photo, mask, model):
    (tmp_path / "link.png").symlink_to(photo)
    os.link(mask, tmp_path / "hard.png")
    (tmp_path / "folder").mkdir()
    with support.nothing_changes(tmp_path):
        for same in [
            photo,
            mask,
            tmp_path / "link.png",
            tmp_path / "hard.png",
            tmp_path / "folder" / ".." / "photo.png",
        ]:
            support.fails(inpaint(output=same), 2, "is the same file as")
        support.fails(inpaint("--side-by-side", photo), 2, "is the same file as")
        support.fails(inpaint("--side-by-side", tmp_path / "out.png"), 2, "is the same file as")
        support.fails(inpaint("--compare-to", tmp_path / "link.png", output=photo, photo=mask), 2)


def test_output_that_cannot_hold_alpha(tmp_path, inpaint):
    photo = support.save(tmp_path / "alpha.png", support.picture(64, 48, 4))
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(photo=photo, output=tmp_path / "out.jpg"), 2, "transparency")
        support.fails(inpaint("--side-by-side", tmp_path / "both.jpg", photo=photo), 2)


def test_existing_output_survives_a_failure(tmp_path, inpaint):
    output = tmp_path / "out.png"
    output.write_bytes(b"precious")
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(photo=bad), 1)
    support.succeeds(inpaint())
    assert support.load(output).shape == (48, 64, 3)


def test_file_too_large(tmp_path, inpaint, model, reference):
    """A limit on the size of files stands for a full disk where none can be made."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    with support.nothing_changes(tmp_path):
        support.fails(inpaint(preexec_fn=limit), 1, "cannot write", "File too large")
        output = tmp_path / "out.safetensors"
        run = support.run("run", "-m", model, "-i", reference, "-o", output, preexec_fn=limit)
        support.fails(run, 1, "cannot write", "File too large")
        trace = tmp_path / "trace.json"
        bench = ["bench", "-m", model, "--size", 32, "--runs", 1, "--trace", trace]
        support.fails(support.run(*bench, preexec_fn=limit), 1, "cannot write", "File too large")


def test_full_disk(tmp_path, inpaint):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(disk)]
    mount = subprocess.run(mount, stderr=subprocess.DEVNULL, check=False)
    if mount.returncode != 0:
        pytest.skip("a file system cannot be mounted here; see test_file_too_large")
    try:
        with support.nothing_changes(tmp_path):
            support.fails(inpaint(output=disk / "out.png"), 1, "No space left on device")
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("arguments", [["devices"], ["--help"], ["--version"], []])
def test_full_standard_output(arguments):
    with open("/dev/full", "wb") as full:
        result = support.run(*arguments, stdout=full)
    support.fails(result, 1, "cannot write to standard output", "No space left on device")


def test_picture_to_full_standard_output(inpaint):
    with open("/dev/full", "wb") as full:
        support.fails(inpaint(output="-", stdout=full), 1, "cannot write to standard output")
