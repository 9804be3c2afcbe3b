"""From a raw pile of pictures and texts to a curated set."""
