from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.conventions.packed import LONGEST_LINE, open_lines, open_packed

TEXT = b"one line\nanother line\n" * 400


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("members", [1, 3])
def test_every_packing_and_all_its_members(pack: Callable[[bytes], bytes], members: int, tmp_path: Path) -> None:
    path = tmp_path / "name.that.says.nothing"
    path.write_bytes(pack(TEXT) * members)
    with open_packed(path) as stream:
        assert stream.read() == TEXT * members


def _tar(text: bytes) -> bytes:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        entry = tarfile.TarInfo("a.lhe")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return memory.getvalue()


def _zip(text: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("a.lhe", text)
    return memory.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_tar(TEXT), "is a tar archive; unpack it with tar"),
        (gzip.compress(_tar(TEXT)), "is a tar archive"),
        (lzma.compress(_tar(TEXT)), "is a tar archive"),
        (_zip(TEXT), "is a zip archive.*unzip some.lhe.gz"),
        (gzip.compress(_zip(TEXT)), "holds, packed with gzip, a zip archive"),
        (b"\x28\xb5\x2f\xfd" + TEXT, "is packed with zstd.*unzstd"),
        (gzip.compress(gzip.compress(TEXT)), "is packed twice"),
    ],
    ids=[
        "tar",
        "tar.gz",
        "tar.xz",
        "zip",
        "zip.gz",
        "zstd",
        "gz.gz",
    ],  # packed bytes hold the time and would make other names
)
def test_what_is_not_read_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "some.lhe.gz"
    path.write_bytes(content)
    with pytest.raises(InputFileError, match=message), open_packed(path) as stream:
        stream.read()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_file(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    noise = np.random.default_rng(1).bytes(3000)
    path = tmp_path / "some.lhe"
    whole = pack(noise)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for broken in (whole[:-1000], bytes(flipped)):
        path.write_bytes(broken)
        with (
            pytest.raises(InputFileError, match=r"is a damaged (gzip|bzip2|xz) file.*copy it again"),
            open_packed(path) as stream,
        ):
            stream.read()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"cannot read .*absent: No such file"), open_packed(tmp_path / "absent"):
        pass


def test_a_short_and_an_empty_file(tmp_path: Path) -> None:
    for content in (b"", b"BZ", b"\x1f"):
        (tmp_path / "short").write_bytes(content)
        with open_packed(tmp_path / "short") as stream:
            assert stream.read() == content


def test_a_line_may_have_any_length_below_the_longest(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one\n" + b"x" * (LONGEST_LINE - 2) + b"\nno end"))
    with open_lines(path) as lines:
        assert [len(line) for line in lines] == [4, LONGEST_LINE - 1, 6]
    path.write_bytes(gzip.compress(b"one\n" + b"x" * LONGEST_LINE))
    with open_lines(path) as lines, pytest.raises(InputFileError, match="a.gz, line 2: a line of 4 MB or more"):
        list(lines)


@pytest.mark.parametrize("size", [1, 7, 8192, 200_000])
def test_xz_of_several_streams_with_padding(size: int, tmp_path: Path) -> None:
    path = tmp_path / "a.xz"
    plain = [np.random.default_rng(n).bytes(50_000) + bytes(100_000) for n in range(3)]
    streams = [lzma.compress(part) for part in plain]
    path.write_bytes(streams[0] + bytes(8) + streams[1] + streams[2] + bytes(20_000))
    with open_packed(path) as stream:
        found = b"".join(iter(lambda: stream.read(size), b"")) if size > 7 else stream.read(size) + stream.read()
    assert found == b"".join(plain)


def test_xz_that_asks_for_a_large_memory(tmp_path: Path) -> None:
    packed = bytearray(lzma.compress(TEXT))
    block = slice(12, 12 + 4 * (packed[12] + 1))  # the head of the first block: sizes, filters, their checksum
    header = packed[block]
    header[header.index(b"\x21\x01") + 2] = 37  # a dictionary of 1.5 GB (the xz file format, 5.3.1)
    header[-4:] = zlib.crc32(header[:-4]).to_bytes(4, "little")
    packed[block] = header
    assert lzma.decompress(packed) == TEXT
    (tmp_path / "a.xz").write_bytes(packed)
    with pytest.raises(InputFileError, match="a.xz needs more than 256 MB of memory"), open_packed(tmp_path / "a.xz"):
        pass
