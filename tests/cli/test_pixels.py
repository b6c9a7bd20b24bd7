# SPDX-License-Identifier: MIT
"""Known pixels through the program, bit for bit, whatever the picture is; the same bytes always."""

import cli_support as support
import numpy as np
import pytest
from PIL import Image, ImageOps

SIZES = [(64, 48), (131, 97), (5, 3), (1, 1), (1, 7)]
CHANNELS = {"grey": 1, "grey and alpha": 2, "RGB": 3, "RGBA": 4}


def save(path, pixels):
    mode = "LA" if pixels.ndim == 3 and pixels.shape[2] == 2 else None
    Image.fromarray(pixels, mode).save(path)
    return path


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)
def test_known_pixels(tmp_path, inpaint, size, channels):
    source = support.picture(*size, channels)
    hole = support.mask(*size)
    photo = save(tmp_path / "p.png", source)
    support.succeeds(inpaint(photo=photo, mask=support.save(tmp_path / "m.png", hole)))
    mended = support.load(tmp_path / "out.png")
    assert mended.shape == source.shape and mended.dtype == np.uint8
    known = hole == 0
    assert (mended[known] == source[known]).all()
    colours = slice(0, channels - 1 if channels in (2, 4) else channels)
    if channels > 1:
        changed = mended[..., colours] != source[..., colours]
    else:
        changed = mended != source
    if min(size) > 1:
        assert changed[hole > 0].any()
    if channels in (2, 4):
        assert (mended[..., -1] == source[..., -1]).all()


@pytest.mark.parametrize("kind", ["bmp", "tga", "ppm", "png"])
def test_exact_formats(tmp_path, inpaint, photo, kind):
    support.succeeds(inpaint())
    support.succeeds(inpaint(output=tmp_path / f"out.{kind}"))
    assert (support.load(tmp_path / f"out.{kind}") == support.load(tmp_path / "out.png")).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotated_photograph(tmp_path, inpaint, orientation):
    # Smooth, so that two JPEG decoders agree about it.
    y, x = np.mgrid[0:48, 0:64]
    upright = np.stack([x * 4, y * 5, 255 - x * 2 - y], -1).astype(np.uint8)
    jpeg = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(upright).save(jpeg, quality=97, subsampling=0, exif=exif)
    expected = np.array(ImageOps.exif_transpose(Image.open(jpeg)))
    height, width = expected.shape[:2]
    empty = support.save(tmp_path / "empty.png", np.zeros((height, width), np.uint8))
    hole = support.mask(width, height)

    copy = tmp_path / "copy.png"
    support.succeeds(inpaint(photo=jpeg, mask=empty, output=copy))
    decoded = support.load(copy)
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).max() <= 4

    support.succeeds(inpaint(photo=jpeg, mask=support.save(tmp_path / "m.png", hole)))
    mended = support.load(tmp_path / "out.png")
    assert (mended[hole == 0] == decoded[hole == 0]).all()


@pytest.mark.parametrize("size", [(131, 97), (256, 160)], ids=str)
def test_same_bytes_for_any_threads(tmp_path, inpaint, size):
    photo = support.save(tmp_path / "p.png", support.picture(*size))
    hole = support.save(tmp_path / "m.png", support.mask(*size))
    results = []
    for threads in [1, 2, 3, 1]:
        output = tmp_path / f"out{threads}.png"
        support.succeeds(inpaint("-j", threads, photo=photo, mask=hole, output=output))
        results.append(output.read_bytes())
    assert len(set(results)) == 1


def test_same_tensors_for_any_threads(tmp_path, model, reference):
    results = set()
    for threads in [1, 2, 3]:
        output = tmp_path / f"out{threads}.safetensors"
        support.succeeds(
            support.run("run", "-m", model, "-i", reference, "-o", output, "-j", threads)
        )
        results.add(output.read_bytes())
    assert len(results) == 1
