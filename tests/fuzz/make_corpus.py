# SPDX-License-Identifier: MIT
"""Writes the well-formed files of tests/fuzz/corpus: small models, pictures in every kind that is
read, commands of every verb. What is not well-formed is kept as it was found or as a test has it.

    PYTHONPATH=python_export python3 tests/fuzz/make_corpus.py
"""

import io
import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
from kintsugi_export import safetensors
from PIL import Image

HERE = Path(__file__).parent
KEYS = HERE.parent / "data" / "keys"
CORPUS = HERE / "corpus"
WIDTH = 64  # of the network that the key lists describe


def models():
    """GLCIC of one channel in every layout: the network as it is, and little of it."""
    for layout in ["flat", "triples", "otenim", "mmediting", "liruilong"]:
        tensors = {}
        for line in (KEYS / f"glcic_{layout}.txt").read_text().splitlines():
            key, shape, kind = line.split("\t")
            if kind != "float32":
                continue
            extents = [e // WIDTH if e >= WIDTH else e for e in json.loads(shape)]
            extents = [1 if e == 32 else e for e in extents]
            values = np.full(extents, 1 if key.endswith("var") else 0.25, np.float16)
            tensors[f"generator.{key}" if layout == "liruilong" else key] = values
        stated = {"kintsugi.network": "glcic"} if layout == "mmediting" else {}
        if layout == "otenim":
            stated = {"kintsugi.config": json.dumps({"mpv": [0.5, 0.25, 0.125]})}
        safetensors.write(CORPUS / "weights" / f"model_{layout}", tensors, stated)
    kinds = [np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint8, bool]
    tensors = {f"t{i}": np.ones((2, i + 1), kind) for i, kind in enumerate(kinds)}
    safetensors.write(CORPUS / "weights" / "dtypes", tensors, {"format": "pt"})


def saved(picture, kind, **how):
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colours, rows, *chunks, interlaced=0):
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlaced)
    file = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    for kind, data in chunks:
        file += png_chunk(kind, data)
    return file + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def exif(orientation):
    return b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x112, 3, 1, orientation, 0)


def profile():
    """The head of an ICC profile for RGB, and an empty table."""
    return struct.pack(">I12x4s16x4s92x", 132, b"RGB ", b"acsp")


def in_pieces(file, sizes):
    """A JPEG with the profile behind its start, last piece first."""
    pieces, rest = [], profile()
    for number, size in enumerate(sizes, 1):
        payload = b"ICC_PROFILE\0" + bytes([number, len(sizes)]) + rest[:size]
        pieces.insert(0, struct.pack(">HH", 0xFFE2, len(payload) + 2) + payload)
        rest = rest[size:]
    return file[:2] + b"".join(pieces) + file[2:]


def pictures():
    y, x = np.mgrid[0:11, 0:13]
    ramp = np.stack([x * 19, y * 23, (x + y) * 10, 255 - x * 9], 2).astype(np.uint8)
    rgb, rgba, grey = (Image.fromarray(p) for p in (ramp[..., :3], ramp, ramp[..., 0]))
    files = {
        "rgb.png": saved(rgb, "PNG"),
        "rgba.png": saved(rgba, "PNG"),
        "grey.png": saved(grey, "PNG"),
        "grey_alpha.png": saved(rgba.convert("LA"), "PNG"),
        "palette.png": saved(rgb.quantize(16), "PNG", transparency=3),
        "one_bit.png": saved(grey.convert("1"), "PNG"),
        "sixteen_bits.png": png(2, 2, 16, 2, (b"\0" + bytes(range(12))) * 2),
        "interlaced.png": png(
            2, 2, 8, 0, b"\0\x40" + b"\0\x80" + b"\0\xc0\xff", interlaced=1
        ),
        "colour_key.png": png(2, 1, 8, 0, b"\0\x05\x06", (b"tRNS", b"\0\5")),
        "profile.png": png(
            1, 1, 16, 2, bytes(range(7)),
            (b"cICP", b"\x01\x0d\0\x01"), (b"gAMA", struct.pack(">I", 45455)),
            (b"cHRM", bytes(32)), (b"sRGB", b"\0"),
            (b"iCCP", b"name\0\0" + zlib.compress(profile())), (b"eXIf", exif(1)),
        ),
        "turned.png": png(2, 1, 8, 0, b"\0\x05\x96", (b"eXIf", exif(6))),
        "rgb.jpg": saved(rgb, "JPEG"),
        "grey.jpg": saved(grey, "JPEG"),
        "cmyk.jpg": saved(rgb.convert("CMYK"), "JPEG"),
        "progressive.jpg": saved(rgb, "JPEG", progressive=True, subsampling=2),
        "profile.jpg": in_pieces(saved(rgb, "JPEG", exif=b"Exif\0\0" + exif(3)), [60, 72]),
        "turned.jpg": saved(rgb, "JPEG", exif=b"Exif\0\0" + exif(8)),
        "rgb.bmp": saved(rgb, "BMP"),
        "rgba.bmp": saved(rgba, "BMP"),
        "palette.bmp": saved(rgb.quantize(16), "BMP"),
        "one_bit.bmp": saved(grey.convert("1"), "BMP"),
        "rgb.tga": saved(rgb, "TGA"),
        "rgba_packed.tga": saved(rgba, "TGA", compression="tga_rle"),
        "grey.tga": saved(grey, "TGA"),
        "palette.tga": saved(rgb.quantize(16), "TGA"),
        "palette.gif": saved(rgb.quantize(16), "GIF"),
        "interlaced.gif": saved(grey, "GIF", interlace=1, transparency=7),
        "two.gif": saved(grey, "GIF", save_all=True, append_images=[rgb.convert("L")], disposal=2),
        "rgb.ppm": saved(rgb, "PPM"),
        "grey.pgm": b"P5 # grey\n3 2\n255\n" + bytes([0, 255, 60, 7, 8, 9]),
        "sixteen_bits.ppm": b"P6 2 1 1000\n" + struct.pack(">6H", 0, 1000, 500, 1, 2, 65535),
    }
    for name, data in files.items():
        (CORPUS / "picture" / name).write_bytes(data)


COMMANDS = [
    "", "--version", "--help", "--list-devices\n--json", "inpaint\n--help", "devices\n-j\n4",
    "inpaint\np.png\n--mask\nm.png\n--method\ntelea\n-o\nout.png",
    "inpaint\n-\n--mask=m.png\n--method=telea\n--radius=5\n-o\n-",
    "inpaint\n-i\np.png\n--mask\nm.png\n--method\ntelea\n-o\nout.jpg\n--invert-mask\n"
    "--side-by-side\nboth.tga\n--compare-to\np.png\n--baseline\nm.png\n--json\n-v",
    "inpaint\np.png\n--mask\nm.png\n-m\nw\n-o\nout.ppm\n--blend=official\n--max-side\n64\n"
    "-d\ncpu\n-j2\n--max-memory\n1.5G\n--set\na=1\n--set\nb=2\n-q",
    "run\n-m\nw\n-i\nw\n-o\nout\n--taps\n--all-taps\n--without\nfold,fuse\n-d\nreference-f64",
    "verify\n-m\nw\n-r\nw\n--rtol\n1e-3\n--junit\nout.xml",
    "bench\n-m\nw\n--size\n64x48\n--runs\n3\n--trace\nout.json",
    "bench\n--op\nconv2d\n--shape\n1x4x8x8\n--set\nkernel=3",
    "plan\nw\n--size\n256x256\n--batch\n2\n--without\nwinograd",
    "info\nw\n--network\nglcic",
    # Mistakes that tests/cli has.
    "inpant", "photograph", "inpaint\n--masc\nm.png", "plan\n--sise=3", "--versoin",
    "inpaint\nphoto.png", "info\n--model", "info\na\nb", "devices\n-j\nmany", "devices\n-j\n-1",
    "devices\nplan", "bench", "bench\n--op\nconv2d\n--shape\n8x8", "bench\n--shape\n1x1x8x8",
    "inpaint\np.png\n--mask\nm.png\n-m\nw\n-o\nout.png\n-d\ncuda:1",
    "inpaint\np.png\n--mask\nm.png\n-m\nw\n-o\nout.png\n-d\nrefernce",
    "inpaint\np.png\n--mask\nm.png\n-m\nw\n-o\nout.png\n--max-memory\nlots",
    "inpaint\np.png\n--mask\nm.png\n-m\nw\n-o\nout.png\n--baseline\np.png",
    "inpaint\n-\n--mask\n-\n-m\nw\n-o\nout.png", "inpaint\np.png\n--mask\nm.png\n-o\n-\n--json",
    "inpaint\np.png\n--mask\nm.png\n--method\ntelea\n-o\np.png",
    "plan\nw\n--size\n0x8", "plan\nw\n--size\n8x8x8", "plan\nw\n--batch\n0", "run\n--without\n,",
    "info\n\x1b[31mred\x1b[0m", "inpaint\n\xff\xfe\n--mask\n\xc2\x9b", "--\n--help", "info\n-\n--\n-m",
    # Folders; of `d` one picture is broken.
    "inpaint\n.\n--mask\nm.png\n--method\ntelea\n-o\nout",
    "inpaint\nd\n--mask\nm.png\n--method\ntelea\n-o\nout\n-f\njpg\n--manifest\nlist.json",
    "inpaint\nd\n--mask\n.\n--method\ntelea\n-o\nout\n--compare-to\n.\n--json",
    "inpaint\n.\n--mask\nd\n--method\ntelea\n-o\nd",
    "inpaint\nd\n--mask\nm.png\n--method\ntelea\n-o\nout\n--manifest\nm.png",
    # Tiles, crops, and verbs that differ in their options.
    "inpaint\np.png\n--mask\nm.png\n-m\nw\n-o\nout.png\n--tile\n64\n--tile-overlap\n8\n--crop\noff\n"
    "--crop-margin\n3\n--without\nwinograd",
    "upscale\np.png\n-m\nw\n-o\nout.png\n--tile\nauto\n--side-by-side\nboth.png",
    "detect\nd\n-m\nw\n-o\nout\n--json", "detect\np.png\n-m\nw",
    "translate\np.png\n-m\nw\n-o\nout.png\n--tile\n-3", "upscale\np.png\n--crop\noff",
]


def commands():
    for i, command in enumerate(COMMANDS):
        words = re.sub(r"[^a-z0-9]+", "_", command.replace(".png", "").lower()).strip("_")
        name = f"{i:02}_{words[:28].strip('_') or 'nothing'}"
        (CORPUS / "command" / name).write_bytes(command.encode("latin-1"))


if __name__ == "__main__":
    models()
    pictures()
    commands()
