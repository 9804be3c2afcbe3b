"""The level at which OpenCV tells things is the process's: it is put back, whoever else asks."""

from threading import Event, Thread

import pytest
from cv2.utils import logging

from unskew.curate.faces import FaceDetector
from unskew.curate.opencv_log import only_errors_told


def test_threads_that_overlap_leave_the_level_as_it_was():
    before = logging.getLogLevel()
    inside, leave = Event(), Event()

    def later():
        with only_errors_told():
            inside.set()
            leave.wait(10)

    other = Thread(target=later)
    with only_errors_told():
        assert logging.getLogLevel() == logging.LOG_LEVEL_ERROR
        other.start()
        inside.wait(0.2)  # it would begin here if it did not wait
    leave.set()
    other.join()
    assert inside.is_set()
    assert logging.getLogLevel() == before


def test_an_error_leaves_it_as_it_was_too():
    before = logging.getLogLevel()
    with pytest.raises(ValueError, match="planted"), only_errors_told():
        raise ValueError("planted")
    assert logging.getLogLevel() == before


def test_a_network_is_read_without_a_word(capfd):
    before = logging.setLogLevel(logging.LOG_LEVEL_WARNING)
    try:
        FaceDetector()
    finally:
        logging.setLogLevel(before)
    assert capfd.readouterr() == ("", "")
