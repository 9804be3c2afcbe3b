"""Two hundred hostile files over the real HTTP interface: refused with a message, never stored."""

import html
import io
import re

import httpx
import pytest
from hostile import HTML, MARK, NAMES, SVG, hostile, picture
from http_visitor import Visitor, file_data
from PIL import Image

from unskew.demo.check import Picture, looked_at
from unskew.demo.limits import LIMITS
from unskew.demo.shelf import Upload

_TOGETHER = 8
"""Files that are handed in at once: so many that the message has a table of them."""


def raw_upload(visitor, name, content):
    """A multipart body as no browser would write it: the name goes out as it is."""
    head = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="'
    name = name.encode("utf-8", "surrogatepass")
    body = head + name + b'"\r\nContent-Type: image/png\r\n\r\n' + content + b"\r\n--cut--\r\n"
    kind = {"content-type": "multipart/form-data; boundary=cut"}
    return visitor.http.post("/gradio_api/upload", content=body, headers=kind)


def test_every_hostile_file_gets_a_message_and_none_is_stored(visitor, served, on_disk):
    files = hostile()
    assert len(files) >= 200
    before = on_disk()
    taken = []
    for name, content in files:
        answer = raw_upload(visitor, name, content)
        assert answer.status_code == 200, (name, answer.status_code, answer.text)
        assert len(answer.json()) == 1, name
        taken += answer.json()
    for start in range(0, len(taken), _TOGETHER):
        paths = taken[start : start + _TOGETHER]
        state, (message, *_) = visitor.call("hand_in_1", [file_data(p) for p in paths], None)
        assert state == "done"
        assert f"Refused {len(paths)} of the files" in message
        assert "has 0 pictures" in message
        reasons = re.findall(r"<tr><td.*?</td><td.*?>(.+?)</td></tr>", message, re.S)
        assert len(reasons) == len(paths)  # a row of its own for each
        for markup in ("<script", "onerror=alert(1)>.png</", "<img src=x"):
            assert markup not in message
    assert on_disk() == before
    assert len(served[0].shelf) == 0
    assert visitor.http.get("/").status_code == 200


def test_a_name_is_never_a_path_nor_markup(visitor, on_disk):
    before = on_disk()
    for name in NAMES:
        answer = raw_upload(visitor, name, picture("PNG", size=(40, 40)))
        for path in answer.json() if answer.status_code == 200 else ():
            assert len(path.rsplit("/", 1)[1]) == 32
            assert "evil" not in path
    message = visitor.hand_in(("<img src=x onerror=alert(1)>.svg", SVG))
    assert "&lt;img src=x onerror=alert(1)&gt;.svg" in message
    assert "<img src=x onerror" not in message
    assert on_disk() == before


def test_uploads_that_come_in_at_once_have_a_limit_together(visitor, served):
    with served[0].shelf.arriving() as more:
        more(LIMITS.shelf_bytes - 2**20)  # others' uploads may be waiting, small ones
        answer = visitor.upload(("a.png", bytes(2**20)))
        assert answer.status_code == 503
        assert "too many pictures are being uploaded now" in answer.text
    assert visitor.upload(("a.png", picture())).status_code == 200


def test_what_a_page_shows_is_not_written_for_a_link_to_it(visitor, on_disk):
    before = on_disk()
    visitor.hand_in(("a.png", picture()))
    answer = visitor.http.get("/gradio_api/deep_link", params={"session_hash": visitor.session})
    assert answer.status_code == 404
    assert on_disk() == before


def test_of_several_pictures_in_one_jpeg_the_first_is_taken():
    out = io.BytesIO()
    red, blue = (Image.new("RGB", (60, 40), colour) for colour in ("red", "blue"))
    red.save(out, "MPO", save_all=True, append_images=[blue])
    assert Image.open(io.BytesIO(out.getvalue())).n_frames == 2
    found = looked_at(Upload("a.jpg", out.getvalue()), LIMITS)
    assert isinstance(found, Picture), found
    assert Image.open(io.BytesIO(found.jpeg)).getpixel((30, 20))[0] > 200


def test_pictures_of_every_common_kind_are_taken():
    kinds = [
        picture("JPEG"),
        picture("JPEG", mode="CMYK"),
        picture("JPEG", mode="L"),
        picture("JPEG", progressive=True),
        picture("PNG", mode="RGBA"),
        picture("PNG", mode="P"),
        picture("PNG", mode="I;16"),
        picture("PNG", mode="1"),
        picture("WEBP"),
    ]
    for content in kinds:
        found = looked_at(Upload("a", content), LIMITS)
        assert isinstance(found, Picture), found
        assert Image.open(io.BytesIO(found.jpeg)).mode == "RGB"


def test_a_kept_picture_holds_nothing_of_the_file_but_its_pixels():
    exif = Image.Exif()
    exif[0x010E] = MARK.decode()  # description
    exif[0x0112] = 6  # to be turned upright
    content = picture("JPEG", size=(2000, 1000), exif=exif)
    assert MARK in content
    kept = looked_at(Upload("a", content), LIMITS).jpeg
    assert MARK not in kept
    image = Image.open(io.BytesIO(kept))
    assert image.size == (LIMITS.side // 2, LIMITS.side)
    assert not image.getexif()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../../../../etc/passwd",
        "http://127.0.0.1:1/x.png",
        "https://example.invalid/x.png",
        "",
    ],
)
def test_what_was_not_uploaded_is_not_read(visitor, path, on_disk):
    before = on_disk()
    state, output = visitor.call("hand_in_1", [file_data(path, url="http://127.0.0.1:1/y")], None)
    assert state == "error"
    assert "root:" not in str(output)
    assert on_disk() == before


def test_an_upload_is_given_out_once_and_served_to_nobody(visitor):
    path = visitor.upload(("a.png", picture())).json()[0]
    assert visitor.http.get(f"/gradio_api/file={path}").status_code in (403, 404)
    state, output = visitor.call("hand_in_1", [file_data(path)], None)
    assert state == "done"
    assert "1 picture" in output[0]
    state, output = visitor.call("hand_in_1", [file_data(path)], None)
    assert state == "error"
    assert "choose the pictures again" in output["error"]


def test_limits_on_files_sizes_and_requests(visitor, served, on_disk):
    before = on_disk()
    many = [("a.png", b"x")] * (LIMITS.files + 1)
    assert visitor.upload(*many).status_code == 400
    huge = visitor.upload(("a.png", bytes(LIMITS.request_bytes + 1)))
    assert huge.status_code == 413
    assert "64 MB together" in huge.text

    def endless():
        yield b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        for _ in range(LIMITS.request_bytes // 2**20 + 2):
            yield bytes(2**20)

    kind = {"content-type": "multipart/form-data; boundary=cut"}
    streamed = visitor.http.post("/gradio_api/upload", content=endless(), headers=kind)
    assert streamed.status_code == 413
    assert visitor.http.post("/gradio_api/upload", content=b"x").status_code == 400
    assert "larger than 8 MB" in visitor.hand_in(("a.png", bytes(LIMITS.file_bytes + 1)))
    pictures = [("a.png", picture(size=(20 + i, 20))) for i in range(LIMITS.files)]
    visitor_message = visitor.hand_in(*pictures)
    assert f"{LIMITS.files} pictures, kept in memory alone" in visitor_message
    full = visitor.hand_in(("b.png", picture(size=(300, 20))))
    assert f"has {LIMITS.files} pictures already" in html.unescape(full)
    assert on_disk() == before


def test_markup_in_what_is_typed_stays_text(visitor):
    for group, name in ((1, "a"), (2, "b")):
        pictures = [(f"{name}.png", picture(size=(20 + i, 19 + group))) for i in range(3)]
        visitor.hand_in(*pictures, group=group)
    attack = "<img src=x onerror=alert(1)>"
    names = (attack, "b", "", "")
    _, output = visitor.call("audit", "own", "unskew/mini", ["mmbias"], None, *names)
    assert "fewer than" in output[0] or "at least" in output[0], output[0]
    assert attack not in output[0]
    assert html.escape(attack) in output[0]
    _, output = visitor.call("similarities", "faces", "unskew/mini", HTML.decode(), None, *names)
    assert "<script" not in output[0]
    assert "&lt;script&gt;" in output[0]


@pytest.fixture(scope="module")
def with_pictures(served):
    """A visitor who has handed in two groups."""
    with httpx.Client(base_url=served[1], timeout=120) as client:
        visitor = Visitor(client)
        for group in (1, 2):
            files = [(f"{i}.png", picture(size=(20 + i, 19 + group))) for i in range(4)]
            visitor.hand_in(*files, group=group)
        yield visitor


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\u202e", "a\u2028b", "{}", "%s", "\\frac{"])
def test_odd_characters_are_answered(with_pictures, text):
    names = (text, "b", "", "")
    state, output = with_pictures.call(
        "similarities", "own", "unskew/mini", f"a {text}", None, *names
    )
    assert state == "done"
    assert "Cosine similarity" in output[0]


def test_only_offered_models_and_sets_are_opened(visitor):
    names = ("a", "b", "", "")
    for model in ("openai/clip-vit-base-patch32", "/etc", "../x", "x/y"):
        state, output = visitor.call("audit", "faces", model, ["mmbias"], None, *names)
        assert state == "error"
        assert "not in the list of choices" in output["error"]
    for source in ("/etc", "some/dataset"):
        state, output = visitor.call("audit", source, "unskew/mini", ["mmbias"], None, *names)
        assert state == "error"
    state, _ = visitor.call("audit", "faces", "unskew/mini", ["/etc/passwd"], None, *names)
    assert state == "error"
