"""Compiled loops without their compiler: numba makes machine code once, in a process of its own; others load it.

To call a compiled function numba loads itself and a compiler into the process: 120 MiB and a second of time, for a few
kilobytes of machine code. Here a child process compiles the functions of a file of kernels, and keeps the code on disk
beside it (in Python's `__pycache__`, or, where that cannot be written, in the user's cache). Whoever wants to call them
loads the code with llvmlite, numba's own library, and numba is not imported.

A file of kernels imports numba and has a tuple `KERNELS` of functions whose arguments are annotated, each as a whole
number (`int`) or, as anything else, the address of numbers of the dtype that is asked for. They write to memory that
they are given; they allocate nothing, and raise nothing.
"""

import contextlib
import ctypes
import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from refmem.arrays import Array

PATIENCE = 1.0
"""Seconds of silence before a compilation is announced."""

_one_at_a_time = threading.Lock()
_room = ctypes.create_string_buffer(16)
_nothing = ctypes.addressof(_room)  # where numba's functions put their result; these have none
_kept: list[Any] = []  # the code lives as long as what it was loaded with


def call(module: str, name: str, dtype: str, *arguments: Array | int) -> None:
    """Run a kernel. Arrays are handed over by their address: contiguous ones, of `dtype`."""
    if (module, dtype) not in _loaded:
        with _one_at_a_time:
            if (module, dtype) not in _loaded:
                _loaded[module, dtype] = _functions(module, dtype)
    _loaded[module, dtype][name](*(a if isinstance(a, int) else a.__array_interface__["data"][0] for a in arguments))


_loaded: dict[tuple[str, str], dict[str, Callable[..., None]]] = {}


def _functions(module: str, dtype: str) -> dict[str, Callable[..., None]]:
    """The kernels of a file for one dtype, compiled if this was never done for this processor."""
    import llvmlite.binding as llvm

    source = Path(str(getattr(find_spec(module), "origin", None)))
    name = f"{source.stem}-{dtype}-{_key(source)}.code"
    for folder in _folders(source):
        facts, code = _read(folder / name)
        if facts:
            break
    else:
        facts, code = _compile(module, dtype, source, name)

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    functions: dict[str, Callable[..., None]] = {}
    start = 0
    for kernel in facts["kernels"]:
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        piece = llvm.ObjectFileRef.from_data(code[start:start + kernel["bytes"]])
        start += kernel["bytes"]
        engine.add_object_file(piece)
        engine.finalize_object()
        types = (ctypes.c_ssize_t if whole else ctypes.c_void_p for whole in kernel["whole"])
        address = engine.get_function_address(kernel["name"])
        function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *types)(address)
        functions[kernel["name"]] = functools.partial(function, _nothing, _nothing)  # no result, no error
        _kept.extend((engine, piece))
    return functions


@functools.cache
def _key(source: Path) -> str:
    """Other code, another compiler or another processor: another key."""
    import llvmlite.binding as llvm

    told = [source.read_text(), Path(__file__).read_text(), metadata.version("numba"), metadata.version("llvmlite"),
            llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), sys.platform]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]


def _folders(source: Path) -> list[Path]:
    told = os.environ.get("XDG_CACHE_HOME")
    return [source.parent / "__pycache__", (Path(told) if told else Path.home() / ".cache") / "refmem"]


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """(facts, code) of a file that is there and whole, else ({}, b"")."""
    try:
        head, _, rest = path.read_bytes().partition(b"\n")
    except OSError:
        return {}, b""
    if head.decode("ascii", "replace") != hashlib.sha256(rest).hexdigest():
        return {}, b""
    line, _, code = rest.partition(b"\n")
    facts: dict[str, Any] = json.loads(line)
    return facts, code


def _compile(module: str, dtype: str, source: Path, name: str) -> tuple[dict[str, Any], bytes]:
    """Have a child process compile, and keep what it made where there is a folder to write to."""
    note = threading.Timer(PATIENCE, lambda: print(f"refmem: compiling {source.stem} (once, kept on disk)",
                                                   file=sys.stderr, flush=True))
    note.daemon = True
    note.start()
    try:
        with tempfile.TemporaryDirectory() as room:
            made = Path(room) / name
            command = [sys.executable, "-m", "refmem.ops.compiling", module, dtype, str(made)]
            paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
            done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise RuntimeError(f"the kernels {module} could not be compiled: {last}")
            whole = made.read_bytes()
            for folder in _folders(source):
                if _keep(whole, folder / name):
                    break
            return _read(made)
    finally:
        note.cancel()


def _keep(whole: bytes, path: Path) -> bool:
    """Whether the file could be written; it is there whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(whole)
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        return False
    return True
