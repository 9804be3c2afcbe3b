"""From what was collected, checked and reviewed to a set that others can load."""
