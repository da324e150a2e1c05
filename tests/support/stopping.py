"""Ctrl-C at a moment that a test can choose."""

import os
import signal


def stop_in(monkeypatch, training, call=1):
    """Press Ctrl-C in the `call`-th `advance` of the class `training`, once."""
    advance, calls = training.advance, []

    def stop(self, spent):
        calls.append(spent)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGINT)
        return advance(self, spent)

    monkeypatch.setattr(training, "advance", stop)
