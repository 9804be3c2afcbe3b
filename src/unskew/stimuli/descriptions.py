"""How an attribute is described to a model that shall guess it: phrases, and a question.

What pseudo-groups need of language (`unskew.classify`): phrases for a dual encoder, which says
what an image is most similar to, and a question with the words of its answers for a model that
writes.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from unskew.errors import InputError
from unskew.stimuli.load import read_words, shipped_words
from unskew.stimuli.schema import Template, Text, Words

Groups = Annotated[dict[Text, Words], Field(min_length=2)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Part):
    """What a generative model is asked, and how to read what it says.

    `answers`: group -> words that say it, of which case does not matter. `boundary`: numbers in
    an answer up to it mean the first group, larger ones the second. `not_before`: words that show
    that an answer word before them describes something else, as "shirt" in "a white shirt".
    """

    prompt: Text
    answers: Groups
    boundary: float | None = None
    not_before: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        said_by: dict[str, str] = {}
        for group, words in self.answers.items():
            for word in words:
                other = said_by.setdefault(word.lower(), group)
                if other != group:
                    raise ValueError(f"{word!r} is an answer of both {other!r} and {group!r}")
        if self.boundary is not None and len(self.answers) != 2:
            raise ValueError("a boundary divides two groups, and the answers have another number")
        return self


class Attribute(_Part):
    """The description sets of one attribute, the default first, and the question for it.

    A set says for each group which descriptions make an image belong to it.
    """

    sets: Annotated[dict[Text, Groups], Field(min_length=1)]
    question: Question | None = None

    @property
    def default(self) -> dict[str, tuple[str, ...]]:
        """The first set."""
        return next(iter(self.sets.values()))


class Descriptions(_Part):
    """One file of descriptions: `data/descriptions.json`, or the user's own in the same form."""

    note: str = ""
    source: Text
    licence: Text
    template: Template
    ensemble: Annotated[tuple[Template, ...], Field(min_length=1)]
    attributes: Annotated[dict[Text, Attribute], Field(min_length=1)]

    def attribute(self, name: str) -> Attribute:
        """The descriptions of an attribute.

        Raises:
            InputError: the file has none.
        """
        if name not in self.attributes:
            raise InputError(
                f"there are no descriptions of {name!r}; there are of "
                f"{', '.join(self.attributes)}: give a file with yours"
            )
        return self.attributes[name]


def load_descriptions(path: str | Path | None = None) -> Descriptions:
    """The shipped descriptions, or those of a JSON file.

    Raises:
        NotFoundError: no such file.
        InputError: it is not JSON of this form.
    """
    return _shipped() if path is None else read_words(Descriptions, path, "descriptions")


@cache
def _shipped() -> Descriptions:
    return shipped_words(Descriptions, "descriptions", "descriptions")
