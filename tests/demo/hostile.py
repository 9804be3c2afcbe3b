"""Two hundred files that are no plain pictures, made here: none is stored in the repository."""

import bz2
import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import numpy as np
from PIL import Image

MARK = b"UNSKEW-HOSTILE-MARK"
"""In every file that can carry it: what to look for on the disk afterwards."""

SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
PHP = b"<?php system($_GET['c']); ?>"


def picture(form="PNG", mode="RGB", size=(32, 32), **options):
    """A real picture as bytes."""
    rng = np.random.default_rng(len(form) + size[0])
    image = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), np.uint8)).convert(mode)
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_size(width, height, data=b""):
    """A PNG whose header claims a size, whatever its data holds."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(data or bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


def jpeg_of_size(width, height):
    """A JPEG whose frame header claims another size."""
    content = bytearray(picture("JPEG"))
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def zipped(names, content=HTML):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return out.getvalue()


def tarred(names, content=HTML, mode="w"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def animated(form, frames=3):
    images = [Image.new("RGB", (16, 16), (60 * i, 0, 0)) for i in range(frames)]
    out = io.BytesIO()
    images[0].save(out, form, save_all=True, append_images=images[1:], duration=50)
    return out.getvalue()


def many_scans():
    """A progressive JPEG of thousands of passes: small to send, long to decode."""
    content = picture("JPEG", progressive=True, size=(256, 256))
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * 1000 + b"\xff\xd9"


TRAVERSAL = ["../../../../tmp/evil.html", "/etc/cron.d/evil", "..\\..\\evil.exe", "a/../../b"]

NAMES = [
    *TRAVERSAL,
    "nul\x00byte.png",
    "line\r\nSet-Cookie: a=b.png",
    "<img src=x onerror=alert(1)>.png",
    "<script>alert(1)</script>.png",
    '"><svg onload=alert(1)>.png',
    "{{7*7}}${7*7}.png",
    "x" * 3000 + ".png",
    ".htaccess",
    "CON.png",
    "~/.ssh/authorized_keys",
    "\u202egnp.exe",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "file:///etc/passwd",
    "http://127.0.0.1:1/x.png",
    "|touch evil.png",
    "$(touch evil).png",
    " .png",
    "",
    "ﬁle\ud83d\ude00.png".encode("utf-16", "surrogatepass").decode("utf-16"),
    "a;b&c'd\"e.png",
    "-rf.png",
]


def bombs():
    yield from (png_of_size(w, h) for w, h in [(50_000, 50_000), (2**31 - 1, 2**31 - 1)])
    yield from (png_of_size(w, h) for w, h in [(8_000, 8_000), (65_535, 600), (1, 40_000_000)])
    yield from (png_of_size(w, h) for w, h in [(0, 0), (0, 10), (10, 0), (30_000, 1), (1, 30_000)])
    yield png_of_size(20_000, 20_000, bytes(6_000_000))
    yield from (
        jpeg_of_size(w, h) for w, h in [(65_500, 65_500), (65_500, 1), (0, 0), (9000, 9000)]
    )
    yield picture("PNG", size=(4000, 10))
    yield many_scans()
    bomb = zlib.compress(bytes(50_000_000), 9)
    for kind in (b"iCCP", b"zTXt", b"iTXt"):
        text = b"x\x00\x00" + bomb if kind != b"iTXt" else b"x\x00\x01\x00\x00\x00" + bomb
        base = picture("PNG")
        yield base[:33] + chunk(kind, text) + base[33:200]
    yield gzip.compress(bytes(50_000_000))
    yield bz2.compress(bytes(50_000_000))
    yield zipped(["bomb.png"], bytes(50_000_000))


def documents():
    yield from (SVG, HTML, PHP + MARK, b"<?xml version='1.0'?>" + SVG, b"\xef\xbb\xbf" + SVG)
    yield b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"
    yield b"<?xml version='1.0'?><!DOCTYPE x [" + b"<!ENTITY a 'aaaa'>" * 50 + b"]><svg>&a;</svg>"
    yield b"\n\n  <html><img src=x onerror=alert(1)></html>"
    yield b"<SCRIPT>alert(1)</SCRIPT>" + MARK
    yield b"%PDF-1.7\n" + MARK
    yield b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n" + MARK
    yield b"MZ\x90\x00" + MARK
    yield b"\x7fELF\x02\x01\x01" + MARK
    yield b"#!/bin/sh\ntouch evil\n" + MARK
    yield b"push graphic-context\nfill 'url(https://x.invalid/\"|touch evil\")'\n" + MARK
    yield b"\x80\x04\x95cposix\nsystem\n" + MARK
    yield b"import os; os.system('true')" + MARK


def archives():
    yield zipped(TRAVERSAL)
    yield zipped(["picture.png"], picture())
    yield from (tarred(TRAVERSAL, mode=mode) for mode in ("w", "w:gz", "w:bz2", "w:xz"))
    yield b"7z\xbc\xaf\x27\x1c" + MARK
    yield b"Rar!\x1a\x07\x00" + MARK
    yield zipped(["a.zip"], zipped(["b.zip"], zipped(TRAVERSAL)))


def polyglots():
    """Pictures that are something else as well."""
    payloads = [HTML, SVG, PHP, zipped(TRAVERSAL), b"%PDF-1.7 " + MARK, b"javascript:alert(1)"]
    for form in ("PNG", "JPEG", "WEBP"):
        for payload in payloads:
            yield picture(form) + payload
    base = picture("PNG")
    for payload in (HTML, SVG, PHP):
        yield base[:33] + chunk(b"tEXt", b"Comment\x00" + payload) + base[33:]
        yield picture("JPEG", comment=payload)
    yield b"GIF89a/*" + HTML + b"*/=1;"
    yield HTML + picture("PNG")
    yield b"BM" + HTML


def damaged():
    """Cut short, altered, or of a kind that is not taken."""
    for form in ("PNG", "JPEG", "WEBP"):
        whole = picture(form, size=(64, 64))
        yield from (whole[: int(len(whole) * part)] for part in (0.01, 0.1, 0.3, 0.6, 0.9))
        yield whole[:20] + bytes(len(whole) - 20)
        yield whole[: len(whole) // 2] + b"\xff" * (len(whole) // 2)
    yield from (b"", b"\x00", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x00\x00\x00WEBP")
    yield from (bytes(100), bytes(9 * 2**20), b"\xff" * 5000, MARK * 1000, b"GIF89a", b"BM")
    rng = np.random.default_rng(0)
    yield from (rng.bytes(size) for size in (10, 1000, 100_000, 1_000_000))
    yield from (animated(form) for form in ("GIF", "PNG", "WEBP"))
    yield from (picture(form) for form in ("GIF", "BMP", "TIFF", "ICO", "PPM", "PCX", "TGA", "DDS"))
    yield picture("JPEG2000")
    yield picture("TIFF", mode="CMYK")
    yield b"\x00\x00\x00\x18ftypmp42" + MARK
    yield b"\x00\x00\x00\x18ftypheic" + MARK
    yield b"II*\x00" + b"\xff" * 100
    yield b"RIFF\x00\x00\x00\x00AVI LIST" + MARK


def hostile():
    """(name, content) pairs, 200 at least; every content here must be refused."""
    kinds = {
        "bomb": bombs(),
        "document": documents(),
        "archive": archives(),
        "polyglot": polyglots(),
        "damaged": damaged(),
    }
    ends = (".png", ".jpg", ".svg", ".html", ".zip", ".webp", ".png.exe", "")
    files = [
        (f"{kind}-{i}{ends[i % len(ends)]}", content)
        for kind, contents in kinds.items()
        for i, content in enumerate(contents)
    ]
    contents = (HTML, SVG + MARK, picture() + zipped(TRAVERSAL))
    return files + [(name, content) for content in contents for name in NAMES]
