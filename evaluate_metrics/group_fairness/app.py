"""The page of this metric's Space. What is on it comes from the package `unskew`."""

from unskew.hub.pages.group_fairness import PAGE
from unskew.hub.pages.page import launch

demo = PAGE.blocks()

if __name__ == "__main__":
    launch(demo)
