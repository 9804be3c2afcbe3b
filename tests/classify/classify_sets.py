"""Small sets of coloured squares, on which a tiny network learns within seconds."""

import torch

from unskew.classify import Pixels, TrainSettings

CLASSES, SHADES = ("red", "green", "blue"), ("dark", "light")


def squares(n, seed=0, size=12, classes=CLASSES):
    """Noise with a tint that is the class and a brightness of one half that is the attribute."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(n) % len(classes)
    attributes = torch.arange(n) // len(classes) % 2
    images = torch.randint(0, 100, (n, 3, size, size), generator=generator)
    images[torch.arange(n), targets] += 60
    images[:, :, : size // 2] += 60 * attributes[:, None, None, None]
    return Pixels(images.to(torch.uint8), targets, attributes, classes, SHADES)


def settings(**changes):
    """Of runs that take a second."""
    return TrainSettings(
        **{"batch_size": 16, "epochs": 3, "width": 4, "learning_rate": 3e-3, **changes}
    )
