"""Sets in which bystanders are hidden: which files change, what is told, and requests by hash."""

import hashlib
from io import BytesIO

import numpy as np
import pytest
from datasets import load_dataset
from PIL import Image, ImageCms, ImageOps
from small_curation import decide, face_files, metadata, write_raw

from unskew.corpora.real_world_bias import stored_image
from unskew.curate.build import Plan, build_set
from unskew.curate.curation import FACES, open_curation
from unskew.curate.faces import subject
from unskew.curate.imports import import_set
from unskew.curate.pipeline import curate
from unskew.errors import InputError

ORIENTATION, MAKER = 0x0112, 0x010F
HIDING = Plan("private", blur_bystanders=True)


def crowd(kind, mirrored=False):
    """Three portraits side by side, the middle one twice as large, as a file of this kind.

    A JPEG lies on its side in its file, which names a maker and has a colour profile.
    """
    left, right, middle = (Image.open(BytesIO(content)) for content, _ in face_files(3))
    scene = Image.new("RGB", (900, 500), "seagreen")
    scene.paste(left.resize((200, 200)), (20, 20))
    scene.paste(right.resize((200, 200)), (680, 20))
    scene.paste(middle.resize((400, 400)), (250, 60))
    if mirrored:
        scene = ImageOps.mirror(scene)
    out = BytesIO()
    if kind == "PNG":
        scene.save(out, kind)
        return out.getvalue()
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "Camera of Ada"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    scene.transpose(Image.Transpose.ROTATE_90).save(out, kind, exif=exif, icc_profile=profile)
    return out.getvalue()


@pytest.fixture(scope="module")
def curation(tmp_path_factory):
    """Nine records that one reviewer keeps: 0, 1 and 4 show three people; 4 is not to be changed,
    nor is 3, which need not be; 8 is the file of 0 again."""
    root = tmp_path_factory.mktemp("crowds")
    licence = {3: "CC-BY-ND-4.0", 4: "CC-BY-ND-2.0"}
    export = write_raw(root / "raw", 9, licence=lambda n: licence.get(n, "CC-BY-4.0"))
    scenes = {0: crowd("JPEG"), 1: crowd("PNG"), 4: crowd("PNG", mirrored=True)}
    scenes[8] = scenes[0]
    for number, content in scenes.items():
        (root / "raw" / "images" / f"{number:02}.jpg").write_bytes(content)
    curate(export, root / "curated", faces=True)
    records = open_curation(root / "curated").records
    decide(root / "curated", [(record.id, "Ada", "keep") for record in records])
    return root / "curated"


@pytest.fixture(scope="module")
def private(curation, tmp_path_factory):
    return build_set(curation, tmp_path_factory.mktemp("private") / "set", HIDING)


def crowded(curation):
    """The faces in files that show several, by SHA-256."""
    opened = open_curation(curation)
    return {c.key: f for i, c in opened.checked.items() if len(f := opened.faces[i]) > 1}


def stored(folder):
    """The image files of a set, by record."""
    return {
        row["id"]: row["image"]["bytes"]
        for split in load_dataset(str(folder)).values()
        for row in split.cast_column("image", split.features["image"].__class__(decode=False))
    }


def upright(content):
    return np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(content))).convert("RGB"))


def test_bystanders_are_hidden_and_the_subject_stays(private, curation):
    crowds, files = crowded(curation), stored(private.folder)
    changed = [row for row in metadata(private.folder) if row["original"]]
    assert {row["original"] for row in changed} == set(crowds)
    assert len(changed) == len(crowds) + 1 >= 4
    for row in changed:
        faces, shown = crowds[row["original"]], upright(files[row["id"]])
        before = upright(stored_image(curation, row["original"]))
        assert shown.shape == before.shape == (row["height"], row["width"], 3)
        difference = np.abs(shown.astype(float) - before)
        for place, face in enumerate(faces):
            x, y, w, h = (int(value) for value in face.box)
            inside = difference[max(y, 0) : y + h, max(x, 0) : x + w].mean()
            stays = place == subject(faces, row["width"], row["height"])
            assert inside < 3 if stays else inside > 8


def test_a_new_file_has_a_hash_of_its_own_and_nothing_else_of_the_old(private, curation):
    files = stored(private.folder)
    formats = set()
    for row in metadata(private.folder):
        assert hashlib.sha256(files[row["id"]]).hexdigest() == row["sha256"]
        if row["original"]:
            image = Image.open(BytesIO(files[row["id"]]))
            old = Image.open(BytesIO(stored_image(curation, row["original"])))
            assert not image.getexif()
            assert image.format == old.format
            assert image.info.get("icc_profile") == old.info.get("icc_profile")
            formats.add(image.format)
    assert formats == {"JPEG", "PNG"}


def test_pictures_of_one_person_are_unchanged_and_splits_stay(private, curation, tmp_path):
    plain = build_set(curation, tmp_path / "plain", Plan("private"))
    before = {row["id"]: row for row in metadata(plain.folder)}
    rows = metadata(private.folder)
    assert [row["id"] for row in rows] == list(before)
    for row in rows:
        same = {**row, "sha256": row["original"] or row["sha256"], "original": None}
        assert same == before[row["id"]]


def test_the_numbers_are_told_and_the_bytes_the_same(private, curation, tmp_path):
    crowds = crowded(curation)
    faces = sum(len(found) - 1 for found in crowds.values())
    told = {"rows": len(crowds) + 1, "images": len(crowds), "faces": faces}
    assert private.numbers["bystanders"] == told
    card = (private.folder / "README.md").read_text()
    assert f"in {len(crowds)} images ({len(crowds) + 1} rows), {faces} faces in all" in card
    again = build_set(curation, tmp_path / "again", HIDING)
    assert again.numbers == private.numbers  # the hash of every file is among them


def test_what_may_not_be_changed_is_left_out(curation, tmp_path):
    built = build_set(curation, tmp_path / "set", Plan(blur_bystanders=True))
    assert built.numbers["left_out"] == {
        "CC-BY-ND-2.0 allows no changed copy, and bystanders would be hidden": 1
    }
    licences = [row["licence"] for row in metadata(built.folder)]
    assert licences.count("CC-BY-ND-4.0") == 1
    assert build_set(curation, tmp_path / "plain").numbers["left_out"] == {}


@pytest.mark.parametrize("column", ["original", "sha256", "url", "page"])
def test_requests_for_a_changed_image_are_kept_to(private, curation, tmp_path, column):
    row = next(row for row in metadata(private.folder) if row["url"].endswith("/00.jpg"))
    listed = tmp_path / "removals.txt"
    listed.write_text(row[column])
    plan = Plan("private", listed, blur_bystanders=True)
    built = build_set(curation, tmp_path / "set", plan)
    gone = {r["url"][-6:] for r in metadata(private.folder)}
    gone -= {r["url"][-6:] for r in metadata(built.folder)}
    assert gone == {"00.jpg", "08.jpg"}
    assert (built.numbers["removals"]["removed"], built.unknown_removals) == (2, ())


def test_faces_must_be_known(curation, tmp_path):
    faces = curation / FACES
    content = faces.read_bytes()
    faces.unlink()
    try:
        with pytest.raises(InputError, match=rf"has no {FACES}.*unskew curate .* --faces"):
            build_set(curation, tmp_path / "set", HIDING)
    finally:
        faces.write_bytes(content)
    (tmp_path / "pile").mkdir()
    (tmp_path / "pile" / "30_0_0_1.jpg").write_bytes(face_files(1)[0][0])
    with pytest.raises(InputError, match="nobody has looked for faces"):
        import_set("utkface", tmp_path / "pile", tmp_path / "set", HIDING)
    with pytest.raises(InputError, match="--urls-only and --blur-bystanders"):
        Plan("urls-only", blur_bystanders=True)
    assert not (tmp_path / "set").exists()


def test_a_picture_that_cannot_be_decoded_is_not_published(curation, tmp_path, monkeypatch):
    """As when memory or a decoder of another version fails where faces were found before."""
    monkeypatch.setattr("unskew.curate.pixels.MAX_JPEG_PIXELS", 1000)
    with pytest.raises(InputError, match=r"record '\S+' cannot be hidden .* drop it"):
        build_set(curation, tmp_path / "set", HIDING)
    assert list(tmp_path.iterdir()) == []
