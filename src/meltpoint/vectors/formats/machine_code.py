"""Loops that numba has compiled, kept as machine code and run without numba.

Importing numba and readying its types takes 0.4 s of every process, as long as parsing half a gigabyte of vectors. LLVM
alone, which numba brings along, loads what was compiled before in a tenth of that.

Such a loop takes whole numbers, some of them addresses, and returns one. Of arrays and of Python it knows nothing.
"""

import contextlib
import ctypes
import importlib
import importlib.util
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import llvmlite  # type: ignore[import-untyped]
import llvmlite.binding as llvm  # type: ignore[import-untyped]
from blake3 import blake3

from meltpoint.vectors.cache import cache_folder

_CHECKSUM_BYTES = 4
_engines: list[Any] = []  # the memory that the loaded functions lie in


def load_loops(
    module: str, num_arguments: Mapping[str, int], *, built_on: Iterable[str] = ()
) -> dict[str, Callable[..., int]]:
    """Loads the loops of a module, compiled where this machine has not done so before.

    The machine code is kept beside the compiled modules of Python itself, or in the user's cache where that folder
    cannot be written. It is of one state of the sources, one processor and one LLVM: for another, there is another.

    Args:
        module: The module that defines the loops; it is imported only to compile them.
        num_arguments: How many 64-bit integers each takes, by its name. They are plain functions; those that they call
            are ``compiled``.
        built_on: Other modules of which something is compiled into the loops.

    Returns:
        Functions of these arguments, during which other threads run.

    Raises:
        ImportError: Numba is needed, and does not know a NumPy as new as this one.
        RuntimeError: What numba makes of the loops does not stand alone.
    """
    source = _find_source(module)
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    processor = {"cpu": llvm.get_host_cpu_name(), "features": llvm.get_host_cpu_features().flatten()}
    sources = [source.read_bytes(), *(_find_source(other).read_bytes() for other in built_on)]
    state = (sources, dict(num_arguments), llvmlite.__version__, target.triple, processor)
    key = blake3(repr(state).encode()).hexdigest(length=8)
    file_name = f"{source.stem}.{key}.o"
    machine = target.create_target_machine(**processor, opt=3, jit=True)
    code = next((code for folder in _folders(source) if (code := _read(folder / file_name)) is not None), None)
    if code is None:
        code = machine.emit_object(_compile(module, num_arguments))
        _keep(code, (folder / file_name for folder in _folders(source)))
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return {name: _make_function(engine.get_function_address(name), number) for name, number in num_arguments.items()}


def _folders(source: Path) -> Iterator[Path]:
    """Yields where machine code may lie, the better place first."""
    yield Path(importlib.util.cache_from_source(str(source))).parent
    yield Path(cache_folder()).parent / "machine-code"


def _find_source(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ImportError(f"expected the source of {module}, found none.")
    return Path(spec.origin)


def _compile(module: str, num_arguments: Mapping[str, int]) -> Any:
    """Returns the loops as a module of LLVM, by their names, with the signatures of numba's own functions."""
    import numba  # type: ignore[import-untyped, unused-ignore] # noqa: PLC0415 - what this module is there to avoid

    home = importlib.import_module(module)
    njit: Any = numba.njit
    compiled = llvm.parse_assembly("")
    for name, number in num_arguments.items():
        signature = (numba.int64,) * number
        options = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        dispatcher = njit(**options)(getattr(home, name))
        dispatcher.compile(signature)
        text = dispatcher.inspect_llvm(signature)
        compiled.link_in(llvm.parse_assembly(text.replace(dispatcher.overloads[signature].fndesc.llvm_func_name, name)))
    # LLVM ends the process when it loads code that calls what is not there.
    foreign = [function.name for function in compiled.functions if function.is_declaration]
    foreign = [name for name in foreign if not name.startswith("llvm.")]
    if foreign:
        raise RuntimeError(f"expected the loops of {module} to compile to code that stands alone, found {foreign}.")
    return compiled


def _make_function(address: int, num_arguments: int) -> Callable[..., int]:
    """Returns the function at an address: numba's take places for their result and for an exception, and return 0."""
    pointer = ctypes.POINTER(ctypes.c_int64)
    native = ctypes.CFUNCTYPE(ctypes.c_int32, pointer, pointer, *[ctypes.c_int64] * num_arguments)(address)

    def call(*arguments: int) -> int:
        result, exception = ctypes.c_int64(), ctypes.c_int64()
        status = native(result, exception, *arguments)
        if status:
            raise RuntimeError(f"expected a compiled loop to end well, found its status {status}.")
        return result.value

    return call


def _read(place: Path) -> bytes | None:
    """Returns what was kept, or None where there is nothing or it is damaged."""
    try:
        content = place.read_bytes()
    except OSError:
        return None
    checksum, code = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    return code if checksum == _checksum(code) else None


def _keep(code: bytes, places: Iterable[Path]) -> None:
    """Writes the code to the first place that can be written, whole or not at all; to none if need be."""
    for place in places:
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            unfinished = place.with_name(f"{place.name}.{os.getpid()}")
            try:
                unfinished.write_bytes(_checksum(code) + code)
                unfinished.replace(place)
            finally:
                unfinished.unlink(missing_ok=True)
            return


def _checksum(code: bytes) -> bytes:
    return zlib.crc32(code).to_bytes(_CHECKSUM_BYTES, "little")
