import io
import tarfile

import pytest

from synthgen.shards.tarball import MAX_MEMBER_BYTES, read_entries, read_groups

MEMBERS = [("a.jpg", b"picture"), ("a.json", b"{}" * 400), ("b.jpg", b""), ("b.mask.png", bytes(512))]


def tar_of(members: list[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def test_what_was_written_is_read_in_order() -> None:
    file = io.BytesIO(tar_of(MEMBERS))
    assert list(read_entries(file)) == MEMBERS
    assert file.read() == b""


def test_groups_split_at_the_first_dot() -> None:
    groups = list(read_groups(io.BytesIO(tar_of(MEMBERS))))
    assert [(key, [suffix for suffix, _ in members]) for key, members in groups] == [
        ("a", ["jpg", "json"]),
        ("b", ["jpg", "mask.png"]),
    ]


def test_every_truncation_is_an_error() -> None:
    whole = tar_of(MEMBERS)
    end_mark = len(whole) - len(whole.rstrip(b"\0"))
    for size in range(0, len(whole) - end_mark, 128):
        with pytest.raises(ValueError, match="truncated"):
            list(read_entries(io.BytesIO(whole[:size])))


def test_a_damaged_header_is_an_error_and_not_the_end() -> None:
    data = bytearray(tar_of(MEMBERS))
    data[1024 + 3] ^= 1  # in the header of the second member
    with tarfile.open(fileobj=io.BytesIO(bytes(data))) as archive:
        assert archive.getnames() == ["a.jpg"], "the standard reader stops in silence: why this module exists"
    with pytest.raises(ValueError, match=r"damaged behind 'a\.jpg'"):
        list(read_entries(io.BytesIO(bytes(data))))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_folders_are_refused(kind: bytes) -> None:
    entry = tarfile.TarInfo("../../etc/x")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with pytest.raises(ValueError, match="is no plain file"):
        list(read_entries(io.BytesIO(entry.tobuf(tarfile.USTAR_FORMAT) + bytes(1024))))


def test_a_huge_member_is_refused_before_it_is_read() -> None:
    entry = tarfile.TarInfo("a.jpg")
    entry.size = MAX_MEMBER_BYTES + 1
    with pytest.raises(ValueError, match="expected at most"):
        list(read_entries(io.BytesIO(entry.tobuf(tarfile.USTAR_FORMAT))))


def test_data_behind_the_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="data behind the end-of-archive mark"):
        list(read_entries(io.BytesIO(tar_of(MEMBERS) + b"more")))


def test_no_tar_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="damaged at its start"):
        list(read_entries(io.BytesIO(b"not a tar " * 100)))
