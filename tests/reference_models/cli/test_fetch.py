"""The command `fetch`: prints the folder, or a sentence; the fetching itself is tested with the tasks."""

import pytest

from reference_models.cli.main import main
from reference_models.tasks import fetch
from support import tiny_omniglot
from support.file_server import serving


@pytest.fixture
def server(tmp_path, monkeypatch):
    zips = tiny_omniglot.as_zips(tmp_path / "server")
    with serving() as running:
        running.files = {path.name: path.read_bytes() for path in zips.glob("*.zip")}
        digests = {path.name: fetch.digest_of_drawings(path) for path in sorted(zips.glob("*.zip"))}
        monkeypatch.setattr(fetch, "DATA_SETS", {
            "omniglot": fetch.DataSet("http://127.0.0.1:9/", digests, fetch.digest_of_drawings)})
        yield running


def test_it_prints_the_folder_that_omniglot_is_in(server, tmp_path, capsys):
    assert main(["fetch", "omniglot", "--out", str(tmp_path / "data"), "--mirror", server.address]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'data' / 'omniglot'}\n"
    assert (tmp_path / "data" / "omniglot" / "images_background.zip").exists()


def test_a_server_that_does_not_answer_is_a_sentence(server, tmp_path, capsys):
    assert main(["fetch", "omniglot", "--out", str(tmp_path / "data")]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and "cannot be reached" in captured.err


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["fetch", "omniglot", "--out", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
