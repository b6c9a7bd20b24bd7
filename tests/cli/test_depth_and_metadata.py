# SPDX-License-Identifier: MIT
"""Pictures of 16 bits a channel through the program, and what stands beside the pixels of a file.

PIL does not read colours of 16 bits, so PNG files are written and read here by hand.
"""

import json
import struct
import zlib

import cli_support as support
import numpy as np
import pytest
from PIL import Image, ImageCms

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
ORIENTATION, MAKER = 0x0112, 0x010F


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(pixels, extra=b""):
    """A PNG of uint8 or uint16 [height, width, channels], `extra` chunks behind the header."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBB", width, height, pixels.itemsize * 8, COLOUR_TYPES[channels])
    rows = pixels.astype(f">u{pixels.itemsize}").reshape(height, -1).view(np.uint8)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    parts = [chunk(b"IHDR", header + bytes(3)), extra]
    parts += [chunk(b"IDAT", zlib.compress(rows.tobytes())), chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(parts)


def chunks_of(file):
    content = file.read_bytes()
    assert content[:8] == SIGNATURE
    at, chunks = 8, []
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        body = content[at + 4 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0] == zlib.crc32(body)
        chunks.append((body[:4], body[4:]))
        at += 12 + length
    assert chunks[-1] == (b"IEND", b"")
    return chunks


def unfilter(rows, size):
    """Undoes the five filters of PNG; a row begins with the number of its own."""
    above = np.zeros(rows.shape[1] - 1, int)
    for row in rows:
        kind, line = row[0], row[1:].astype(int)
        for i in range(len(line)):
            left = line[i - size] if i >= size else 0
            corner = above[i - size] if i >= size else 0
            up = above[i]
            distances = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
            paeth = [left, up, corner][int(np.argmin(distances))]
            line[i] += [0, left, up, (left + up) // 2, paeth][kind]
            line[i] &= 255
        above = line
        yield line.astype(np.uint8)


def read_png(file):
    chunks = chunks_of(file)
    width, height, bits, colour_type = struct.unpack(">IIBB", dict(chunks)[b"IHDR"][:10])
    channels = {v: k for k, v in COLOUR_TYPES.items()}[colour_type]
    data = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    rows = np.frombuffer(data, np.uint8).reshape(height, -1)
    pixels = np.stack(list(unfilter(rows, channels * bits // 8)))
    return pixels.view(f">u{bits // 8}").astype(f"u{bits // 8}").reshape(height, width, channels)


def wide_picture(width, height, channels):
    narrow = support.picture(width, height, channels).reshape(height, width, channels)
    low = np.random.default_rng(5).integers(0, 256, narrow.shape)
    return (narrow.astype(np.uint16) << 8 | low).astype(np.uint16)


def write(file, content):
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("how", [[], ["--blend"], ["--max-side", "32"], "telea"], ids=str)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits(tmp_path, inpaint, channels, how):
    source = wide_picture(67, 51, channels)
    hole = support.mask(67, 51)
    photo = write(tmp_path / "p.png", png(source))
    mask = support.save(tmp_path / "m.png", hole)
    output = tmp_path / "out.png"
    if how == "telea":
        given = [photo, "--mask", mask, "-o", output, "--method", "telea"]
        result = support.succeeds(support.run("inpaint", *given))
    else:
        result = support.succeeds(inpaint(*how, photo=photo, mask=mask))
    assert "warning" not in result.stderr
    mended = read_png(output)
    assert mended.shape == source.shape and mended.dtype == np.uint16
    assert (mended[hole == 0] == source[hole == 0]).all()
    colours = slice(0, 1 if channels <= 2 else 3)
    filled = mended[hole > 0][:, colours]
    assert (filled != source[hole > 0][:, colours]).any()
    assert (filled % 257 != 0).any()  # more than 8 bits, widened
    if channels in (2, 4):
        assert (mended[..., -1] == source[..., -1]).all()


def test_other_programs_read_them(tmp_path, inpaint):
    source = wide_picture(67, 51, 1)
    photo = write(tmp_path / "p.png", png(source))
    empty = support.save(tmp_path / "m.png", np.zeros((51, 67), np.uint8))
    support.succeeds(inpaint(photo=photo, mask=empty))
    with Image.open(tmp_path / "out.png") as image:
        assert (np.array(image).astype(np.uint16) == source[..., 0]).all()
    support.succeeds(inpaint(photo=photo, mask=empty, output=tmp_path / "out.pgm"))
    content = (tmp_path / "out.pgm").read_bytes()
    assert content == b"P5\n67 51\n65535\n" + source.astype(">u2").tobytes()
    support.succeeds(inpaint(photo=tmp_path / "out.pgm", mask=empty))
    assert (read_png(tmp_path / "out.png") == source).all()


def test_depths_mix(tmp_path, inpaint):
    narrow = support.picture(64, 48)
    hole = support.mask(64, 48)
    wide_mask = write(tmp_path / "wide_mask.png", png((hole.astype(np.uint16) * 257)[..., None]))
    support.succeeds(inpaint())
    support.succeeds(inpaint(mask=wide_mask, output=tmp_path / "same.png"))
    assert (tmp_path / "same.png").read_bytes() == (tmp_path / "out.png").read_bytes()

    # A truth of another depth is the same truth.
    truth = support.save(tmp_path / "truth.png", 255 - narrow)
    wide_truth = write(tmp_path / "wide_truth.png", png((255 - narrow).astype(np.uint16) * 257))
    beside = tmp_path / "beside.png"
    said = [
        support.succeeds(inpaint("--compare-to", file, "--side-by-side", beside)).stdout.split(
            "PSNR"
        )[1]
        for file in (truth, wide_truth)
    ]
    assert said[0] == said[1] and " dB" in said[0]
    # The mended of 8 bits and the truth of 16 stand side by side at 16.
    parts = read_png(beside)
    assert parts.dtype == np.uint16
    assert (parts[:, -64:] == (255 - narrow).astype(np.uint16) * 257).all()
    assert (parts[:, :64][hole > 0] == 65535).all()


def test_wide_picture_beside_its_truth(tmp_path, inpaint):
    source = wide_picture(64, 48, 4)
    hole = support.mask(64, 48)
    photo = write(tmp_path / "p.png", png(source))
    beside = tmp_path / "beside.png"
    support.succeeds(inpaint("--compare-to", photo, "--side-by-side", beside, photo=photo))
    damaged = read_png(beside)[:, :64]
    assert (damaged[hole > 0][:, :3] == 65535).all()
    assert (damaged[hole == 0] == source[hole == 0]).all()
    assert (damaged[..., 3] == source[..., 3]).all()


@pytest.mark.parametrize("kind", ["jpg", "bmp", "tga", "png", "ppm"])
def test_rounded_bits_are_said_once(tmp_path, inpaint, kind):
    photo = write(tmp_path / "p.png", png(wide_picture(64, 48, 3)))
    result = support.succeeds(inpaint(photo=photo, output=tmp_path / f"o.{kind}"))
    rounded = kind not in ("png", "ppm")
    assert result.stderr.count("rounded to 8") == rounded
    assert result.stderr.count("warning: ") == rounded
    if kind == "bmp":
        support.succeeds(inpaint(photo=photo))
        exact = read_png(tmp_path / "out.png")
        assert (support.load(tmp_path / "o.bmp") == (exact.astype(int) + 128) // 257).all()


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation):
    block = Image.Exif()
    block[MAKER] = "A camera"
    block[ORIENTATION] = orientation
    return block.tobytes()[6:]  # without "Exif\0\0"


def save_with_metadata(file, orientation=6, profile=PROFILE):
    options = {"quality": 97} if file.suffix == ".jpg" else {}
    block = b"Exif\0\0" + exif(orientation)
    picture = Image.fromarray(support.picture(48, 64))
    picture.save(file, icc_profile=profile, exif=block, **options)
    return file


@pytest.mark.parametrize("target", ["out.png", "out.jpg", "-"])
@pytest.mark.parametrize("source", ["photo.png", "photo.jpg"])
def test_profile_and_exif(tmp_path, inpaint, source, target):
    photo = save_with_metadata(tmp_path / source)
    output = tmp_path / target
    result = support.succeeds(
        inpaint(photo=photo, output="-" if target == "-" else output, binary=True)
    )
    if target == "-":
        output = write(tmp_path / "stdout.png", result.stdout)
    assert "warning" not in result.stderr
    with Image.open(output) as image:
        assert image.info["icc_profile"] == PROFILE
        assert image.size == (64, 48)  # upright
        assert dict(image.getexif()) == {MAKER: "A camera", ORIENTATION: 1}
        block = image.info["exif"]
    assert block.removeprefix(b"Exif\0\0") == exif(1)  # and not a byte more


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_thumbnail_is_not_published_again(tmp_path, inpaint, kind):
    thumbnail = b"a face, removed, and here again"
    block = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, ORIENTATION, 3, 1, 6, 0, 26)
    block += struct.pack("<HHHII", 2, 0x0201, 4, 1, 56)
    block += struct.pack("<HHIII", 0x0202, 4, 1, len(thumbnail), 0) + thumbnail
    content = png(support.picture(48, 64), chunk(b"eXIf", block))
    output = tmp_path / f"out.{kind}"
    result = support.succeeds(inpaint(photo=write(tmp_path / "p.png", content), output=output))
    assert "warning" not in result.stderr
    assert thumbnail in content and b"face" not in output.read_bytes()
    with Image.open(output) as image:
        assert dict(image.getexif()) == {ORIENTATION: 1}


@pytest.mark.parametrize("kind, lost", [("png", 0), ("jpg", 1), ("bmp", 3), ("tga", 3), ("ppm", 3)])
def test_metadata_that_a_format_does_not_hold_is_said(tmp_path, inpaint, kind, lost):
    extra = chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"eXIf", exif(1))
    extra += chunk(b"iCCP", b"x\0\0" + zlib.compress(PROFILE))
    photo = write(tmp_path / "p.png", png(support.picture(64, 48), extra))
    result = support.succeeds(inpaint(photo=photo, output=tmp_path / f"o.{kind}"))
    assert result.stderr.count("warning: ") == result.stderr.count("is left out") == lost


@pytest.mark.parametrize("kind", ["png", "jpg", "bmp"])
@pytest.mark.parametrize("wide", [False, True])
def test_known_pixels_are_counted_where_the_file_keeps_them(tmp_path, inpaint, kind, wide):
    source = wide_picture(64, 48, 3) if wide else support.picture(64, 48)
    photo = write(tmp_path / "p.png", png(source))
    exact = kind == "png" or (kind == "bmp" and not wide)
    output = tmp_path / f"o.{kind}"
    told = support.succeeds(inpaint("--json", photo=photo, output=output)).stdout
    assert json.loads(told)["known_pixels_changed"] == (0 if exact else None)
    told = support.succeeds(inpaint("--compare-to", photo, photo=photo, output=output)).stdout
    assert ("known pixels changed: 0\n" in told) == exact
    assert ("known pixels changed: this format is not exact\n" in told) != exact


def test_large_profile_in_a_jpeg(tmp_path, inpaint):
    # In four pieces. Readers look at its head alone.
    large = struct.pack(">I", 200000) + PROFILE[4:132]
    large += np.random.default_rng(1).integers(0, 256, 200000 - len(large), np.uint8).tobytes()
    photo = save_with_metadata(tmp_path / "photo.jpg", profile=large)
    for name in ["out.jpg", "out.png"]:
        support.succeeds(inpaint(photo=photo, output=tmp_path / name))
        with Image.open(tmp_path / name) as image:
            assert image.info["icc_profile"] == large


def test_colour_of_a_png(tmp_path, inpaint):
    extra = [(b"gAMA", struct.pack(">I", 100000)), (b"cHRM", bytes(range(32)))]
    content = png(support.picture(64, 48), b"".join(chunk(*part) for part in extra))
    support.succeeds(inpaint(photo=write(tmp_path / "p.png", content)))
    assert chunks_of(tmp_path / "out.png")[1:3] == extra


HOSTILE = {
    "bomb": chunk(b"iCCP", b"x\0\0" + zlib.compress(PROFILE[:132] + bytes(200_000_000), 9)),
    "truncated": chunk(b"iCCP", b"x\0\0" + zlib.compress(PROFILE)[:300]),
    "no profile": chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile")),
    "wrong checksum": chunk(b"iCCP", b"x\0\0" + zlib.compress(PROFILE))[:-1] + b"?",
    "no name": chunk(b"iCCP", b""),
    "damaged EXIF": chunk(b"eXIf", b"no TIFF"),
}


@pytest.mark.parametrize("extra", HOSTILE.values(), ids=HOSTILE)
def test_hostile_metadata(tmp_path, inpaint, photo, extra):
    bad = write(tmp_path / "bad.png", png(support.load(photo), extra))
    result = support.succeeds(inpaint(photo=bad))
    assert result.stderr.count("warning: ") == 1
    assert "'" + str(bad) + "': its " in result.stderr and "is left out" in result.stderr
    assert {kind for kind, _ in chunks_of(tmp_path / "out.png")} == {b"IHDR", b"IDAT", b"IEND"}
    support.succeeds(inpaint(output=tmp_path / "good.png"))
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "good.png").read_bytes()
