"""The command, run in this process."""

import sys

import pytest

from unskew.cli import main


@pytest.fixture
def unskew(monkeypatch, capsys):
    """Run the command in this process: (exit code, standard output, standard error)."""

    def run(*arguments):
        capsys.readouterr()  # what the test itself has printed so far
        monkeypatch.setattr(sys, "argv", ["unskew", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        return (code, *capsys.readouterr())

    return run
