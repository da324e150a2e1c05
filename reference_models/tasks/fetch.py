"""The data sets, from where their makers keep them: downloaded, checked, unpacked.

What is checked is what is inside. Archives get packed anew, and then the same pictures come in other bytes.
"""

import gzip
import hashlib
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from refmem.storage import FileRefused
from reference_models.tasks.download import download
from reference_models.tasks.one_shot.omniglot_files import HALVES, drawings


class DataSet(NamedTuple):
    """Where a data set is kept and what its files hold."""

    address: str  # of the folder
    digests: Mapping[str, str]  # file -> SHA-256 of its contents
    digest: Callable[[Path], str]  # how that is computed


def digest_of_drawings(half: Path) -> str:
    """SHA-256 over the drawings of a zip or folder in the order of their names: names, sizes and pixels."""
    sha = hashlib.sha256()
    for (alphabet, character), found in drawings(half).items():
        for drawing in found:
            image = drawing.image()
            sha.update(f"{alphabet}/{character}/{drawing.name} {image.width}x{image.height}\n".encode())
            sha.update(image.tobytes())
    return sha.hexdigest()


def digest_of_unzipped(file: Path) -> str:
    """SHA-256 of what a .gz file unpacks to."""
    sha = hashlib.sha256()
    try:
        with gzip.open(file) as unzipped:
            while chunk := unzipped.read(1 << 20):
                sha.update(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileRefused(f"{file} is damaged ({error})") from error
    return sha.hexdigest()


DATA_SETS = {
    "omniglot": DataSet("https://github.com/brendenlake/omniglot/raw/master/python/", {
        "images_background.zip": "d207a71d000a333fc384d288248c04c17f560270d0cff691780df7ec882f5155",
        "images_evaluation.zip": "8b1d2d5f30d113ecfcb62f659608618c99588854ba9aec411f36884f94131e14",
    }, digest_of_drawings),
    "mnist": DataSet("https://storage.googleapis.com/cvdf-datasets/mnist/", {
        "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }, digest_of_unzipped),
    "multi30k": DataSet("https://github.com/multi30k/dataset/raw/master/data/task1/raw/", {
        "train.de.gz": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
        "train.en.gz": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
        "val.de.gz": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
        "val.en.gz": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
        "test_2016_flickr.de.gz": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
        "test_2016_flickr.en.gz": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
        "test_2017_flickr.de.gz": "c3078bc3b36808bf9d20eb2347ed6137016179ef59ec0d2b9b8ecc3fb2880081",
        "test_2017_flickr.en.gz": "ce1450ddc5ab0834502579d77a170849952e15a2938b34cc503bdc25ebb4fb98",
        "test_2017_mscoco.de.gz": "58277df3c75f92f7145a11b910b553d1cf82c439249d4dc237c899609eafac22",
        "test_2017_mscoco.en.gz": "43051fdfa86fd5395182e718a94ca67b1b227b9f7c79596ff0f6b813216981d2",
    }, digest_of_unzipped),
}


def fetch(name: str, directory: str | os.PathLike[str], *, base_url: str | None = None,
          unpack: bool = True) -> Path:
    """Bring a data set to `directory`/`name`, or what is missing of it. Progress goes to stderr.

    Parameters
    ----------
    name : "omniglot", "mnist" or "multi30k"
    directory : path
        Made where it is missing.
    base_url : str, optional
        Another address that has the files, e.g. a mirror.
    unpack : bool
        Whether zips are unpacked too. (The loaders read both, and .gz files as they are.)

    Returns
    -------
    Path
        The folder with the files, `directory`/`name`.

    Raises
    ------
    ValueError
        If there is no such data set, or the address is not one of HTTP.
    DownloadFailed
        If a file does not come. What has come is kept: the same call goes on from there.
    FileRefused
        If a file is not what it should be. It is then not kept.
    OSError
        If the folder cannot be written.
    """
    if name not in DATA_SETS:
        raise ValueError(f"there is no data set {name!r} to fetch; there are {', '.join(DATA_SETS)}")
    data_set = DATA_SETS[name]
    folder = Path(directory) / name
    folder.mkdir(parents=True, exist_ok=True)
    address = (base_url or data_set.address).rstrip("/") + "/"
    console = Console(file=sys.stderr)
    with Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
                  console=console, disable=not console.is_terminal) as bars:
        for file, digest in data_set.digests.items():
            path = folder / file
            if not _holds(path, digest, data_set.digest):
                _fetch_file(address + file, path, digest, data_set.digest, bars)
            if unpack and path.suffix == ".zip" and path.stem in HALVES:
                _unpack(path, folder / path.stem)
    return folder


def _holds(path: Path, digest: str, digest_of: Callable[[Path], str]) -> bool:
    """Whether the file is there already and is what it should be."""
    try:
        return path.is_file() and digest_of(path) == digest
    except (FileRefused, FileNotFoundError):
        return False


def _fetch_file(address: str, path: Path, digest: str, digest_of: Callable[[Path], str],
                bars: Progress) -> None:
    part = path.with_name(path.name + ".part")
    bar = bars.add_task(path.name, total=None)
    download(address, part, progress=lambda done, total: bars.update(bar, completed=done, total=total))
    try:
        found = digest_of(part)
    except (FileRefused, FileNotFoundError) as error:
        part.unlink()
        raise FileRefused(f"what came from {address} is not {path.name} ({error})") from error
    if found != digest:
        part.unlink()
        raise FileRefused(f"what came from {address} is not the {path.name} that is known here: "
                          f"its contents have the digest {found[:16]}..., not {digest[:16]}...")
    part.replace(path)


def _unpack(path: Path, folder: Path) -> None:
    """The drawings of a zip as files; `folder` appears when all of them are written, or not at all."""
    if folder.is_dir():
        return
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        whole = Path(temporary) / folder.name
        for (alphabet, character), found in drawings(path).items():
            (whole / alphabet / character).mkdir(parents=True)
            for drawing in found:
                (whole / alphabet / character / f"{drawing.name}.png").write_bytes(drawing.read())
        whole.replace(folder)
