"""An implementation in another process, spoken to in JSON lines.

Whatever the process does, the run goes on: one that ends, hangs, talks nonsense or does not stop talking is reported
for its case, ended with all that it started, and started anew for the next.
"""

import json
import os
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from queue import Empty, Full, Queue
from typing import Any

from refmem.conformance.adapters.protocol import AdapterFailed, Misnamed, ProtocolError, decoded, encoded_task
from refmem.conformance.case import HostArray, Task

SHOWN = 200
"""Characters of a strange line, or of what a runner wrote to stderr, that are quoted."""
LONGEST = 64 * 1024 ** 2
"""Characters of a reply; a longer line is none."""
WAITING = 8
"""Lines that are kept for a runner that writes more than it is asked for; then it has to wait."""
PATIENCE = 2.0
"""Seconds in which a runner may end by itself when it is told to stop."""


class Runner:
    """A command that speaks the protocol. It is started when it is first needed."""

    def __init__(self, command: str, timeout: float = 60.0) -> None:
        self.command, self.timeout = shlex.split(command), timeout
        self.process: subprocess.Popen[str] | None = None
        if not self.command:
            raise ValueError("the command of a runner must not be empty")

    def describe(self) -> dict[str, Any]:
        """What the runner says of itself.

        Raises
        ------
        AdapterFailed
            If it says that it cannot run.
        Misnamed
            If it says that there is no such implementation.
        """
        reply = self.ask({"command": "describe"})
        if "error" in reply:
            raise (Misnamed if reply.get("usage") else AdapterFailed)(str(reply["error"]))
        return reply

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("process", "command", "lines", "errors"):
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
        used = self.process is not None and self.process.poll() is None
        if used and not self.lines.empty():
            stray = self.lines.get()
            if stray:
                self.end()
                raise ProtocolError(f"the runner wrote a line that nobody asked for: {stray[:SHOWN]!r}")
        line = self._reply(request)
        if not line and used:  # it may have ended between two requests: ask a fresh one
            self.end()
            line = self._reply(request)
        if not line:
            self.end()
            assert self.process is not None  # it was started to be asked
            raise ProtocolError(f"the runner crashed: it ended with code {self.process.returncode}{self._complaint()}")
        if len(line) >= LONGEST and not line.endswith("\n"):
            self.end()
            raise ProtocolError(f"the runner replied with a line of more than {LONGEST} characters")
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            self.end()
            raise ProtocolError(f"the runner replied rubbish, not a JSON object: {line[:SHOWN]!r}")
        return reply

    def _reply(self, request: dict[str, Any]) -> str:
        """The next line of the runner after a request; empty where it ended instead."""
        process, lines = self._started()
        text = json.dumps(request) + "\n"
        threading.Thread(target=_write, args=(process.stdin, text), daemon=True).start()  # it may not be reading
        try:
            line = lines.get(timeout=self.timeout)
        except Empty:
            self.end()
            raise ProtocolError(f"the runner hung: no reply within {self.timeout:g} s{self._complaint()}") from None
        if not line:
            try:
                process.wait(timeout=PATIENCE)  # its output is closed: it is about to end
            except subprocess.TimeoutExpired:
                self.end()
        return line

    def _started(self) -> "tuple[subprocess.Popen[str], Queue[str]]":
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, text=True, errors="replace",
                                            start_new_session=True)
            self.lines: Queue[str] = Queue(WAITING)
            self.errors: deque[str] = deque(maxlen=WAITING)
            self.listening = threading.Event()
            self.listening.set()
            for target, stream, longest in ((self._heard, self.process.stdout, LONGEST),
                                            (self.errors.append, self.process.stderr, SHOWN)):
                threading.Thread(target=_drain, args=(stream, target, longest, self.listening), daemon=True).start()
        return self.process, self.lines

    def _heard(self, line: str) -> None:
        lines, listening = self.lines, self.listening
        while listening.is_set():
            try:
                return lines.put(line, timeout=0.1)
            except Full:  # it talks without being asked
                continue

    def _complaint(self) -> str:
        time.sleep(0.05)  # what it wrote last may still be on its way
        said = "".join(self.errors).strip()
        return f"; it wrote to stderr: {said[-SHOWN:]}" if said else ""

    def stop(self) -> None:
        """Ask the process to end, and end it if it does not."""
        if self.process is not None and self.process.poll() is None:
            threading.Thread(target=_write, args=(self.process.stdin, '{"command": "stop"}\n'), daemon=True).start()
            try:
                self.process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                pass
        self.end()

    def end(self) -> None:
        """End the process, and what it started."""
        if self.process is None:
            return
        self.listening.clear()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # it is gone
            pass
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            _close(stream)


def _drain(stream: Any, put: Any, longest: int, listening: threading.Event) -> None:
    """Hand on each line, and at the end an empty one."""
    try:
        while listening.is_set() and (line := stream.readline(longest)):
            put(line)
    except (OSError, ValueError):  # closed meanwhile
        pass
    put("")


def _write(stream: Any, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):  # it ended: that shows in what it does not reply
        pass


def _close(stream: Any) -> None:
    try:
        stream.close()
    except (OSError, ValueError):
        pass
