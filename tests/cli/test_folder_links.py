# SPDX-License-Identifier: MIT
"""Nothing that a folder's run reads is written, by whatever links one leads to the other."""

import cli_support as support
import pytest
from cli_support import add


def moved(path, to):
    """`path` becomes a link to where it was moved."""
    path.rename(to)
    path.symlink_to(to)


def test_an_output_that_is_a_link_to_an_input(folders, mend):
    add(folders, "a.png")
    add(folders, "b.png")
    (folders / "mended").mkdir()
    (folders / "mended" / "a.png").symlink_to("../photos/b.png")
    with support.nothing_changes(folders):
        support.fails(mend(), 2, "'mended/a.png' is a link to", "which is also read")


@pytest.mark.parametrize("kind", ["photos", "masks", "truths"])
@pytest.mark.parametrize("target", ["mended/a.png", "mended/b.png", "mended/manifest.json"])
def test_what_is_read_is_a_link_to_what_is_written(folders, mend, kind, target):
    add(folders, "a.png")
    add(folders, "b.png")
    (folders / "truths").mkdir()
    for name in ["a.png", "b.png"]:
        support.save(folders / "truths" / name, support.picture(32, 24))
    (folders / "mended").mkdir()
    moved(folders / kind / "a.png", folders / target)
    with support.nothing_changes(folders):
        result = mend("--compare-to", "truths")
        support.fails(result, 2, f"'{target}' would be written", f"'{kind}/a.png', which is read")


def test_what_is_read_is_a_link_to_a_manifest_elsewhere(folders, mend):
    add(folders, "a.png")
    moved(folders / "masks" / "a.png", folders / "list.json")
    with support.nothing_changes(folders):
        support.fails(mend("--manifest", "list.json"), 2, "'masks/a.png', which is read")


def test_an_output_that_is_a_link_to_a_link_to_an_input(folders, mend):
    """Both lead to a file in a folder that is neither."""
    add(folders, "a.png")
    moved(folders / "photos" / "a.png", folders / "original.png")
    (folders / "mended").mkdir()
    (folders / "mended" / "a.png").symlink_to("../original.png")
    with support.nothing_changes(folders):
        support.fails(mend(), 2, "'mended/a.png' would be written", "'photos/a.png'")


def test_a_manifest_that_is_a_link_into_a_folder_that_is_read(folders, mend):
    add(folders, "a.png")
    (folders / "list.json").symlink_to("masks/list.json")
    with support.nothing_changes(folders):
        support.fails(mend("--manifest", "list.json"), 2, "would be in 'masks'")


def test_links_that_lead_elsewhere_are_fine(folders, mend):
    """Inputs from another folder, an output that is written where its link leads."""
    add(folders, "a.png")
    (folders / "originals").mkdir()
    moved(folders / "photos" / "a.png", folders / "originals" / "a.png")
    before = (folders / "originals" / "a.png").read_bytes()
    (folders / "mended").mkdir()
    (folders / "mended" / "a.png").symlink_to("../elsewhere.png")
    support.succeeds(mend())
    assert support.load(folders / "elsewhere.png").shape == (24, 32, 3)
    assert (folders / "originals" / "a.png").read_bytes() == before


def test_a_link_that_leads_round_is_a_picture_that_fails(folders, mend):
    add(folders, "a.png")
    (folders / "photos" / "b.png").symlink_to("b.png")
    (folders / "photos" / "c.png").symlink_to("nowhere.png")
    (folders / "photos" / "d.png").symlink_to("/dev/zero")  # has no end: not even begun
    for name in ["b", "c", "d"]:
        support.save(folders / "masks" / f"{name}.png", support.mask(8, 8))
    result = mend()
    assert result.returncode == 3, result.stderr
    assert result.stdout.startswith("1 of 3 mended, 2 failed, 1 other file skipped  ")
    loop, nowhere = support.failures(result)
    assert "'photos/b.png'" in loop and "symbolic links" in loop
    assert "'photos/c.png'" in nowhere and "No such file" in nowhere
