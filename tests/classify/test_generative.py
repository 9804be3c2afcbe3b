"""Pseudo-groups from a model that writes: reading its answers, and the whole pipeline."""

import numpy as np
import pytest
import torch
from PIL import Image

from unskew.classify.ages import spans
from unskew.classify.answers import read_answer
from unskew.classify.generative import generative_groups
from unskew.classify.strategies import partition
from unskew.errors import InputError, NotFoundError
from unskew.stimuli import load_descriptions

GENDER = [
    ("woman", "female"),
    ("Woman.", "female"),
    ("MAN", "male"),
    ("**Man**", "male"),
    (" man</s>", "male"),
    ("Answer: woman", "female"),
    ("The person in the photo is a man.", "male"),
    ("The person in the image appears to be female.", "female"),
    ("A young lady with long hair, smiling at the camera.", "female"),
    ("She is smiling.", "female"),
    ("It's a boy", "male"),
    ("The person looks like a woman, not a man.", "female"),
    ("This is not a woman but a man.", "male"),
    ("The person isn't a man; she is a woman.", "female"),
    ("No, it is a woman.", "female"),
    ("A man rather than a woman", "male"),
    ("The woman's face is shown from the side.", "female"),
    ("There is no doubt that this is a woman.", "female"),
    ("Without a doubt a man.", "male"),
    ("Not a man.", "female"),
    ("The person doesn't look like a woman.", "male"),
    ("I can't say for certain, but the person appears to be a woman.", "female"),
    ("As an AI, I cannot determine gender. However, the person looks like a man.", "male"),
    ("The person is probably a man, although it is hard to tell.", "male"),
    ("unsure", None),
    ("Unsure.", None),
    ("", None),
    ("I cannot determine whether this is a man or a woman.", None),
    ("It is difficult to say if the person is male.", None),
    ("I'm not sure if this is a woman", None),
    ("man or woman", None),
    ("The person could be a woman or a man.", None),
    ("Neither a man nor a woman.", None),
    ("not a man or a woman", None),
    ("A baby in a blue shirt.", None),
    ("A man and a woman are standing together.", None),
    ("The German pavement is human.", None),
    ("I'm sorry, but I can't help with identifying people.", None),
]
AGE = [
    ("27", "35 or younger"),
    ("27 years old", "35 or younger"),
    ("The person looks about 45 years old.", "over 35"),
    ("A 62-year-old man.", "over 35"),
    ("34", "35 or younger"),
    ("35", "35 or younger"),
    ("36", "over 35"),
    ("25-30", "35 or younger"),
    ("between 40 and 50", "over 35"),
    ("40 to 45 years", "over 35"),
    ("30-40", None),
    ("In their 30s or 40s.", None),
    ("A young man in his thirties.", None),
    ("At least 36.", "over 35"),
    ("At least 35.", None),
    ("35+", None),
    ("In their late 20s or early 30s.", "35 or younger"),
    ("In his mid-40s.", "over 35"),
    ("She appears to be in her early to mid 20s.", "35 or younger"),
    ("in her thirties", None),
    ("in his sixties", "over 35"),
    ("under 35", "35 or younger"),
    ("younger than 30", "35 or younger"),
    ("under the age of 60", None),
    ("over 35", "over 35"),
    ("Not over 35.", "35 or younger"),
    ("40+", "over 35"),
    ("70+", "over 35"),
    ("A young woman.", "35 or younger"),
    ("A middle-aged man.", "over 35"),
    ("An elderly woman with white hair", "over 35"),
    ("A toddler.", "35 or younger"),
    ("A young man in his forties.", "over 35"),
    ("I cannot determine the age.", None),
    ("The photo is from 1980.", None),
    ("I am 100% certain", None),
    ("An adult.", None),
    ("27.5", "35 or younger"),
]
RACE = [
    ("White", "White"),
    ("non-White", "not White"),
    ("Non-white.", "not White"),
    ("The person is Caucasian.", "White"),
    ("The person looks Asian.", "not White"),
    ("Not White.", "not White"),
    ("An African-American man", "not White"),
    ("Black", "not White"),
    ("A man in a white dress shirt.", None),
    ("A Black man in a white shirt.", "not White"),
    ("A white woman with black hair.", "White"),
    ("A black and white photo of a White man.", "White"),
    ("White or Hispanic", None),
    ("unsure", None),
]


@pytest.mark.parametrize(
    ("attribute", "text", "group"),
    [("gender", *case) for case in GENDER]
    + [("age", *case) for case in AGE]
    + [("race", *case) for case in RACE],
)
def test_answers_are_read(attribute, text, group):
    assert read_answer(text, load_descriptions().attribute(attribute).question) == group


def test_ages_become_spans():
    found = list(spans("from 20 to 25, early 30s, over 40, 55+ and 1990 or 300"))
    assert [(low, high) for low, high, _ in found] == [
        (20, 25),
        (30, 33),
        (40.5, float("inf")),
        (55, float("inf")),
    ]


WORDS = ["<pad>", "<unk>", "<s>", "</s>", "<image>", "woman", "man", "unsure", ".", "not", "a"]
CHAT = (
    "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<image> "
    "{% else %}{{ c['text'] }} {% endif %}{% endfor %}{% endfor %}"
)
QUESTION = load_descriptions().attribute("gender").question


@pytest.fixture(scope="session")
def llava(tmp_path_factory):
    """The folder of a LLaVA of random weights, whose vocabulary has the answers."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=["<image>"],
    )
    small = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2}
    vision = CLIPVisionConfig(num_hidden_layers=2, image_size=16, patch_size=8, **small)
    text = LlamaConfig(
        vocab_size=len(WORDS),
        num_hidden_layers=1,
        num_key_value_heads=2,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        initializer_range=0.3,  # so that different images are answered differently
        **small,
    )
    config = LlavaConfig(
        vision_config=vision.to_dict(),
        text_config=text.to_dict(),
        image_token_index=WORDS.index("<image>"),
        vision_feature_layer=-1,
    )
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    folder = tmp_path_factory.mktemp("llava")
    model.save_pretrained(folder)
    size = {"shortest_edge": 16}
    LlavaProcessor(
        CLIPImageProcessorPil(size=size, crop_size={"height": 16, "width": 16}),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        chat_template=CHAT,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    return folder


def pictures(n):
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)) for _ in range(n)]


def test_a_model_is_asked_and_its_answers_are_grouped(llava):
    colours = ("red", "green", "blue", "white", "black", "yellow")
    images = [*(Image.new("RGB", (20, 24), c) for c in colours), Image.new("L", (30, 20), 128)]
    question = QUESTION.model_copy(update={"prompt": "woman ."})  # not to drown the image
    found = generative_groups(llava, images, question)
    assert found.groups.names == ("male", "female", "unsure")
    assert len(found.answers) == 7
    assert len(set(found.answers)) > 1, "the answers do not depend on the images"
    for answer, label in zip(found.answers, found.groups.labels, strict=True):
        assert set(answer.split()) <= set(WORDS), "the prompt is repeated in the answer"
        assert found.groups.names[label] == (read_answer(answer, QUESTION) or "unsure")
    assert np.isnan(found.groups.scores).all()
    assert found.groups.scores.shape == (7, 3)
    assert generative_groups(llava, images, question, batch_size=3).answers == found.answers


class Pipe:
    """A pipeline that says what it is told to."""

    def __init__(self, answers):
        self.answers = iter(answers)
        self.tokenizer = self.processor = self
        self.chat_template, self.padding_side = "yes", "right"
        self.sides = []

    def __call__(self, text, batch_size, **options):
        self.sides.append(self.padding_side)
        return [[{"generated_text": next(self.answers)}] for _ in text]


def test_unsure_images_are_a_group_of_their_own_in_each_class():
    pipe = Pipe(["Woman", "a man", "hard to say", "It's a woman.", "unsure", "woman"])
    found = generative_groups(pipe, pictures(6), QUESTION, batch_size=4)
    assert found.groups.labels.tolist() == [1, 0, 2, 1, 2, 1]
    assert found.groups.notes == ("2 of 6 answers say no group",)
    assert found.groups.counts == {"male": 1, "female": 3, "unsure": 2}
    assert pipe.sides == ["left", "left"]
    assert pipe.padding_side == "right"
    groups = partition([0, 0, 0, 1, 1, 1], found.groups.labels)
    assert groups.codes.tolist() == [1, 0, 2, 3, 4, 3]


def test_a_group_that_no_answer_names_is_noted():
    found = generative_groups(Pipe(["woman", "woman"]), pictures(2), QUESTION)
    assert found.groups.notes == ("no image of 2 was seen as 'male'",)


def test_bad_input_to_a_generative_model(tmp_path):
    with pytest.raises(NotFoundError, match="nowhere/at-all"):
        generative_groups("nowhere/at-all", pictures(1), QUESTION)
    silent = Pipe([])
    silent.chat_template = None
    with pytest.raises(InputError, match="no chat template"):
        generative_groups(silent, pictures(1), QUESTION)
    with pytest.raises(InputError, match="there are no images"):
        generative_groups(Pipe([]), [], QUESTION)
    with pytest.raises(InputError, match="batch_size must be at least 1"):
        generative_groups(Pipe([]), pictures(1), QUESTION, batch_size=0)
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"broken\.png cannot be read"):
        generative_groups(Pipe(["man"]), [*pictures(1), tmp_path / "broken.png"], QUESTION)
