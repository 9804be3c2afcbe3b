"""Complete WEATs of words: what the text tower alone has learnt."""

from __future__ import annotations

import numpy as np

from unskew.audit.pairs import sentence
from unskew.audit.rows import Settings, WordTestRow
from unskew.audit.texts import Texts, filled
from unskew.measures import holm, weat
from unskew.stimuli import Stimuli


def word_tests(s: Stimuli, texts: Texts, settings: Settings) -> list[WordTestRow]:
    """One row per test; Holm over the tests of the file."""
    if not s.word_tests:
        return []
    results = []
    for test in s.word_tests:
        x, y, a, b = (
            texts(filled(test.template, side.words)) for side in (test.x, test.y, test.a, test.b)
        )
        results.append(
            weat(
                x,
                y,
                a,
                b,
                ddof=settings.ddof,
                permutations=settings.permutations,
                alternative=settings.alternative,
                confidence=settings.confidence,
                seed=settings.seed,
            )
        )
    corrected = holm(np.array([r.p_value for r in results]))
    return [
        WordTestRow(
            stimuli=s.name,
            name=test.name,
            target_x=test.x.name,
            target_y=test.y.name,
            attribute_a=test.a.name,
            attribute_b=test.b.name,
            n_x=r.n_x,
            n_y=r.n_y,
            effect_size=r.effect_size,
            ci_low=r.ci_low,
            ci_high=r.ci_high,
            p_value=r.p_value,
            p_holm=float(p),
            exact=r.exact,
            sentence=sentence(
                r.effect_size, test.x.name, test.y.name, (test.a.name, test.b.name), None
            ),
            reason=r.reason,
        )
        for test, r, p in zip(s.word_tests, results, corrected, strict=True)
    ]
