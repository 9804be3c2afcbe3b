"""The checks of texts."""

import pytest

from unskew.curate.texts import check_texts
from unskew.curate.topics import topic_terms
from unskew.errors import InputError


def flags(text, *arguments, **options):
    return {flag.check for flag in check_texts([text], *arguments, **options)[0].flags}


@pytest.mark.parametrize("text", [None, "", "wow", "https://t.co/abc #pride", "🙂🙂🙂 ok"])
def test_short_texts(text):
    assert "text_too_short" in flags(text)


def test_a_sentence_is_in_order():
    assert flags("A Muslim woman reads to her daughter", ["Muslim"]) == set()


@pytest.mark.parametrize(
    "text", ["two muslims at prayer", "MUSLIM-owned shop opens", "#Muslim life today"]
)
def test_a_term_is_found_in_its_forms(text):
    assert "off_topic" not in flags(text, ["Muslim"])


def test_off_topic_only_where_a_topic_is_given():
    assert "off_topic" in flags("a recipe for lentil soup", ["Muslim", "Jewish"])
    assert "off_topic" not in flags("a recipe for lentil soup")


@pytest.mark.parametrize(
    ("category", "subgroup", "text"),
    [
        ("gender", "Male", "A boy in a large pool"),
        ("gender", "Female", "A girl in white is swinging a sword"),
        ("gender", "Male", "Two guys outside playing a guitar"),
        ("gender", "Female", "Mothers wait at the school gate"),
        ("age", "Child", "Two girls race on bicycles"),
    ],
)
def test_captions_say_a_subgroup_with_many_words(category, subgroup, text):
    assert "off_topic" not in flags(text, topic_terms(category, subgroup, ""))


def test_a_caption_about_somebody_else_is_off_topic():
    assert "off_topic" in flags("A boy in a large pool", topic_terms("gender", "Female", ""))
    assert "off_topic" in flags("An old woman in a garden", topic_terms("age", "Child", ""))


def test_a_term_within_another_word_does_not_count():
    assert "off_topic" in flags("they gaily sing together", ["gay"])


@pytest.mark.parametrize(
    ("text", "check", "word"),
    [
        ("The senators will vote on Monday", "political", "senators"),
        ("those people are vermin and scum", "abusive", "vermin"),
        ("go back to your country now", "abusive", "go back to your country"),
    ],
)
def test_word_lists_name_what_they_found(text, check, word):
    found = next(f for f in check_texts([text])[0].flags if f.check == check)
    assert word in found.reason
    assert "word list" in found.reason


@pytest.mark.parametrize(
    "text", ["a devoted father and his son", "the queer choir sings", "a gay couple in Rome"]
)
def test_identity_terms_and_lookalikes_are_not_abuse(text):
    assert flags(text) == set()


def test_a_classifier_has_a_check_of_its_own():
    found = check_texts(["a nice day out", "a bad day out"], abuse=lambda texts: [0.1, 0.9])
    assert [("abusive_by_classifier" in {f.check for f in item.flags}) for item in found] == [
        False,
        True,
    ]


@pytest.mark.parametrize("answer", [[0.5, 0.5], [1.5], [float("nan")]])
def test_a_classifier_without_probabilities_is_refused(answer):
    with pytest.raises(InputError, match="probability"):
        check_texts(["a nice day out"], abuse=lambda texts: answer)
