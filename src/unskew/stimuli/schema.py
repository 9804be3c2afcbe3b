"""What a stimuli file may hold. Every section is optional; the audit asks what it finds.

A file is JSON. People bring their own with the same keys; a key that is not known here is an
error, so that a misspelt section cannot be dropped in silence.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _one_slot(template: str) -> str:
    if template.count("{}") != 1:
        raise ValueError(f"the template {template!r} needs exactly one {{}}")
    return template


def fill(template: str, word: str) -> str:
    """The word in the template's one slot; other braces are text."""
    return template.replace("{}", word)


def _no_repeats(words: tuple[str, ...]) -> tuple[str, ...]:
    seen: set[str] = set()
    for word in words:
        if word in seen:
            raise ValueError(f"{word!r} is listed twice")
        seen.add(word)
    return words


Template = Annotated[Text, AfterValidator(_one_slot)]
Several = Annotated[tuple[Text, ...], Field(min_length=2), AfterValidator(_no_repeats)]
Words = Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_no_repeats)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WordSet(_Section):
    """A named set of words or phrases: one of WEAT's X, Y, A, B."""

    name: Text
    words: Words


class AttributePair(_Section):
    """Attribute sets A and B, asked of every category of images or target phrases.

    ``pleasant`` says which of the two is the pleasant one, or None where neither is.
    """

    template: Template = "{}"
    a: WordSet
    b: WordSet
    pleasant: Literal["a", "b"] | None = None


class Targets(_Section):
    """Phrases for the subgroups of each category: the text-only counterpart of images."""

    template: Template = "{}"
    categories: dict[Text, Annotated[dict[Text, Several], Field(min_length=2)]] = Field(
        min_length=1
    )


class Contrasts(_Section):
    """Pairs of prompts that differ in one word; the first of each pair is the favourable one."""

    template: Template = "{}"
    pairs: tuple[tuple[Text, Text], ...] = Field(min_length=1)


class Ranking(_Section):
    """Concepts in templates: the queries by which images are ranked."""

    templates: Annotated[tuple[Template, ...], Field(min_length=1)]
    concepts: Words

    @property
    def prompts(self) -> list[str]:
        """Every concept in every template, template by template."""
        return [fill(t, c) for t in self.templates for c in self.concepts]


class TargetSet(WordSet):
    """X or Y of a WEAT of words: two words at least, for there to be a spread."""

    words: Several


class WordTest(_Section):
    """A complete WEAT of words alone."""

    name: Text
    template: Template = "{}"
    x: TargetSet
    y: TargetSet
    a: WordSet
    b: WordSet


class _ImageAttributes(_Section):
    name: Text
    subgroups: Words


class ImageAttributePair(_Section):
    """Attribute sets A and B given as images: subgroups of one category of the same image set."""

    category: Text
    a: _ImageAttributes
    b: _ImageAttributes
    pleasant: Literal["a", "b"] | None = None


class Stimuli(_Section):
    """One stimuli file."""

    name: Text
    title: Text
    source: Text
    licence: Text
    historical: bool = False
    note: str = ""
    attributes: AttributePair | None = None
    targets: Targets | None = None
    contrasts: Contrasts | None = None
    ranking: Ranking | None = None
    word_tests: tuple[WordTest, ...] = ()
    image_attributes: ImageAttributePair | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.sections:
            raise ValueError(f"it asks nothing: it has none of {', '.join(SECTIONS)}")
        if self.targets and not self.attributes:
            raise ValueError("'targets' needs 'attributes' to be compared by")
        return self

    @property
    def sections(self) -> Sequence[str]:
        """Names of the sections that this file has."""
        return [s for s in SECTIONS if getattr(self, s)]


SECTIONS = ("attributes", "targets", "contrasts", "ranking", "word_tests", "image_attributes")
