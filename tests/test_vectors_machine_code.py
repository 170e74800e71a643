"""Machine code of loops: compiled once, kept, loaded without numba, and never trusted blindly."""

import importlib
import os
import subprocess
import sys

import pytest

from meltpoint.vectors.formats.machine_code import load_loops

LOOPS = """
import numpy as np
import math

from meltpoint.compiled import compiled

@compiled
def square(number):
    return number * number

def sum_of_squares(first, second):
    return square(first) + square(second)

def largest():
    return 2**63 - 1

def gamma_of(number):
    return int(math.gamma(number))
"""
ARGUMENTS = {"sum_of_squares": 2, "largest": 0}

PROGRAM = """
import sys
from meltpoint.vectors.formats.machine_code import load_loops
loops = load_loops("some_loops", {"sum_of_squares": 2, "largest": 0})
print(loops["sum_of_squares"](3, -4), "numba" in sys.modules)
"""


@pytest.fixture
def loops(tmp_path, monkeypatch):
    path = tmp_path / "some_loops.py"
    path.write_text(LOOPS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delitem(sys.modules, "some_loops", raising=False)
    importlib.invalidate_caches()
    return path


def kept(path):
    return sorted(path.rglob("*.o*"))


def test_compiled_once_and_then_loaded_without_numba(loops):
    functions = load_loops("some_loops", ARGUMENTS)
    assert functions["sum_of_squares"](3, -4) == 25
    assert functions["largest"]() == 2**63 - 1
    [file] = kept(loops.parent)
    assert file.parent.name == "__pycache__"
    content, changed = file.read_bytes(), file.stat().st_mtime_ns
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(loops.parent), *sys.path])}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "25 False\n"
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (content, changed)


def test_another_source_is_compiled_anew(loops):
    load_loops("some_loops", ARGUMENTS)
    loops.write_text(LOOPS.replace("number * number", "number * number * number"))
    sys.modules.pop("some_loops")
    importlib.invalidate_caches()
    assert load_loops("some_loops", ARGUMENTS)["sum_of_squares"](2, 3) == 35
    assert len(kept(loops.parent)) == 2


@pytest.mark.parametrize("damage", [lambda code: b"", lambda code: code[:-1], lambda code: code[:-1] + b"?"])
def test_damage_is_noticed(loops, damage):
    load_loops("some_loops", ARGUMENTS)
    [file] = kept(loops.parent)
    content = file.read_bytes()
    file.write_bytes(damage(content))
    assert load_loops("some_loops", ARGUMENTS)["sum_of_squares"](1, 2) == 5
    assert len(file.read_bytes()) == len(content)


def test_kept_in_the_users_cache_where_the_source_cannot_be_written_beside(loops, monkeypatch):
    loops.with_name("__pycache__").write_text("a file, not a folder")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for _ in range(2):
        assert load_loops("some_loops", ARGUMENTS)["sum_of_squares"](1, 1) == 2
    [file] = kept(loops.parent)
    assert file.parent == loops.parent / "cache" / "machine-code"


def test_runs_where_nothing_can_be_kept(loops, monkeypatch):
    loops.with_name("__pycache__").write_text("a file, not a folder")
    loops.with_name("cache").write_text("another")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert load_loops("some_loops", ARGUMENTS)["sum_of_squares"](1, 1) == 2


def test_code_that_needs_more_than_itself_is_refused(loops):
    with pytest.raises(RuntimeError, match="expected the loops of some_loops to compile to code that stands alone"):
        load_loops("some_loops", {"gamma_of": 1})
    assert kept(loops.parent) == []


def test_a_module_that_is_not_there():
    with pytest.raises(ImportError, match=r"expected the source of meltpoint\.no_loops, found none"):
        load_loops("meltpoint.no_loops", {"square": 1})
