"""Fetching a data set: checked by what is inside, unpacked whole or not at all, gone on with after a failure."""

import gzip
import hashlib
import zipfile

import pytest

from refmem.storage import FileRefused
from reference_models.tasks import fetch
from reference_models.tasks.download import DownloadFailed
from reference_models.tasks.one_shot import omniglot, omniglot_files
from support import data, tiny_omniglot
from support.file_server import serving


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serves a tiny Omniglot and a text, whose digests are those that are known."""
    zips = tiny_omniglot.as_zips(tmp_path / "server")
    text = b"Zwei Katzen.\n" * 1000
    with serving() as running:
        running.files = {path.name: path.read_bytes() for path in zips.glob("*.zip")}
        running.files["train.de.gz"] = gzip.compress(text, mtime=1)
        monkeypatch.setattr(fetch, "DATA_SETS", {
            "omniglot": fetch.DataSet(running.address, {
                path.name: fetch.digest_of_drawings(path) for path in sorted(zips.glob("*.zip"))
            }, fetch.digest_of_drawings),
            "multi30k": fetch.DataSet(running.address, {
                "train.de.gz": hashlib.sha256(text).hexdigest()}, fetch.digest_of_unzipped),
        })
        yield running


@pytest.mark.parametrize("unpack", [True, False])
def test_omniglot_is_fetched_and_can_be_read(server, tmp_path, unpack):
    folder = fetch.fetch("omniglot", tmp_path / "data", unpack=unpack)
    assert folder == tmp_path / "data" / "omniglot"
    names = {"images_background.zip", "images_evaluation.zip"}
    assert {path.name for path in folder.iterdir()} == names | (set(omniglot_files.HALVES) if unpack else set())
    expected = omniglot.decode(tmp_path / "server" / "images_evaluation.zip")
    for half in folder.glob("images_evaluation*"):
        assert (omniglot.decode(half).images == expected.images).all()
    split = omniglot.load(tmp_path / "data", cache=tmp_path / "cache")
    assert split.test.classes == 2


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(server, tmp_path):
    folder = fetch.fetch("omniglot", tmp_path)
    asked = len(server.asked)
    fetch.fetch("omniglot", tmp_path)
    assert len(server.asked) == asked
    (folder / "images_evaluation.zip").write_bytes(b"damaged")
    fetch.fetch("omniglot", tmp_path)
    assert [path for path, _ in server.asked[asked:]] == ["/images_evaluation.zip"]
    assert (folder / "images_evaluation.zip").read_bytes() == server.files["images_evaluation.zip"]


def test_an_archive_packed_anew_is_the_same_data(server, tmp_path):
    path = tmp_path / "server" / "images_background.zip"
    with zipfile.ZipFile(path) as packed:
        contents = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, drawing in reversed(contents.items()):
            archive.writestr(name, drawing)
    assert path.read_bytes() != server.files[path.name]
    server.files[path.name] = path.read_bytes()
    fetch.fetch("omniglot", tmp_path)


def test_an_interrupted_fetch_goes_on(server, tmp_path):
    whole = server.files["images_background.zip"]
    server.cut_after = len(whole) // 2 + 1
    with pytest.raises(DownloadFailed, match="stopped after"):
        fetch.fetch("omniglot", tmp_path)
    folder = tmp_path / "omniglot"
    assert [path.name for path in folder.iterdir()] == ["images_background.zip.part"]
    server.cut_after = None
    fetch.fetch("omniglot", tmp_path)
    assert server.asked[1] == ("/images_background.zip", f"bytes={len(whole) // 2 + 1}-")
    assert (folder / "images_background.zip").read_bytes() == whole
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("name", ["omniglot", "multi30k"])
@pytest.mark.parametrize("wrong", ["no archive", "other contents"])
def test_other_contents_are_refused_and_not_kept(server, tmp_path, name, wrong):
    other = {"omniglot": tiny_omniglot.as_zips(tmp_path / "other", images_background={"Latin": 1})
             .joinpath("images_background.zip").read_bytes(), "multi30k": gzip.compress(b"Zwei Hunde.\n")}
    file = {"omniglot": "images_background.zip", "multi30k": "train.de.gz"}[name]
    server.files[file] = other[name] if wrong == "other contents" else b"<html>Please log in</html>"
    sentence = "digest" if wrong == "other contents" else "damaged"
    with pytest.raises(FileRefused, match=f"what came from {server.address}{file} is not.*{sentence}"):
        fetch.fetch(name, tmp_path / "data")
    assert not list((tmp_path / "data" / name).iterdir())


def test_a_cut_gz_is_damaged(server, tmp_path):
    server.files["train.de.gz"] = server.files["train.de.gz"][:-9]
    with pytest.raises(FileRefused, match="damaged"):
        fetch.fetch("multi30k", tmp_path)


def test_another_address_and_a_missing_file(server, tmp_path):
    with pytest.raises(DownloadFailed, match="mirror/train.de.gz cannot be had: the server answers 404"):
        fetch.fetch("multi30k", tmp_path, base_url=server.address + "mirror")
    server.files["mirror/train.de.gz"] = server.files["train.de.gz"]
    folder = fetch.fetch("multi30k", tmp_path, base_url=server.address + "mirror/")
    assert [path.name for path in folder.iterdir()] == ["train.de.gz"]


def test_unknown_names_and_addresses_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no data set 'imagenet' to fetch; there are omniglot, mnist, multi30k"):
        fetch.fetch("imagenet", tmp_path)
    with pytest.raises(ValueError, match="http"):
        fetch.fetch("mnist", tmp_path, base_url="file:///tmp")


def test_a_file_where_the_folder_should_be(server, tmp_path):
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(OSError, match="data"):
        fetch.fetch("multi30k", tmp_path / "data")


@pytest.mark.parametrize("name", ["mnist", "multi30k"])
def test_the_digests_are_those_of_the_real_data(name):
    folder = data.folder(name)
    for file, digest in fetch.DATA_SETS[name].digests.items():
        assert fetch.digest_of_unzipped(folder / file) == digest, file


@pytest.mark.slow
def test_the_digests_are_those_of_the_real_omniglot():
    folder = data.folder("omniglot")
    for file, digest in fetch.DATA_SETS["omniglot"].digests.items():
        assert fetch.digest_of_drawings(folder / file) == digest, file
