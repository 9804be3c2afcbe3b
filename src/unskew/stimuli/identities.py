"""The words by which subgroups are named, put into prompts and captions.

What a debiasing method needs of language: prompts that differ in the subgroup alone, and a caption
for a labelled image together with its counterfactuals.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from unskew.errors import InputError
from unskew.stimuli.articles import takes_an
from unskew.stimuli.load import read_words, shipped_words
from unskew.stimuli.schema import Template, Text, Words, fill

Named = dict[Text, Annotated[dict[Text, Words], Field(min_length=2)]]


class Identities(BaseModel):
    """One file of identity words: ``data/identities.json``, or the user's own in the same form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: str = ""
    source: Text
    licence: Text
    templates: Annotated[tuple[Template, ...], Field(min_length=1)]
    caption: Template
    person: Words
    """Nouns for somebody whose subgroup is not said."""
    nouns: Named = {}
    adjectives: Named = {}

    @model_validator(mode="after")
    def _words_line_up(self) -> Self:
        for category, subgroups in (*self.nouns.items(), *self.adjectives.items()):
            if category in self.nouns and category in self.adjectives:
                raise ValueError(f"{category!r} is among both the nouns and the adjectives")
            if len({len(words) for words in subgroups.values()}) > 1:
                raise ValueError(
                    f"the subgroups of {category!r} have different numbers of words; word j of "
                    "one is the counterpart of word j of the others"
                )
        return self

    @property
    def categories(self) -> list[str]:
        """The categories whose subgroups have words."""
        return [*self.nouns, *self.adjectives]

    def names(self, category: str) -> list[str]:
        """The subgroups of a category that have words, in the order of the file."""
        return list(self._words(category))

    def phrases(self, subgroups: Mapping[str, str]) -> list[str]:
        """Ways to call somebody of these subgroups (category -> subgroup), as "Black woman".

        The list of one combination lines up with that of any other of the same categories: item j
        of both differ in the subgroups alone. No subgroup at all gives the nouns for a person.

        Raises:
            InputError: a category or a subgroup has no words, or two categories have nouns.
        """
        for category, subgroup in subgroups.items():
            self._check(category, subgroup)
        named = [category for category in self.nouns if category in subgroups]
        if len(named) > 1:
            raise InputError(
                f"{named[0]!r} and {named[1]!r} both have nouns in the identity words, and nobody "
                "can be called two at once: make the words of one adjectives"
            )
        nouns: Sequence[str] = self.person
        before: list[Sequence[str]] = []
        for category in (*self.adjectives, *self.nouns):
            if category in subgroups:
                words = self._words(category)[subgroups[category]]
                if category in self.nouns:
                    nouns = words
                else:
                    before.append(words)
        count = max(len(words) for words in (nouns, *before))
        return [" ".join(w[j % len(w)] for w in (*before, nouns)) for j in range(count)]

    def prompts(self, subgroups: Mapping[str, str]) -> list[str]:
        """Every phrase in every template, template by template."""
        return [said(t, phrase) for t in self.templates for phrase in self.phrases(subgroups)]

    def describe(self, subgroups: Mapping[str, str]) -> str:
        """The caption of an image of somebody of these subgroups."""
        return said(self.caption, self.phrases(subgroups)[0])

    def _words(self, category: str) -> Mapping[str, Sequence[str]]:
        words = self.nouns.get(category) or self.adjectives.get(category)
        if words is None:
            raise InputError(
                f"there are no identity words for the category {category!r}; there are for "
                f"{', '.join(self.categories)}: give a file with yours"
            )
        return words

    def _check(self, category: str, subgroup: str) -> None:
        if subgroup not in self._words(category):
            raise InputError(
                f"there are no identity words for {subgroup!r} of {category!r}; there are for "
                f"{', '.join(self.names(category))}: leave that subgroup out, or give a file "
                "with yours"
            )


def said(template: str, phrase: str) -> str:
    """The phrase in its place, after "an" where it sounds as if it began with a vowel, else "a"."""
    article = r"\1n" if takes_an(phrase) else r"\1"
    return fill(re.sub(r"\b([Aa])n?(?= \{\})", article, template), phrase)


def load_identities(path: str | Path | None = None) -> Identities:
    """The shipped words, or those of a JSON file.

    Raises:
        NotFoundError: no such file.
        InputError: it is not JSON of this form.
    """
    return _shipped() if path is None else read_words(Identities, path, "identity words")


@cache
def _shipped() -> Identities:
    return shipped_words(Identities, "identities", "identity words")
