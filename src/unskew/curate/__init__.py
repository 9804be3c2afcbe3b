"""From a raw pile of images of social media and news to a reviewed, documented set."""
