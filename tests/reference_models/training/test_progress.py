"""Progress: nothing moves where nobody watches; there are plain lines now and then."""

from reference_models.training import progress
from reference_models.training.progress import Report


def test_without_a_terminal_there_is_a_plain_line_now_and_then(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Report("training") as report:
        report.show(0.1, {"loss": 0.5})
        now[0] = 31.0
        report.show(0.25, {"episode": 4, "loss": 0.5})
        report.show(0.3)
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "training: 25%, 2:35 left  episode 4  loss 0.500\n"


def test_on_a_terminal_it_moves_on_stderr(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    with Report("training") as report:
        report.show(0.5, {"loss": 0.25})
    captured = capsys.readouterr()
    assert captured.out == "" and "loss 0.250" in captured.err
