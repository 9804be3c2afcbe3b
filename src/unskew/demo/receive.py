"""Uploads come in here: into memory and never on disk, in place of gradio's own route.

gradio would write every file under the name that the browser gives it, as many and as large as
they come, and keep it until a sweep. Here a file gets a secret name, and waits on the shelf for
the event that looks at it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from unskew.demo.limits import MEGA, Limits
from unskew.demo.shelf import Shelf, Upload
from unskew.errors import InputError

PREFIX = "/gradio_api"


class _InMemory(MultiPartParser):
    spool_max_size = 2**40  # a spooled file that stays below this never reaches the disk


class _TooMuch(Exception):
    pass


def upload_routes(shelf: Shelf, limits: Limits) -> list[Route]:
    """Routes that stand before gradio's: the upload, the news of how far it has come, and a link to
    what a page shows, for which gradio would write all of that to the disk."""

    async def upload(request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            return PlainTextResponse("Send the pictures as multipart/form-data.", 400)
        asyncio.get_running_loop().call_later(limits.waiting + 1, shelf.sweep)
        try:
            return JSONResponse(await _stored(request, shelf, limits))
        except _TooMuch:
            mega = limits.request_bytes // MEGA
            return PlainTextResponse(
                f"These pictures are more than {mega} MB together; choose fewer.", 413
            )
        except MultiPartException as error:
            return PlainTextResponse(error.message, 400)
        except InputError as error:
            return PlainTextResponse(str(error), 503)
        except TimeoutError:
            return PlainTextResponse("This upload took too long; choose fewer pictures.", 408)
        except ClientDisconnect:
            return Response(status_code=400)

    async def progress(request: Request) -> Response:
        # The browser shows how far it is itself; to us the whole upload is one step.
        return PlainTextResponse(
            f"data: {json.dumps({'msg': 'done'})}\n\n", media_type="text/event-stream"
        )

    async def link(request: Request) -> Response:
        return PlainTextResponse("What a page shows is kept for nobody.", 404)

    return [
        Route(f"{PREFIX}/deep_link", link, methods=["GET"]),
        Route(f"{PREFIX}/upload", upload, methods=["POST"]),
        Route(f"{PREFIX}/upload_progress", progress, methods=["GET"]),
    ]


async def _stored(request: Request, shelf: Shelf, limits: Limits) -> list[str]:
    """Put the files of a request on the shelf; the paths that gradio will ask for them under."""
    with shelf.arriving() as more:
        body = _counted(request, limits, more)
        parser = _InMemory(request.headers, body, max_files=limits.files, max_fields=4)
        async with asyncio.timeout(limits.arriving):
            form = await parser.parse()
        try:
            uploads = [
                await _read(item, limits)
                for item in form.getlist("files")
                if isinstance(item, UploadFile)
            ]
        finally:
            await form.close()
    # Nothing is awaited from here on, so that nobody else takes the room in between.
    folder = Path(get_upload_folder())
    return [str(folder / shelf.put(upload)) for upload in uploads]


async def _read(file: UploadFile, limits: Limits) -> Upload:
    fits = file.size is not None and file.size <= limits.file_bytes
    return Upload(file.filename or "", await file.read() if fits else None)


async def _counted(
    request: Request, limits: Limits, more: Callable[[int], None]
) -> AsyncGenerator[bytes]:
    """The body, as long as it is not too long; what the header says of its length is no proof."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > limits.request_bytes:
        raise _TooMuch
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limits.request_bytes:
            raise _TooMuch
        more(len(chunk))
        yield chunk


def upload_field(shelf: Shelf, **options: Any) -> gr.File:
    """An upload field whose files come from the shelf: events get a list of `Upload`.

    What was not uploaded, such as an address to be fetched or a path on this machine, is refused.
    The field is gradio's own with two methods replaced: a class of our own would make gradio
    write a stub file beside this one.
    """
    field = gr.File(file_count="multiple", type="binary", **options)

    async def keep(url_or_file_path: str | Path | None) -> str | None:
        """Leave an uploaded path as it is: there is no file behind it, only a secret name."""
        path = Path(str(url_or_file_path))
        if path.parent != Path(get_upload_folder()):
            raise gr.Error("Upload the pictures; an address or a path is not taken.")
        return str(path)

    def take(payload: Any) -> list[Upload]:
        given = payload if payload is not None else []
        found = [shelf.take(Path(file.path).name) for file in given]
        if None in found:
            raise gr.Error("An upload was not looked at in time; choose the pictures again.")
        return [upload for upload in found if upload is not None]

    field.async_move_resource_to_block_cache = keep  # type: ignore[method-assign]
    field.preprocess = take  # type: ignore[method-assign, assignment]
    return field
