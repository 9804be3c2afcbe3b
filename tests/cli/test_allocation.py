"""The allocator's setting for the command."""

import subprocess
import sys

import pytest

COUNT = """
import ctypes, mmap, resource, sys
from unskew.cli.allocation import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
take, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
take.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
take.argtypes = [ctypes.c_size_t]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    block = take(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    free(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how, **environment):
    command = [sys.executable, "-c", COUNT, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator alone")
def test_freed_blocks_are_used_again():
    assert faults("kept") < faults("as it is") / 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator alone")
def test_what_the_environment_says_wins():
    assert faults("kept", MALLOC_TRIM_THRESHOLD_="131072", MALLOC_MMAP_THRESHOLD_="131072") > 1000
