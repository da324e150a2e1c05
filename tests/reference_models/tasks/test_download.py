"""Downloads: whole, interrupted and resumed, refused."""

import numpy as np
import pytest

from reference_models.tasks.download import DownloadFailed, download
from support.file_server import serving

CONTENTS = np.random.default_rng(0).bytes(300_000)


@pytest.fixture
def server():
    with serving() as running:
        running.files["file"] = CONTENTS
        yield running


def test_a_file_comes_whole_and_progress_is_told(server, tmp_path):
    seen = []
    download(server.address + "file", tmp_path / "part", progress=lambda done, total: seen.append((done, total)))
    assert (tmp_path / "part").read_bytes() == CONTENTS
    assert seen[0] == (0, 300_000) and seen[-1] == (300_000, 300_000) and len(seen) > 3
    assert seen == sorted(seen)


def test_an_interrupted_download_goes_on_where_it_stopped(server, tmp_path):
    part = tmp_path / "part"
    server.cut_after = 100_000
    for there in (100_000, 200_000):
        with pytest.raises(DownloadFailed, match=f"stopped after {there} of 300000 bytes"):
            download(server.address + "file", part)
        assert part.read_bytes() == CONTENTS[:there]
    download(server.address + "file", part)
    assert part.read_bytes() == CONTENTS
    assert [wanted for _, wanted in server.asked] == [None, "bytes=100000-", "bytes=200000-"]


def test_a_whole_part_is_left_as_it_is(server, tmp_path):
    (tmp_path / "part").write_bytes(CONTENTS)
    download(server.address + "file", tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENTS


@pytest.mark.parametrize(("there", "ranges"), [(CONTENTS[:1000], False), (b"x" * 300_001, True), (b"", True)])
def test_it_starts_anew_where_it_cannot_go_on(server, tmp_path, there, ranges):
    server.ranges = ranges
    (tmp_path / "part").write_bytes(there)
    download(server.address + "file", tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENTS


def test_a_missing_file_is_one_sentence_and_nothing_is_written(server, tmp_path):
    with pytest.raises(DownloadFailed, match="other cannot be had: the server answers 404 Not Found"):
        download(server.address + "other", tmp_path / "part")
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there(tmp_path):
    with serving() as server:
        address = server.address
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        download(address + "file", tmp_path / "part", timeout=5)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/file", "omniglot"])
def test_only_http(address, tmp_path):
    with pytest.raises(ValueError, match="the address must begin with http:// or https://"):
        download(address, tmp_path / "part")
