"""What a check says of one item, and the one file of thresholds that decides it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unskew.errors import InputError, NotFoundError

SHIPPED = Path(__file__).with_name("thresholds.json")


@dataclass(frozen=True)
class Flag:
    """A check that an item failed: its score, the threshold it passed, and why, in a sentence."""

    check: str
    score: float
    threshold: float
    reason: str


@dataclass(frozen=True)
class Rule:
    """Scores at or above the threshold are flagged, or those below it where ``below``."""

    check: str
    threshold: float
    below: bool
    reason: str

    def judge(self, score: float, other: str = "") -> Flag | None:
        """The flag for a score; none for one that is in order, or could not be taken (NaN)."""
        failed = score < self.threshold if self.below else score >= self.threshold
        if not failed:
            return None
        reason = self.reason.format(score=score, threshold=self.threshold, other=other)
        return Flag(self.check, score, self.threshold, reason)


# By check; one that is not among them is off.
Rules = Mapping[str, Rule]


def load_rules(path: str | Path | None = None) -> dict[str, Rule]:
    """The shipped rules, with those that the file at ``path`` changes.

    The file is JSON: ``{"blurred": {"below": 0.15}, "watermark": null, ...}``. A rule keeps its
    direction, and its reason unless the file gives another; null takes the check away.

    Raises:
        NotFoundError: there is no such file.
        InputError: it cannot be read, or names no known check, or no usable threshold.
    """
    rules = {name: _rule(name, said, SHIPPED) for name, said in _read(SHIPPED).items()}
    if path is None:
        return rules
    path = Path(path)
    for name, said in _read(path).items():
        if name not in rules:
            raise InputError(
                f"{path}: there is no check {name!r}; the checks are {', '.join(rules)}"
            )
        shipped = rules[name]
        if said is None and name != "unreadable":
            del rules[name]
            continue
        if not isinstance(said, dict):
            raise InputError(f"{path}: {name} is no object such as {{'above': 0.5}}")
        rules[name] = _rule(name, {"reason": shipped.reason, **said}, path)
        if rules[name].below != shipped.below:
            direction = "below" if shipped.below else "above"
            raise InputError(f"{path}: {name} flags scores {direction!r} its threshold")
    return rules


def _read(path: Path) -> Mapping[str, object]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(f"there is no file of thresholds {path}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the thresholds of {path}: {error}") from error
    if not isinstance(said, dict):
        raise InputError(f"{path} holds no object of checks and thresholds")
    return said


def _rule(name: str, said: object, path: Path) -> Rule:
    known = {"above", "below", "reason"}
    if not isinstance(said, dict) or set(said) - known or len({"above", "below"} & set(said)) != 1:
        raise InputError(f"{path}: {name} needs one of 'above' and 'below', and may give a reason")
    below = "below" in said
    threshold = said["below" if below else "above"]
    if not isinstance(threshold, int | float) or not math.isfinite(threshold):
        raise InputError(f"{path}: the threshold of {name} is no number: {threshold!r}")
    reason = str(said["reason"])
    try:
        reason.format(score=0.0, threshold=0.0, other="")
    except (LookupError, ValueError) as error:
        raise InputError(
            f"{path}: the reason of {name} may hold {{score}}, {{threshold}} and {{other}}: {error}"
        ) from error
    return Rule(name, float(threshold), below, reason)
