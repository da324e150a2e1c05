"""The child process of `compiled`: python -m refmem.ops.compiling MODULE DTYPE FILE."""

import hashlib
import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any


def main(module: str, dtype: str, path: str) -> None:
    """Compile the kernels of a module, and write them: digest, a line of facts, the object code of each."""
    import llvmlite.binding as llvm
    import numba

    types: Any = importlib.import_module("numba.types")

    number = types.CPointer(getattr(types, dtype))
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, codemodel="jitdefault")
    facts: list[dict[str, Any]] = []
    codes = []
    for kernel in importlib.import_module(module).KERNELS:
        whole = [parameter.annotation is int for parameter in inspect.signature(kernel).parameters.values()]
        signature = types.void(*(types.intp if each else number for each in whole))
        made = numba.cfunc(signature, fastmath={"contract"})(kernel)
        # The function proper stands first. What follows is numba's way to tell Python of errors: there are none.
        _, *others = re.findall(r"^define .*?^}$", made.inspect_llvm(), flags=re.MULTILINE | re.DOTALL)
        text = made.inspect_llvm()
        for other in others:
            text = text.replace(other, "")
        code = llvm.parse_assembly(text)
        for function in code.functions:
            if not function.is_declaration:
                function.name = kernel.__name__
        codes.append(machine.emit_object(code))
        facts.append({"name": kernel.__name__, "whole": whole, "bytes": len(codes[-1])})
    rest = json.dumps({"kernels": facts}).encode() + b"\n" + b"".join(codes)
    Path(path).write_bytes(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)


if __name__ == "__main__":
    main(*sys.argv[1:])
