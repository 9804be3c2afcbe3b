"""A classifier that the user brings, as the check of abusive texts asks it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from unskew.curate.texts import Classifier
from unskew.errors import InputError

# How names of labels begin that are about abuse, as the classifiers on the Hub have them.
_ABUSE = re.compile(
    r"(?:abus|toxi|hate|hatred|offens|insult|threat|obscen|harass|derog|profan|slur|attack)"
)
DIGITS = 6
_NOT = {"not", "non", "no", "none", "neutral", "without", "anti", "counter", "free"}


def open_classifier(name: str) -> Classifier:
    """The text classifier of this Hub id or folder: from texts to the probability of abuse.

    It is the sum over the labels that are named after abuse, or the greatest of theirs where every
    label has a probability of its own; of an empty text, 0.

    Raises:
        NotFoundError, InputError: see `TextClassifier.from_pretrained`; or no label or every label
            of it is named after abuse.
    """
    from unskew.encoders.text_classifier import TextClassifier

    model = TextClassifier.from_pretrained(name)
    columns = [place for place, label in enumerate(model.labels) if is_abuse(label)]
    if not columns or (len(columns) == len(model.labels) and not model.independent):
        which = "no one" if not columns else "every one"
        raise InputError(
            f"{name}: its labels are {', '.join(model.labels)}, and by their names {which} is of "
            "abuse: name them in id2label of its config.json, as toxic and neutral"
        )

    def classify(texts: Sequence[str]) -> Sequence[float]:
        said = [text for text in texts if text]  # nothing said is no abuse
        found = model.probabilities(said)[:, columns]
        score = found.max(axis=1) if model.independent else found.sum(axis=1)
        of_text = dict(zip(said, score.tolist(), strict=True))
        return [min(1.0, round(of_text.get(text, 0.0), DIGITS)) for text in texts]

    return classify


def is_abuse(label: str) -> bool:
    """Whether a label is named after abuse, and not after its absence: "hate", not "not-hate"."""
    words = re.findall(r"[a-z]+", label.lower())
    return not _NOT & set(words) and any(_ABUSE.match(word) for word in words)
