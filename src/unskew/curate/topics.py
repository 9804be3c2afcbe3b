"""What the text of an image has to be about: words for the subgroup it was found for."""

from functools import cache

from unskew.stimuli import identity_words, taxonomy

# Shorter spellings are codes of data sets ("f", "m"), and no words of a text.
_SHORTEST = 3


@cache
def topic_terms(category: str | None, subgroup: str | None, query: str) -> tuple[str, ...]:
    """The query, the taxonomy's spellings of the subgroup, and the words that say it in captions.

    None where there is no proposed subgroup: nobody has said what the image is to show.
    """
    if category is None or subgroup is None:
        return ()
    spellings = taxonomy().get(category, {}).get(subgroup, ())
    terms = (query, subgroup, *spellings, *identity_words(category, subgroup))
    return tuple(dict.fromkeys(term for term in terms if len(term) >= _SHORTEST))
