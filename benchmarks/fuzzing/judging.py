"""Opens a case and judges what comes of it: in a process with little memory, watched for what it must not touch."""

import gc
import itertools
import os
import resource
import shutil
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self
from unittest.mock import patch

import numpy as np

from fuzzing.cases import Case
from meltpoint.errors import InputError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.formats.text_files import blocks as text_blocks
from meltpoint.vectors.formats.text_files import text

SPARE_BYTES = 1 << 30
"""What a case may take beyond what the warmed-up process has. All files here are small: they need a few blocks."""

LARGEST_FILE_BYTES = 3 << 30
_RUNS_PROGRAMS = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "os.fork", "socket.connect"}
_CHANGES_FILES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod"}
_ONE_BLOCK_BYTES = 1 << 20
_COMPILED = "__pycache__"
_NUMBAS_CACHE = "numba/core/caching.py"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a case.

    Attributes:
        kind: ``exact`` (the unharmed file, read as it is), ``read`` (anything consistent), ``refused`` (an error that
            names the place); everything else is a defect.
        detail: The digest of what was read, the error, or what is wrong.
    """

    kind: str
    detail: str = ""

    @property
    def is_defect(self) -> bool:
        """Whether it is none of the three right ends."""
        return self.kind not in {"exact", "read", "refused"}


class Watch:
    """Notes what reading must never do: unpickle, run programs, or change files outside its own folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._is_on = False
        self.seen: list[str] = []
        sys.addaudithook(self._audit)

    def __enter__(self) -> Self:
        self.seen.clear()
        self._is_on = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_on = False

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_on:
            return
        if (event == "pickle.find_class" and not _is_numbas_own()) or event in _RUNS_PROGRAMS:
            self.seen.append(f"{event}{arguments!r}")
        elif event == "open":
            path, mode, flags = arguments
            if (flags or 0) & (os.O_WRONLY | os.O_RDWR) or set(mode or "") & set("wax+"):
                self._check_place(event, path)
        elif event in _CHANGES_FILES:
            self._check_place(event, arguments[0])

    def _check_place(self, event: str, path: object) -> None:
        # A descriptor, or a name relative to one, has been opened by name before.
        if not isinstance(path, str | bytes | os.PathLike):
            return
        place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - Path would resolve nothing here either
        inside = place.startswith(self._folder) or _COMPILED in place
        if not inside and os.path.isabs(os.fsdecode(path)):  # noqa: PTH117
            self.seen.append(f"{event} {place}")


def _is_numbas_own() -> bool:
    """Tells whether numba is loading what it compiled before: it keeps that as pickles, written by itself."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.endswith(_NUMBAS_CACHE):
            return True
        frame = frame.f_back
    return False


def limit_memory() -> None:
    """Leaves this process, once it is warm, no more than :data:`SPARE_BYTES` of address space."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + SPARE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, LARGEST_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def judge(case: Case, folder: Path, watch: Watch) -> Outcome:
    """Opens the case in ``folder``, which is emptied before and after."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["MELTPOINT_CACHE"] = str(folder / "cache")
    target = case.lay_out(folder / "case")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with watch:
            outcome = _open_both_ways(case, target)
        if not outcome.is_defect and (warned or _collects_warnings(warned)):
            outcome = Outcome(kind="warned", detail=f"{warned[0].category.__name__}: {warned[0].message}")
    if watch.seen:
        outcome = Outcome(kind="trespassed", detail="; ".join(watch.seen[:3]))
    elif not outcome.is_defect and (left := _left_behind(folder, outcome)):
        outcome = Outcome(kind="left behind", detail=left)
    shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _open_both_ways(case: Case, target: Path) -> Outcome:
    """Opens the case, and where it says so, once more as if it were a file of gigabytes."""
    outcome = _open(case, target)
    if outcome.is_defect or not case.block_bytes:
        return outcome
    is_one_block = case.block_bytes > _ONE_BLOCK_BYTES
    # A line is put together of its blocks again and again: of many small ones only so long a line.
    longest = min(text_blocks._LONGEST_LINE_BYTES, 1000 * case.block_bytes)
    with (
        patch.object(text, "_KERNEL_PAYS_BYTES", 0),
        patch.multiple(text_blocks, _BLOCK_BYTES=case.block_bytes, _LONGEST_LINE_BYTES=longest),
        patch.dict(os.environ, MELTPOINT_CACHE=os.environ["MELTPOINT_CACHE"] + "-of-large"),
    ):
        other = _open(case if is_one_block else replace(case, expected=None), target)
    # Of small blocks the first does not hold the lines by which the layout is judged: another one may be found.
    if other.is_defect or not is_one_block or other == outcome:
        return other if other.is_defect else outcome
    return Outcome(
        kind="two answers", detail=f"{outcome.kind}: {outcome.detail} | as large: {other.kind}: {other.detail}"
    )


def _open(case: Case, target: Path) -> Outcome:
    try:
        vectors = open_vectors(target, **case.options)  # type: ignore[arg-type]
        fault = _inconsistency(vectors, case) or _selection_fault(vectors, case, target)
    except InputError as error:
        if case.expected is not None:
            return Outcome(kind="refused though right", detail=str(error))
        is_placed = str(target.parent) in str(error)  # that file, or one that belongs to it
        return Outcome(kind="refused" if is_placed else "nameless", detail=str(error))
    except MemoryError as error:
        return Outcome(kind="memory", detail=_traced(error))
    except BaseException as error:  # noqa: BLE001 - that nothing else comes is the point; Rust's panics are no Exception
        return Outcome(kind=type(error).__name__, detail=_traced(error))
    if fault:
        return Outcome(kind="inconsistent", detail=fault)
    return Outcome(kind="read" if case.expected is None else "exact", detail=vectors.digest)


def _inconsistency(vectors: Any, case: Case) -> str | None:
    """Returns what does not fit together in opened vectors, or None."""
    words, matrix = vectors.words[:], vectors.matrix
    may_be_empty = "words" in case.options  # none of them need be there
    if matrix.dtype != np.float32 or matrix.shape != (len(words), vectors.dim) or not (matrix.size or may_be_empty):
        return f"{len(words)} words, matrix {matrix.dtype} {matrix.shape}"
    if not np.isfinite(matrix).all():
        return "a number is not finite"
    if len(set(words)) != len(words) or not np.array_equal(vectors.rows(words), np.arange(len(words))):
        return "the words are not found where they stand"
    for word in itertools.islice(words, 3):
        if not np.array_equal(vectors[word], matrix[vectors.rows([word])[0]]):
            return f"the vector of {word!r} is not its row"
    if case.expected is None:
        return None
    if words != case.expected.words:
        return f"expected the words {case.expected.words}, found {words}"
    return None if matrix.tobytes() == case.expected.numbers else "the numbers are not those of the file"


def _selection_fault(selected: Any, case: Case, target: Path) -> str | None:
    """Returns what selected words do not have in common with those of the whole file, where that can be read."""
    if "words" not in case.options:
        return None
    wanted = set(case.options["words"])  # type: ignore[call-overload]
    if not wanted.issuperset(selected.words):
        return f"expected some of the words {sorted(wanted)}, found {selected.words[:]}"
    try:
        whole = open_vectors(target, **{name: value for name, value in case.options.items() if name != "words"})
    except InputError:
        return None  # rows that are not wanted are not looked at closely
    if set(selected.words) != wanted.intersection(whole.words):
        return f"expected {sorted(wanted.intersection(whole.words))}, found {selected.words[:]}"
    differing = [word for word in selected.words if selected[word].tobytes() != whole[word].tobytes()]
    return f"the numbers of {differing} differ from those of the whole file" if differing else None


def _collects_warnings(warned: list[warnings.WarningMessage]) -> bool:
    """Tells whether something that was not closed says so when it goes."""
    gc.collect()
    return bool(warned)


def _left_behind(folder: Path, outcome: Outcome) -> str | None:
    """Returns what lies in the caches that is no whole store, or no store of what was read."""
    found = [path for path in folder.glob("cache*/*/*") if not (path / "files.txt").is_file()]
    if outcome.kind == "refused":
        found += folder.glob("cache/*/*")
    return f"{[path.name for path in found]}" if found else None


def _traced(error: BaseException) -> str:
    """Returns the error and the last steps to it."""
    steps = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        steps.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return f"{error} [{' > '.join(steps[-4:])}]"
