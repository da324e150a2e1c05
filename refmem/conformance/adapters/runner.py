"""An implementation in another process, spoken to in JSON lines.

Whatever the process does, the run goes on: one that ends, hangs or talks nonsense is started anew for the next case.
"""

import json
import shlex
import subprocess
import threading
from queue import Empty, Queue
from typing import Any

from refmem.conformance.adapters.protocol import ProtocolError, decoded, encoded_task
from refmem.conformance.case import HostArray, Task

SHOWN = 200
"""Characters of a strange line, or of what a runner wrote to stderr, that are quoted."""


class Runner:
    """A command that speaks the protocol. It is started when it is first needed."""

    def __init__(self, command: str, timeout: float = 60.0) -> None:
        self.command, self.timeout = shlex.split(command), timeout
        self.process: subprocess.Popen[str] | None = None
        if not self.command:
            raise ValueError("the command of a runner must not be empty")

    def describe(self) -> dict[str, Any]:
        """What the runner says of itself."""
        return self.ask({"command": "describe"})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("process", "command"):
            raise AttributeError(name)
        return self.run

    def run(self, task: Task) -> list[dict[str, HostArray]]:
        """The outputs of all steps of a case."""
        reply = self.ask({"command": "run", "task": encoded_task(task)})
        if "error" in reply:
            raise RuntimeError(str(reply["error"])[:SHOWN])
        steps = reply.get("steps")
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise ProtocolError("the reply has no list of steps")
        return [{name: decoded(value, name) for name, value in step.items()} for step in steps]

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request and its reply.

        Raises
        ------
        ProtocolError
            If the runner crashed, hung, or did not reply with a JSON object.
        """
        process, lines = self._started()
        try:
            assert process.stdin is not None  # it is a pipe
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = lines.get(timeout=self.timeout)
        except Empty:
            self.stop()
            raise ProtocolError(f"the runner hung: no reply within {self.timeout:g} s") from None
        except OSError:
            line = ""
        if not line:
            self.stop()
            raise ProtocolError(f"the runner crashed: it ended with code {process.returncode}{self._complaint()}")
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            self.stop()
            raise ProtocolError(f"the runner replied rubbish, not a JSON object: {line[:SHOWN]!r}")
        return reply

    def _started(self) -> tuple[subprocess.Popen[str], "Queue[str]"]:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, text=True, errors="replace")
            self.lines: Queue[str] = Queue()
            self.errors: list[str] = []
            for target, stream in ((self.lines.put, self.process.stdout), (self.errors.append, self.process.stderr)):
                threading.Thread(target=_drain, args=(stream, target), daemon=True).start()
        return self.process, self.lines

    def _complaint(self) -> str:
        said = "".join(self.errors).strip()
        return f"; it wrote to stderr: {said[-SHOWN:]}" if said else ""

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            if self.process.poll() is None:
                try:
                    self.process.wait(timeout=0.2 if self.process.stdin is None else 0.05)
                except subprocess.TimeoutExpired:
                    self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                _close(stream)


def _drain(stream: Any, put: Any) -> None:
    """Hand on each line, and at the end an empty one."""
    try:
        for line in stream:
            put(line)
    except ValueError:  # closed meanwhile
        pass
    put("")


def _close(stream: Any) -> None:
    try:
        if stream is not None:
            stream.close()
    except (OSError, ValueError):
        pass
