"""The pages of the metric Spaces: each is a `Page`, which the Space's ``app.py`` starts."""
