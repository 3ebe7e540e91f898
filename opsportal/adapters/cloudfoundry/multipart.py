"""The upload form of a package or droplet, sent as it is read: a part that lists what the platform has, and the bits."""

import io
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from opsportal.adapters.cloudfoundry.calls import BodyUnreadable

_BLOCK = 64 * 1024
_SMALLEST_REPORT, _LARGEST_REPORT = 16 * 1024, 512 * 1024


class BitsForm:
    """A multipart form that can be opened anew for each attempt, of a length known beforehand."""

    def __init__(
        self,
        resources: bytes | None,
        bits: BinaryIO | Path | None,
        on_progress: Callable[[int, int], None] | None = None,
        *,
        filename: str = "package.zip",
        content_type: str = "application/zip",
    ) -> None:
        """Take the JSON list of matched files and the zip, if any; an open file counts from its position.

        ``resources`` None leaves that part out, as a droplet's upload does.
        """
        self._boundary = secrets.token_hex(24)
        self._filename, self._bits_type = filename, content_type
        self._resources = resources
        self._bits = bits
        self._start = 0 if bits is None or isinstance(bits, Path) else bits.tell()
        self._on_progress = on_progress

    @property
    def content_type(self) -> str:
        """The Content-Type that names the boundary."""
        return f"multipart/form-data; boundary={self._boundary}"

    @contextmanager
    def open(self) -> Iterator["FormStream"]:
        """Open the form for one attempt. Raises BodyUnreadable when the zip cannot be read."""
        if self._bits is None:
            yield FormStream(self._resources_part(), io.BytesIO(), 0, self._end(), None)
            return
        try:
            file = self._bits.open("rb") if isinstance(self._bits, Path) else self._bits
            size = file.seek(0, os.SEEK_END) - self._start
            file.seek(self._start)
        except (OSError, ValueError) as problem:
            raise BodyUnreadable(f"the archive to send cannot be read: {problem}") from problem
        try:
            head = self._resources_part() + self._bits_header()
            yield FormStream(head, file, size, b"\r\n" + self._end(), self._on_progress)
        finally:
            if isinstance(self._bits, Path):
                file.close()

    def _resources_part(self) -> bytes:
        """Give the part that lists the matched files; it comes first (cf-api §4.4)."""
        if self._resources is None:
            return b""
        head = 'Content-Disposition: form-data; name="resources"\r\nContent-Type: application/json\r\n\r\n'
        return f"--{self._boundary}\r\n{head}".encode() + self._resources + b"\r\n"

    def _bits_header(self) -> bytes:
        """Give what stands before the zip."""
        disposition = f'Content-Disposition: form-data; name="bits"; filename="{self._filename}"\r\n'
        return f"--{self._boundary}\r\n{disposition}Content-Type: {self._bits_type}\r\n\r\n".encode()

    def _end(self) -> bytes:
        """Give what closes the form."""
        return f"--{self._boundary}--\r\n".encode()


class FormStream:
    """One reading of the form; holds one block of the zip in memory at a time."""

    def __init__(
        self,
        head: bytes,
        file: BinaryIO,
        size: int,
        tail: bytes,
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        """Take the pieces in order; ``size`` bytes of ``file`` stand between the head and the tail."""
        self._length = len(head) + size + len(tail)
        self._blocks = self._produce(head, file, size, tail)
        self._on_progress = on_progress
        self._rest = b""

    def __len__(self) -> int:
        """Bytes in the whole form: becomes Content-Length."""
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        """Give the form block by block."""
        while block := self.read(_BLOCK):
            yield block

    def read(self, size: int = -1, /) -> bytes:
        """Give at most ``size`` bytes, empty only at the end; never more than a block."""
        if not self._rest:
            self._rest = next(self._blocks, b"")
        size = len(self._rest) if size < 0 else size
        block, self._rest = self._rest[:size], self._rest[size:]
        return block

    def _produce(self, head: bytes, file: BinaryIO, size: int, tail: bytes) -> Iterator[bytes]:
        """Give the pieces in order, and tell how much of the zip has gone."""
        yield head
        step = min(max(size // 200, _SMALLEST_REPORT), _LARGEST_REPORT)
        sent = told = 0
        while sent < size:
            block = _read(file, min(_BLOCK, size - sent))
            yield block
            sent += len(block)
            if self._on_progress and (sent == size or sent - told >= step):
                told = sent
                self._on_progress(sent, size)
        yield tail


def _read(file: BinaryIO, size: int) -> bytes:
    """Read a block; raises BodyUnreadable instead of sending less than was promised."""
    try:
        block = file.read(size)
    except (OSError, ValueError) as problem:
        raise BodyUnreadable(f"the archive to send cannot be read: {problem}") from problem
    if not block:
        raise BodyUnreadable("the archive became shorter while it was sent")
    return block
