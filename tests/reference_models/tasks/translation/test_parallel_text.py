"""Parallel text: Multi30k as it is, plain or zipped files, and one sentence for each thing that can be wrong."""

import gzip

import pytest

from refmem.storage import FileRefused
from reference_models.tasks.translation import parallel_text
from support.data import folder


def write(where, name, text):
    where.mkdir(exist_ok=True)
    (where / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


def test_lines_are_paired_zipped_or_not_here_or_in_multi30k(tmp_path):
    write(tmp_path / "multi30k", "train.en.gz", "a dog\n a cat \n")
    write(tmp_path / "multi30k", "train.de", "ein Hund\neine Katze")
    for data in (tmp_path, tmp_path / "multi30k"):
        pairs = parallel_text.load(data, "train", "en", "de")
        assert pairs == (["a dog", "a cat"], ["ein Hund", "eine Katze"]) and len(pairs) == 2
    assert pairs.take([1]) == (["a cat"], ["eine Katze"])


@pytest.mark.parametrize(("target", "error", "said"), [
    (None, FileNotFoundError, "train is there in: en"), ("eins\n", FileRefused, "has 2 lines and train.de has 1"),
    ("eins\n\n", FileRefused, "line 2 of train.de is empty")])
def test_what_is_wrong_is_said(tmp_path, target, error, said):
    write(tmp_path, "train.en", "one\ntwo\n")
    if target is not None:
        write(tmp_path, "train.de", target)
    with pytest.raises(error, match=said):
        parallel_text.load(tmp_path, "train", "en", "de")


def test_damaged_files_and_missing_folders_are_refused(tmp_path):
    write(tmp_path, "train.en", "one\n")
    (tmp_path / "train.de.gz").write_bytes(gzip.compress(b"eins\n" * 1000)[:-12])
    (tmp_path / "train.fr").write_bytes(b"\xff\xfe\n")
    write(tmp_path, "train.no", "")
    for language in ("de", "fr"):
        with pytest.raises(FileRefused, match="damaged or not UTF-8"):
            parallel_text.load(tmp_path, "train", "en", language)
    with pytest.raises(FileRefused, match="has 1 lines and train.no has 0"):
        parallel_text.load(tmp_path, "train", "en", "no")
    with pytest.raises(FileNotFoundError, match="fetch multi30k"):
        parallel_text.load(tmp_path / "none", "train", "en", "de")


def test_multi30k_is_all_there():
    data = folder("multi30k")
    sizes = {"train": 29_000, "val": 1014, "test_2016_flickr": 1000, "test_2017_flickr": 1000, "test_2017_mscoco": 461}
    for split, count in sizes.items():
        assert len(parallel_text.load(data, split, "en", "de")) == count
