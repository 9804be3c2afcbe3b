"""What cells may do, in a module of its own: a process that runs one imports nothing else."""

from pathlib import Path

from unskew.errors import InputError


def squared(value, checkpoints):
    return {"figures": {"square": value**2}, "folder": checkpoints}


def refused(checkpoints):
    raise InputError("the loss is\nnot finite")


def broken(checkpoints):
    raise RuntimeError("a defect")


def calls(name, path, checkpoints):
    with Path(path).open("a") as file:
        file.write(name)
    return {"name": name}
