"""A Python implementation as a runner: `python -m refmem.conformance.adapters.serve package.module:Name`.

With this `refmem conform --jobs N` runs an implementation in N processes of its own, where it may crash or hang.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from refmem.conformance.adapters.loading import load
from refmem.conformance.adapters.protocol import AdapterFailed, decoded_task, encoded
from refmem.conformance.compare import to_host


def serve(implementation: Any, requests: TextIO, replies: TextIO) -> None:
    """Answer requests until there are none."""
    for line in requests:
        request = json.loads(line)
        if request["command"] == "stop":
            return
        replies.write(json.dumps(answer(implementation, request)) + "\n")
        replies.flush()


def answer(implementation: Any, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request."""
    if request["command"] == "describe":
        try:
            return dict(implementation.describe())
        except (Exception, SystemExit) as error:
            return {"error": f"describe() raised {type(error).__name__}: {error}"}
    task = decoded_task(request["task"])
    try:
        produced = getattr(implementation, task.group)(task)
        steps = [produced] if isinstance(produced, Mapping) else list(produced)
        return {"steps": [{name: encoded(to_host(x)) for name, x in step.items() if x is not None} for step in steps]}
    except (Exception, SystemExit) as error:  # whatever it raises is its answer
        return {"error": f"{type(error).__name__}: {error}"}


class Failed:
    """Stands in for an implementation that cannot be had: every reply is the sentence that says why."""

    def __init__(self, error: Exception) -> None:
        self.reply = {"error": str(error), "usage": not isinstance(error, AdapterFailed)}

    def describe(self) -> dict[str, Any]:
        """The sentence."""
        return self.reply


def main() -> None:
    """Serve the implementation that the command line names. What it prints goes to stderr, not among the replies."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    implementation: Any
    try:
        implementation = load(sys.argv[1])
    except (AdapterFailed, ImportError, ValueError) as error:
        implementation = Failed(error)
    serve(implementation, sys.stdin, replies)


if __name__ == "__main__":
    main()
