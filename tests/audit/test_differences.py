"""Where two data sets disagree: planted effects of opposite sign, of other size, and none."""

import dataclasses
import json

import numpy as np
import pytest
from planted_images import COLD, DIM, WARM

from unskew.audit import AuditReport
from unskew.audit.blocks import to_markdown
from unskew.audit.document import document
from unskew.audit.run import audit_model
from unskew.audit.two_sets import disagreements_told
from unskew.encoders import LabelledEmbeddings, PrecomputedEncoder
from unskew.stimuli import Stimuli

SHIFT = {  # of Red's images towards warm, against Blue's at 0 and Green's at 0.5
    "first": {"Red": 1.0, "Blue": 0.0, "Green": 0.0},
    "second": {"Red": -1.0, "Blue": 0.0, "Green": 0.0},
}


def photos(name, n=40):
    rng = np.random.default_rng(len(name))
    rows, labels = [], []
    for team, shift in SHIFT[name].items():
        vectors = rng.normal(0, 1, (n, DIM))
        vectors[:, 0] = 3 * shift + rng.normal(0, 1, n)
        rows.append(vectors)
        labels += [team] * n
    embeddings = np.concatenate(rows).astype(np.float32)
    return LabelledEmbeddings(embeddings, {"team": labels}, None, name)


@pytest.fixture(scope="module")
def report():
    stimuli = Stimuli.model_validate(
        {
            "name": "warmth",
            "title": "Warm and cold",
            "source": "made for this test",
            "licence": "CC0",
            "attributes": {
                "template": "{}",
                "a": {"name": "warm", "words": WARM},
                "b": {"name": "cold", "words": COLD},
                "pleasant": "a",
            },
        }
    )
    words = [*WARM, *COLD]
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 0.1, (len(words), DIM))
    vectors[:, 0] += np.where(np.arange(len(words)) < len(WARM), 1.0, -1.0)
    encoder = PrecomputedEncoder(
        LabelledEmbeddings(vectors.astype(np.float32), {}, words, "planted")
    )
    sets = [photos("first"), photos("second")]
    return audit_model(encoder, sets, stimuli, permutations=199)


def test_opposite_effects_are_found_and_equal_ones_are_not(report):
    kinds = {(r.pair.subgroup_a, r.pair.subgroup_b): r.kind for r in report.differences()}
    found = {frozenset(pair): kind for pair, kind in kinds.items()}
    assert found == {
        frozenset({"Red", "Blue"}): "sign",
        frozenset({"Red", "Green"}): "sign",
        frozenset({"Blue", "Green"}): None,
    }
    for row in report.differences():
        assert row.ci_low < row.pair.change < row.ci_high
        assert row.p_holm >= row.p_value


def test_an_effect_in_one_set_only_differs_in_size(report):
    """With the second effect not clear of 0, the two cannot be said to be of opposite sign."""
    weak = tuple(
        dataclasses.replace(r, effect_size=r.effect_size * 0.01, ci_low=-0.2, ci_high=0.2)
        if r.dataset == "second"
        else r
        for r in report.pairs
    )
    kinds = [r.kind for r in dataclasses.replace(report, pairs=weak).differences()]
    assert sorted(kinds, key=str) == [None, "size", "size"]


def test_the_report_says_it_and_json_holds_it(report, tmp_path):
    told = disagreements_told(report.differences(), 0.95)
    assert "2 disagree in sign" in told
    assert "0 more in size" in told
    text = to_markdown(document(report))
    assert "Where data sets disagree" in text
    assert "| sign | team |" in text
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert [d["kind"] for d in data["differences"]].count("sign") == 2
    assert AuditReport.from_dict(data).differences() == report.differences()


def test_one_set_has_no_differences(report):
    alone = dataclasses.replace(report, datasets=report.datasets[:1])
    assert alone.differences() == []
    assert "differences" not in alone.to_dict()
