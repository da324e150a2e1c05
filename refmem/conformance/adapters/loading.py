"""From a name on the command line to an implementation."""

import importlib
import sys
from typing import Any


def load(target: str) -> Any:
    """The object named "package.module:Name"; a class is made an instance without arguments.

    Raises
    ------
    ValueError
        If the name has another form, or the module has no such attribute.
    ImportError
        If the module cannot be imported.
    """
    module_name, colon, name = target.partition(":")
    if not (module_name and colon and name):
        raise ValueError(f"an implementation is named package.module:Name, got {target!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")  # modules of the folder that the command is run in
    try:
        module = importlib.import_module(module_name)
    except ImportError:
        raise
    except Exception as error:
        raise ImportError(f"{module_name} cannot be imported: {type(error).__name__}: {error}") from error
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise ValueError(f"{module_name} has no {name}")
        found = getattr(found, part)
    return found() if isinstance(found, type) else found
