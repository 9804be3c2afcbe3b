"""What the card and the datasheet say in words: nothing that the rows do not bear out."""

import pytest
from small_curation import curated, decide

from unskew.curate.build import Plan, build_set
from unskew.curate.curation import open_curation
from unskew.curate.imports import import_set


@pytest.fixture(scope="module")
def curation(tmp_path_factory):
    """Six faces, of which two came from files without an address."""
    folder = tmp_path_factory.mktemp("card")
    web = "https://pictures.example"
    return curated(
        folder,
        6,
        url=lambda n: f"{web}/{n}.jpg" if n > 1 else None,
        page=lambda n: f"{web}/{n}" if n > 2 else None,
    )


def told(built):
    return tuple((built.folder / name).read_text() for name in ("README.md", "DATASHEET.md"))


def test_credit_is_claimed_of_rows_with_an_address_alone(curation, tmp_path):
    decide(curation, [(r.id, "Ada", "keep") for r in open_curation(curation).records])
    built = build_set(curation, tmp_path / "set", Plan("private"))
    assert built.numbers["addressed"] == 4
    card, sheet = told(built)
    assert "2 rows came from files on a disk, and have no web address." in card
    assert "The others name the web address that they came from" in card
    assert "One person decided on 6 records. One reviewer" in " ".join(card.split())
    assert "One reviewer decided on 6 records." in sheet
    published, _ = told(build_set(curation, tmp_path / "published"))
    urls, _ = told(build_set(curation, tmp_path / "urls", Plan("urls-only")))
    assert "have no web address" in published
    assert "with the EXIF data that it came with" in published
    assert "EXIF" not in urls
    assert "All rows name the web address" in urls
    assert "have no web address" not in urls


def test_a_set_that_nobody_has_reviewed_or_checked_does_not_say_so(tmp_path):
    (tmp_path / "URLs.txt").write_text(
        '{"hindu": {"1": {"URL": "https://www.flickr.com/photos/ann/1"}}}'
    )
    card, sheet = told(import_set("mmbias", tmp_path, tmp_path / "set"))
    assert "All rows name the web address" in card
    for text in (card, sheet):
        assert "secret key" not in text  # the key of these hashes is in the package
        assert "never by name" not in text  # the address names the owner
    assert "Nobody has reviewed these rows." in sheet
    assert "0 reviewers" not in sheet
