# SPDX-License-Identifier: MIT
"""The library as an embedder meets it: installed, moved, found three ways, and needing nothing.

Uses the tree that scripts/test.sh built (KINTSUGI_BUILD, else build/release).
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ.get("KINTSUGI_BUILD", ROOT / "build" / "release"))
MODEL = ROOT / "examples" / "demo" / "glcic-demo.safetensors"

# Promise 7: what the release library and the program may load.
SYSTEM = ("linux-vdso", "ld-linux", "libc.so", "libm.so", "libstdc++.so", "libgcc_s.so")


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def needed(file):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", "--wide", file))


def check(program, **options):
    text = run(program, MODEL, **options)
    assert text.startswith("glcic: "), text
    assert "output [1, 3, 32, 48]\n" in text
    assert text.endswith("0 known values changed\n")
    # An exception of the library is caught by its type, across a shared object too.
    lost = subprocess.run([program, "no-such-file.safetensors"], capture_output=True, text=True)
    assert lost.returncode == 1 and "no-such-file.safetensors" in lost.stderr


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The installed tree, moved after installing: nothing in it may remember where it was made."""
    made = tmp_path_factory.mktemp("made") / "prefix"
    run("cmake", "--install", BUILD, "--prefix", made)
    moved = tmp_path_factory.mktemp("moved") / "elsewhere"
    shutil.move(made, moved)
    return moved


def only(paths):
    paths = list(paths)
    assert len(paths) == 1, paths
    return paths[0]


def test_find_package(prefix, tmp_path):
    run("cmake", "-S", HERE / "find_package", "-B", tmp_path, "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", tmp_path)
    check(tmp_path / "consumer")


def test_find_package_refuses_another_version(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(c LANGUAGES CXX)\n"
        "find_package(kintsugi 99 CONFIG REQUIRED)\n")
    done = subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "b", "-G", "Ninja",
                           f"-DCMAKE_PREFIX_PATH={prefix}"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "99" in done.stderr


def test_pkg_config(prefix, tmp_path):
    environment = dict(os.environ, PKG_CONFIG_PATH=only(prefix.rglob("pkgconfig")))
    flags = run("pkg-config", "--cflags", "--libs", "kintsugi", env=environment).split()
    run("g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", HERE / "main.cpp",
        "-o", tmp_path / "consumer", *flags)
    check(tmp_path / "consumer")


@pytest.mark.skipif(os.environ.get("KINTSUGI_QUICK") == "1", reason="builds the library anew")
@pytest.mark.parametrize("shared", ["OFF", "ON"])
def test_add_subdirectory(tmp_path, shared):
    run("cmake", "-S", HERE / "add_subdirectory", "-B", tmp_path, "-G", "Ninja",
        f"-DKINTSUGI_SOURCE={ROOT}", f"-DBUILD_SHARED_LIBS={shared}", "-DCMAKE_BUILD_TYPE=Release")
    # Ours brings no tests, benchmarks or install rules into another's project.
    targets = run("cmake", "--build", tmp_path, "--target", "help")
    assert "_test" not in targets and "gtest" not in targets
    run("cmake", "--build", tmp_path, "--target", "consumer")
    check(tmp_path / "consumer")


@pytest.mark.skipif(os.environ.get("KINTSUGI_QUICK") == "1", reason="builds the library anew")
def test_shared_library(tmp_path):
    build, prefix = tmp_path / "build", tmp_path / "prefix"
    run("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DBUILD_SHARED_LIBS=ON",
        "-DCMAKE_BUILD_TYPE=Release", "-DKINTSUGI_TESTS=OFF", "-DKINTSUGI_BENCHMARKS=OFF")
    run("cmake", "--build", build)
    run("cmake", "--install", build, "--prefix", prefix)
    library = only(p for p in prefix.rglob("libkintsugi.so.*") if not p.is_symlink())
    assert [n for n in needed(library) if not n.startswith(SYSTEM)] == []

    # Hidden visibility: what the library defines for others is in our namespace.
    symbols = run("nm", "--dynamic", "--defined-only", "--demangle", library).splitlines()
    ours = [s for s in symbols if "kintsugi::" in s]
    foreign = [s for s in symbols if "kintsugi::" not in s and " T " in s]
    assert ours and foreign == []

    run("cmake", "-S", HERE / "find_package", "-B", tmp_path / "consumer", "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", tmp_path / "consumer")
    check(tmp_path / "consumer" / "consumer")


def test_the_program_needs_only_the_system(prefix):
    assert [n for n in needed(prefix / "bin" / "kintsugi") if not n.startswith(SYSTEM)] == []


def test_the_consumer_needs_only_the_system(prefix, tmp_path):
    test_pkg_config(prefix, tmp_path)
    assert [n for n in needed(tmp_path / "consumer") if not n.startswith(SYSTEM)] == []


def test_the_installed_program_runs(prefix):
    assert run(prefix / "bin" / "kintsugi", "--version").strip()


def test_nothing_installed_remembers_the_source_tree(prefix):
    for file in prefix.rglob("*"):
        if file.is_file() and file.suffix in (".cmake", ".pc", ".hpp", ".h"):
            assert str(ROOT) not in file.read_text(), file


def test_installed_headers_stand_alone(prefix, tmp_path):
    """Each public header compiles by itself, with strict warnings, in an empty folder."""
    include = prefix / "include"
    for header in sorted(include.rglob("*.hpp")):
        source = tmp_path / "one.cpp"
        source.write_text(f"#include <{header.relative_to(include)}>\n")
        run("g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion", "-Wshadow",
            "-pedantic", "-Werror", "-I", include, source)


def test_the_readmes_example_compiles(tmp_path):
    (example,) = re.findall(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    source = tmp_path / "example.cpp"
    source.write_text(example)
    run("g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}",
        f"-I{ROOT / 'runtime' / 'include'}", source)
