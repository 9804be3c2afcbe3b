"""A picture as the page shows it: small, upright, decoded here, so that no browser has to.

It travels inside the page. Nothing is copied to another folder, and no address serves a file.
"""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

from PIL import Image

from unskew.curate.images import FOLDER, NoImageError, read_image
from unskew.curate.pixels import UnreadableError, small_copy

# The longer side, in pixels.
SIDE = 900


def data_address(folder: Path, image: str) -> str:
    """An image of a collection as a `data:` address; `image`: its path, relative to `folder`.

    Raises:
        UnreadableError: why it cannot be shown.
    """
    path = (folder / image).resolve()
    if not path.is_relative_to((folder / FOLDER).resolve()):
        raise UnreadableError("its file is not one of this collection")
    try:
        copy = small_copy(read_image(path), SIDE)
    except NoImageError as error:
        raise UnreadableError(str(error)) from error
    content = BytesIO()
    Image.fromarray(copy.rgb).save(content, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"
