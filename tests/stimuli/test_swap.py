"""Captions with the identity swapped; the sentences are of Flickr8k or in its manner."""

import pytest

from unskew.errors import InputError
from unskew.stimuli import counterfactuals, load_identities, swapped
from unskew.stimuli.swap_words import lexicon

GENDER = [
    ("A man and his dog .", "A woman and her dog ."),
    ("An old man 's hat", "An old woman 's hat"),
    ("the gentlemen 's room", "the ladies ' room"),
    ("He looks at him and hurts himself; the hat is his.",
     "She looks at her and hurts herself; the hat is hers."),
    ("A MAN with his own hat", "A WOMAN with her own hat"),
    ("two male skaters walk on sidewalk", "two female skaters walk on sidewalk"),
    ("A motorcycle rider navigating his bike", "A motorcycle rider navigating her bike"),
    ("A boy standing with others next to him .", "A girl standing with others next to her ."),
    # Wrong at first.
    ("The boy walking next to him looks at him .", "The girl walking next to her looks at her ."),
    ("a man helps a runner and gives him water .", "a woman helps a runner and gives her water ."),
    ("A man gives his dog a bath", "A woman gives her dog a bath"),
    ("A man gives his dog water", "A woman gives her dog water"),
    ("A gentleman shows his sword", "A lady shows her sword"),
    ("A boy watches him swim", "A girl watches her swim"),
    ("the crowd behind him watches the boy .", "the crowd behind her watches the girl ."),
    ("A child on his side with his mouth open", "A child on her side with her mouth open"),
    ("A chidl climbs as he sticks out his tongue", "A chidl climbs as she sticks out her tongue"),
    ("A male puts on his helmet", "A female puts on her helmet"),
    ("A mailman and his bag", "A mailwoman and her bag"),
    ("He does n't see it", "She does n't see it"),
]  # fmt: skip


@pytest.mark.parametrize(("male", "female"), GENDER)
def test_gender_is_swapped_both_ways(male, female):
    assert swapped(male, "Male", "Female", "gender") == female
    assert swapped(female, "Female", "Male", "gender") == male


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He's got a ball and he is running.", "They've got a ball and they are running."),
        ("He is a man who watches and laughs", None),
        ("A woman holds her daughter while she watches and laughs at them .",
         "A non-binary person holds their non-binary child while they watch and laugh at them ."),
        ("Two men on a bench", "Two non-binary people on a bench"),
        ("An older man", "An older non-binary person"),
        ("A male in a hat beside a male dancer", "A non-binary person in a hat beside a non-binary "
         "dancer"),
        ("a baby girl in her crib", "a non-binary baby in their crib"),
        ("she quickly carries it", "they quickly carry it"),
        ("He doesn't see it and he isn't there", "They don't see it and they aren't there"),
        ("A young female swims", "A young non-binary person swims"),
        ("a male waiter", "a non-binary server"),
    ],
)  # fmt: skip
def test_singular_they_has_the_verb_of_the_plural(text, expected):
    subgroup, others = counterfactuals(text, "gender")
    assert others["Non-binary"] == (
        expected or "They are a non-binary person who watches and laughs"
    )
    assert subgroup in ("Male", "Female")


@pytest.mark.parametrize(
    "text", ["Does she have her bike ?", "He sits on a bench and reads a book"]
)
def test_where_a_verb_further_away_would_have_to_agree_there_is_no_they(text):
    assert set(counterfactuals(text, "gender")[1]) <= {"Male", "Female"}


@pytest.mark.parametrize(
    "text",
    [
        "A dog wags his tail",
        "A female weimaraner",
        "A nun and her book",
        "A rider on his or her machine",
        "A mother duck and a male lion",
        "A dog with his tongue out",
        "A black laborador with a ball in his mouth coming out of the surf",
        "a man-made lake",
        "A boot like a cowboy boot",
        'A sign that says "men"',
        "Children build a snow man",
        "A child plays with his dog",
    ],
)
def test_what_is_no_persons_gender_stays(text):
    assert counterfactuals(text, "gender") is None


def test_an_animal_keeps_its_pronoun_beside_a_man():
    text = "A man watches a dog with a ball in his mouth"
    assert swapped(text, "Male", "Female", "gender") == text.replace("man", "woman")


@pytest.mark.parametrize(
    ("text", "to", "expected"),
    [
        ("A Black woman in a white shirt", "White", "A White woman in a white shirt"),
        ("a black woman", "White", "a white woman"),
        ("a black woman", "Asian", "an Asian woman"),
        ("An African-American boy and a black dog", "Indian", "An Indian boy and a black dog"),
        ("Black young men", "East Asian", "East Asian young men"),
    ],
)
def test_race_is_swapped_where_it_is_said_of_people(text, to, expected):
    assert swapped(text, "Black", to, "race") == expected


@pytest.mark.parametrize(
    "text",
    [
        "A man in a white shirt",
        "A black and white photo of a man",
        "a black and white man on a poster",
        "a white haired woman",
        "white women 's shoes",
        "a white baby goat",
        "Asian food on a table",
        "an American Indian woman",
    ],
)
def test_colours_and_things_are_no_race(text):
    assert counterfactuals(text, "race") is None


def test_other_categories():
    assert swapped("an old woman and a 5 year old boy", "60+", "0-29", "age_group") == (
        "a young woman and a 5 year old boy"
    )
    assert counterfactuals("A young child", "age_group") is None
    assert counterfactuals("a young baby girl", "age_group") is None
    assert swapped("two Muslims and a Muslim's book", "Muslim", "Jewish", "religion") == (
        "two Jewish people and a Jewish person's book"
    )
    assert swapped("a disabled man", "Disabled", "Non-disabled", "disability") == (
        "a non-disabled man"
    )
    assert "Lesbian" not in counterfactuals("a gay man", "sexual orientation")[1]
    assert counterfactuals("a gay couple", "sexual orientation")[1]["Lesbian"] == "a lesbian couple"


def test_a_text_about_two_subgroups_has_no_counterfactual():
    text = "A man and a woman"
    assert counterfactuals(text, "gender") is None
    assert swapped(text, "Male", "Female", "gender") == "A woman and a woman"


@pytest.mark.parametrize("category", ["race", "religion", "disability", "age_group"])
def test_prompts_of_the_identity_words_are_each_others_swaps(category):
    """What the trainer makes from words and what is swapped in a caption are the same."""
    words = load_identities()
    for one in words.names(category):
        for other in words.names(category):
            asked = {"gender": "Female"}
            prompts = words.prompts({**asked, category: one})
            expected = words.prompts({**asked, category: other})
            got = [swapped(p, one, other, category) if one != other else p for p in prompts]
            assert got == expected


def test_no_swap_says_what_nobody_should_be_called():
    """Whatever a swap can put into a caption: no outdated or derogatory word is among it."""
    words, lex = load_identities(), lexicon()
    said = [" ".join(forms) for own in words.adjectives.values() for forms in own.values()]
    said += [" ".join(forms) for own in words.nouns.values() for forms in own.values()]
    said += [v for nouns in lex.nouns.values() for n in nouns.values() for v in n.versions.values()]
    outdated = (
        "oriental colored coloured negro eskimo mulatto caucasian moslem heathen handicapped "
        "crippled cripple invalid retarded lame abnormal normal homosexual queer transvestite "
        "hermaphrodite transsexual spinster hag geezer elderly senile"
    )
    assert not set(outdated.split()) & set(" ".join(said).lower().split())


def test_a_swap_stays_within_its_category():
    """Whatever else the caption says of somebody stays as it is."""
    text = "an old disabled Muslim man and his dog"
    for category in load_identities().categories:
        found = counterfactuals(text, category)
        for new in found[1].values() if found else ():
            for other in load_identities().categories:
                if other != category:
                    before, after = counterfactuals(text, other), counterfactuals(new, other)
                    assert (before and before[0]) == (after and after[0])


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="no identity words for 'Martian' of 'race'"):
        swapped("a man", "Martian", "White", "race")
    with pytest.raises(InputError, match="category 'shoe size'"):
        counterfactuals("a man", "shoe size")
