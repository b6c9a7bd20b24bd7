# SPDX-License-Identifier: MIT
"""Running the program, what a failure must look like, and small pictures."""

import os
import re
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from kintsugi_export import safetensors
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(
    os.environ.get("KINTSUGI")
    or Path(os.environ.get("KINTSUGI_BUILD") or ROOT / "build" / "release") / "kintsugi"
)
# Under a sanitizer everything takes longer, most of all in a build without optimisation.
PATIENCE = float(os.environ.get("KINTSUGI_TEST_PATIENCE") or 1)
SANITIZER = re.compile(r"Sanitizer|runtime error: ")
PASSES = ["fold", "fuse", "select", "layout", "place", "winograd"]


def environment(**changes):
    """Ours, without anything that changes what the program does, then `changes`."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("KINTSUGI") and k != "NO_COLOR"}
    return {**ours, **changes}


def run(*arguments, env=None, stdin=None, binary=False, **how):
    """`stdin` is bytes; `binary` leaves standard output as bytes, standard error is always text."""
    how.setdefault("stdout", subprocess.PIPE)
    result = subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        env=environment(**(env or {})),
        input=stdin or b"",
        stderr=subprocess.PIPE,
        timeout=300 * PATIENCE,
        check=False,
        **how,
    )
    result.stderr = result.stderr.decode()
    assert not SANITIZER.search(result.stderr), result.stderr
    if result.stdout is not None and not binary:
        result.stdout = result.stdout.decode()
    return result


def _signals_count():
    """Though whoever runs the tests may ignore them: nohup, or a shell in the background."""
    for ignored in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_DFL)


def start(*arguments, **how):
    how.setdefault("preexec_fn", _signals_count)
    return subprocess.Popen([str(PROGRAM), *map(str, arguments)], env=environment(), **how)


def text_of(terminal):
    """What was written to a terminal, as bytes, once its other end is closed; closes it too."""
    text = b""
    try:
        while chunk := os.read(terminal, 65536):
            text += chunk
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(terminal)
    return text


def succeeds(result):
    assert result.returncode == 0, f"exit {result.returncode}: {result.stderr}"
    return result


def fails(result, code, *fragments):
    """One sentence, the right exit code, and not a word on standard output."""
    text = result.stderr
    assert result.returncode == code, f"exit {result.returncode}, not {code}: {text}"
    sentences = [line for line in text.splitlines() if line.startswith("kintsugi: ")]
    assert len(sentences) == 1, text
    for fragment in fragments:
        assert fragment in text, f"'{fragment}' is not said: {text}"
    assert not result.stdout, result.stdout
    return text


def listing(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in Path(folder).rglob("*")
    }


@contextmanager
def nothing_changes(folder):
    """No file appears (a temporary one neither), vanishes or changes."""
    before = listing(folder)
    yield
    assert listing(folder) == before


def picture(width, height, channels=3, seed=1):
    """Noise on a gradient: no two pixels are alike by chance."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    ramp = (x * 5 + y * 3)[..., None] % 200
    noise = random.integers(0, 56, (height, width, channels))
    pixels = (ramp + noise).astype(np.uint8)
    return pixels[..., 0] if channels == 1 else pixels


def mask(width, height):
    """A rectangle in the middle, a third of each side."""
    pixels = np.zeros((height, width), np.uint8)
    y, x = height // 3, width // 3
    pixels[y : y + max(1, y), x : x + max(1, x)] = 255
    return pixels


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


def load(path):
    with Image.open(path) as image:
        return np.array(image)


def change_model(source, target, change):
    """A copy of a model file after `change(tensors)`."""
    tensors, stated = safetensors.read(source)
    change(tensors)
    safetensors.write(target, tensors, stated)
    return target


def stem(name):
    return name.rsplit(".", 1)[0]


def add(folder, name, width=32, height=24, channels=3, masked=True, mask_size=None, seed=1):
    """A picture of photos/ and its mask in masks/; the picture's path."""
    path = save(folder / "photos" / name, picture(width, height, channels, seed))
    if masked:
        size = mask_size or (width, height)
        save(folder / "masks" / f"{stem(name)}.png", mask(*size))
    return path


def names(folder):
    return {path.name for path in folder.iterdir()}


def failures(result):
    """The sentences on standard error, one for each picture that failed."""
    return [line for line in result.stderr.splitlines() if line.startswith("kintsugi: ")]
