"""A classifier that the user brings, as the check of abusive texts asks it; and its answers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unskew.curate.content_log import ContentLog
from unskew.curate.texts import Classifier, probabilities
from unskew.errors import InputError

CLASSIFIED = "classified.jsonl"
# Of how labels become a probability of abuse.
VERSION = 1

# How names of labels begin that are about abuse, as the classifiers on the Hub have them.
_ABUSE = re.compile(
    r"(?:abus|toxi|hate|hatred|offens|insult|threat|obscen|harass|derog|profan|slur|attack)"
)
DIGITS = 6
_NOT = {"not", "non", "no", "none", "neutral", "without", "anti", "counter", "free"}


@dataclass(frozen=True)
class AbuseClassifier:
    """`name`: as it was asked for. `fingerprint`: changes when what it says of a text would.
    `classify`: from texts to the probability of abuse."""

    name: str
    fingerprint: str
    classify: Classifier


class ClassifiedLog(ContentLog[list[float]]):
    """What one model has said of texts that it was asked together.

    Together, because the others that a text is padded with move its last digits: a run that goes
    on then writes what one that was not stopped does.
    """

    what = "classified texts"

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Raises InputError if the file cannot be opened, or is not such a log."""
        self.version = f"{VERSION} {fingerprint}"
        super().__init__(path)

    def _packed(self, answer: list[float]) -> dict[str, Any]:
        return {"abuse": answer}

    def _unpacked(self, said: dict[str, Any]) -> list[float]:
        return [float(probability) for probability in said["abuse"]]


@contextmanager
def remembered(classifier: AbuseClassifier | None, folder: Path) -> Iterator[Classifier | None]:
    """The classifier, which is asked nothing twice: its answers are kept in `folder`.

    Raises:
        InputError: the disk takes no more, what was answered is kept; or see `probabilities`.
    """
    if classifier is None:
        yield None
        return
    with ClassifiedLog(folder / CLASSIFIED, classifier.fingerprint) as log:

        def classify(texts: Sequence[str]) -> Sequence[float]:
            key = hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()
            if key not in log:
                log.add(key, probabilities(classifier.classify, texts))
                log.flush()  # a batch takes seconds
            return log[key]

        yield classify


def open_classifier(name: str) -> AbuseClassifier:
    """The text classifier of this Hub id or folder, as one of abuse.

    The probability of abuse is the sum over the labels that are named after abuse, or the greatest
    of theirs where every label has a probability of its own; of an empty text, 0.

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

    return AbuseClassifier(name, model.fingerprint, classify)


def is_abuse(label: str) -> bool:
    """Whether a label is named after abuse, and not after its absence: "hate", not "not-hate"."""
    words = re.findall(r"[a-z]+", label.lower())
    return not _NOT & set(words) and any(_ABUSE.match(word) for word in words)
