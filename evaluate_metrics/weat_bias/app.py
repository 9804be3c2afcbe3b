"""The page of this metric's Space. What is on it comes from the package `unskew`."""

from unskew.hub.pages.page import launch
from unskew.hub.pages.weat_bias import PAGE

demo = PAGE.blocks()

if __name__ == "__main__":
    launch(demo)
