"""The app as a server, here and in a Space alike."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from unskew.demo.limits import LIMITS, Limits
from unskew.demo.memory import settle, share_arenas
from unskew.errors import InputError, UnskewError


@contextmanager
def serving(
    models: Sequence[str], limits: Limits = LIMITS, **options: Any
) -> Iterator[tuple[Any, str]]:
    """The app and its address, as long as the context is open.

    What it writes (reports to download) is in a folder of its own, which goes with it.

    Raises:
        InputError: the port is taken.
    """
    before = os.environ.get("GRADIO_TEMP_DIR")
    with tempfile.TemporaryDirectory(prefix="unskew-demo-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            from unskew.demo.app import App, launch_options

            app = App(models, limits)
            try:
                _, address, _ = app.page.launch(
                    prevent_thread_lock=True, quiet=True, **launch_options(app), **options
                )
            except OSError as error:
                raise InputError(f"the app cannot be started: {error}") from error
            try:
                yield app, address
            finally:
                app.page.close(verbose=False)
        finally:
            if before is None:
                os.environ.pop("GRADIO_TEMP_DIR", None)
            else:
                os.environ["GRADIO_TEMP_DIR"] = before


def serve(models: Sequence[str], port: int | None = None) -> None:
    """Run the app until it is stopped, and ask the first example beforehand.

    Raises:
        InputError: the port is taken.
    """
    share_arenas()
    with serving(models, server_port=port) as (app, address):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # how a Space is stopped
        print(f"The bias explorer runs at {address} (stop it with Ctrl-C)", flush=True)
        example = threading.Thread(target=warm, args=(app,), daemon=True)
        example.start()
        app.page.block_thread()
    if example.is_alive():
        sys.stdout.flush()
        os._exit(0)  # in the middle of a forward, which nothing can stop: Python would wait for it


def warm(app: Any) -> None:
    """Ask what the first visitor is likely to ask, so that it is there at once, and settle."""
    from unskew.corpora import load_images

    try:
        app.bench.audit(app.models.names[0], load_images("faces"), ["mmbias"])
    except UnskewError as error:
        print(f"The first example is not ready: {error}", flush=True)
    settle()
