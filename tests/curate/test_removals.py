"""Requests to take an image down, by hash or address."""

from dataclasses import replace

import pytest
from test_hydrate import entry

from unskew.curate.sets.removals import read_removals, without_removed
from unskew.errors import InputError, NotFoundError

A, B, C = (entry(f"https://web.example/{n}.jpg", n.encode(), page=None, id=n) for n in "abc")
COPY = replace(A, id="copy", url="https://mirror.example/a.jpg")


def kept(removed):
    return [entry.id for entry in removed.entries]


def test_by_hash_and_by_address(tmp_path):
    listed = tmp_path / "removals.txt"
    listed.write_text(
        f"# asked for on Monday\n\n{A.sha256.upper()}  # a letter\nhttps://web.example/b.jpg/\n"
        "https://web.example/d#part\n"
    )
    removed = without_removed([A, B, C], read_removals(listed))
    assert kept(removed) == ["c"]
    assert (removed.removed, removed.listed) == (2, 3)
    assert removed.unknown == ("https://web.example/d#part",)


def test_an_address_removes_every_copy():
    assert kept(without_removed([A, B, COPY], [COPY.url])) == ["b"]
    page = replace(C, page="https://web.example/post/7")
    assert kept(without_removed([A, page], ["https://web.example/post/7"])) == ["a"]


def test_a_copy_that_is_no_entry_counts():
    """The flagged copy of a picture does not enter a set; a request for it concerns the other."""
    removed = without_removed([A, B], [COPY.url], others=[(COPY.sha256, COPY.url, None)])
    assert kept(removed) == ["b"]
    assert removed.unknown == ()


def test_lists_that_cannot_be_used(tmp_path):
    with pytest.raises(NotFoundError, match="no such file"):
        read_removals(tmp_path / "none.txt")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("# fine\nabc123\n")
    with pytest.raises(
        InputError, match=r"line 2: 'abc123' is neither a SHA-256 nor a web address"
    ):
        read_removals(wrong)
    wrong.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot read"):
        read_removals(wrong)
