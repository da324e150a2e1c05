"""One file over HTTP, resumed where an earlier attempt stopped.

What has arrived lies in NAME.part beside the file wanted. The next attempt asks for the rest (a Range
header), and the caller puts the part in its place once its contents are checked.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

CHUNK = 1 << 16
TIMEOUT = 30.0  # seconds without a byte

Progress = Callable[[int, int | None], None]
"""Is told how many bytes there are so far, and of how many where the server says so."""


class DownloadFailed(OSError):
    """The file did not come, or not whole. What has come is kept, and the next attempt goes on from there."""


def download(address: str, part: Path, *, progress: Progress = lambda done, total: None,
             timeout: float = TIMEOUT) -> None:
    """Bring `part` up to the whole file at `address`.

    Raises
    ------
    ValueError
        If the address is not one of HTTP.
    DownloadFailed
        If the server cannot be reached, refuses, or stops before the end.
    OSError
        If `part` cannot be written.
    """
    if not address.startswith(("http://", "https://")):
        raise ValueError(f"the address must begin with http:// or https://, got {address!r}")
    there = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "refmem", "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    try:
        answer = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and there:
                if error.headers.get("Content-Range") == f"bytes */{there}":
                    return  # nothing was missing
                part.unlink()  # longer than the file: not a part of it
                download(address, part, progress=progress, timeout=timeout)
                return
            raise DownloadFailed(f"{address} cannot be had: the server answers {error.code} {error.reason}"
                                 ) from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadFailed(f"{address} cannot be reached ({reason})") from error

    with answer:
        goes_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(answer, there)
        start = there if goes_on else 0  # a server without ranges sends all of it again
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        done = start
        progress(done, total)
        with part.open("ab" if goes_on else "wb") as file:
            while True:
                try:
                    chunk = answer.read(CHUNK)
                except (http.client.HTTPException, OSError) as error:
                    raise _stopped(address, done, total, error) from error
                if not chunk:
                    break
                file.write(chunk)
                done += len(chunk)
                progress(done, total)
    if total is not None and done < total:
        raise _stopped(address, done, total, "the connection was closed")


def _starts_at(answer: http.client.HTTPResponse, start: int) -> bool:
    return (answer.headers.get("Content-Range") or "").startswith(f"bytes {start}-")


def _stopped(address: str, done: int, total: int | None, reason: object) -> DownloadFailed:
    of = f" of {total}" if total is not None else ""
    return DownloadFailed(f"{address} stopped after {done}{of} bytes ({reason}); the same command goes on from there")
