# SPDX-License-Identifier: MIT
"""Finds the program and makes the small files that the tests of it share.

KINTSUGI names the program; without it, $KINTSUGI_BUILD/kintsugi or build/release/kintsugi is taken.
"""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / "python_export"),
    str(ROOT / "tests" / "tools"),
    str(Path(__file__).resolve().parent),
]

import cli_support as support  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "measures: of memory or time, or in need of a fast build; not for a sanitizer"
    )


def pytest_sessionstart(session):
    if not support.PROGRAM.is_file():
        raise pytest.UsageError(f"{support.PROGRAM} is not there: build it, or set KINTSUGI")


@pytest.fixture(scope="session")
def model():
    return ROOT / "tests" / "data" / "glcic_ch8.safetensors"


@pytest.fixture(scope="session")
def reference():
    return ROOT / "tests" / "data" / "glcic_ch8_ref.safetensors"


@pytest.fixture
def photo(tmp_path):
    return support.save(tmp_path / "photo.png", support.picture(64, 48))


@pytest.fixture
def mask(tmp_path):
    return support.save(tmp_path / "mask.png", support.mask(64, 48))


@pytest.fixture
def inpaint(tmp_path, photo, mask, model):
    """Runs `inpaint` on the small picture; keywords replace files, arguments are appended."""

    def run(*arguments, photo=photo, mask=mask, model=model, output=tmp_path / "out.png", **how):
        return support.run(
            "inpaint", photo, "--mask", mask, "-m", model, "-o", output, *arguments, **how
        )

    return run


@pytest.fixture
def folders(tmp_path):
    """A folder with photos/ and masks/, both empty."""
    for name in ["photos", "masks"]:
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def mend(folders, model):
    """Runs `inpaint` on the folder: arguments are appended, keywords replace folders."""

    def run(*arguments, photos="photos", masks="masks", output="mended", method=None, **how):
        weights = ["-m", model] if method is None else ["--method", method]
        files = [photos, "--mask", masks, "-o", output, *weights]
        return support.run("inpaint", *files, *arguments, cwd=folders, **how)

    return run
