"""What an audit found, as flat rows: the one structure that is saved, rendered and compared."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from unskew.audit.compare import Comparison, match_pairs, refuse_other_questions
from unskew.audit.differences import Difference, differences
from unskew.audit.rows import (
    DatasetInfo,
    ModelInfo,
    PairRow,
    RankingRow,
    Settings,
    StimuliInfo,
    SubgroupRow,
    TopAttributeRow,
    UnreadableImage,
    WordTestRow,
)
from unskew.errors import InputError, NotFoundError

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class AuditReport:
    """One audit: model x image sets x stimuli. Saved as JSON, Markdown, HTML and figures.

    ``before``: the audit of another model, on the same images and stimuli, that this one is told
    beside; see :meth:`beside`.
    """

    model: ModelInfo
    settings: Settings
    stimuli: tuple[StimuliInfo, ...]
    datasets: tuple[DatasetInfo, ...]
    pairs: tuple[PairRow, ...]
    subgroups: tuple[SubgroupRow, ...]
    top_attributes: tuple[TopAttributeRow, ...]
    rankings: tuple[RankingRow, ...]
    word_tests: tuple[WordTestRow, ...]
    notes: tuple[str, ...]
    created: str
    unskew_version: str
    before: AuditReport | None = None
    schema_version: int = field(default=SCHEMA_VERSION)

    @property
    def demonstration(self) -> bool:
        """Made with the built-in model or images, hence no evidence about people."""
        return (
            self.model.demonstration
            or any(d.demonstration for d in self.datasets)
            or (self.before is not None and self.before.demonstration)
        )

    def largest(self) -> PairRow | None:
        """The largest clear difference between two subgroups, else the largest of any.

        Over whole attribute sets: a single contrasting prompt is an anecdote, a set a measure.
        None where no effect size is defined.
        """
        from unskew.audit.summary import size

        rows = [r for r in self.pairs if r.section != "contrasts" and not math.isnan(r.effect_size)]
        return max(rows, key=size, default=None)

    def exceeds(self, threshold: float) -> PairRow | None:
        """The largest clear difference if its |d| is above ``threshold``, else None.

        A difference that is not clear does not count: with few images, chance alone gives a
        large d every so often.

        Raises:
            InputError: a threshold that no d can be held against, or no d to hold against it.
        """
        if not threshold >= 0:
            raise InputError(f"threshold {threshold}: give a number of at least 0")
        row = self.largest()
        if row is None:
            raise InputError("no effect size between subgroups to hold against the threshold")
        return row if row.clear and abs(row.effect_size) > threshold else None

    def to_dict(self) -> dict[str, Any]:
        """Plain Python, NaN as None so that any JSON reader takes it.

        ``changes``, where there is a report from before, and ``differences``, where there are
        several data sets, follow from the rest: they are tables for readers that compute nothing
        themselves.
        """
        derived: dict[str, Sequence[Comparison | Difference]] = {
            "changes": self.changes(),
            "differences": self.differences(),
        }
        tables = {k: [dataclasses.asdict(r) for r in rows] for k, rows in derived.items() if rows}
        return _without_nan(dataclasses.asdict(self) | tables)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AuditReport:
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: written under another schema version, or not a report at all.
        """
        version = data.get("schema_version") if isinstance(data, dict) else None
        if version != SCHEMA_VERSION:
            raise InputError(
                f"audit report has schema version {version!r}; this unskew reads {SCHEMA_VERSION}"
            )
        rows: dict[str, Any] = {name: _rows(kind, data[name]) for name, kind in _ROWS.items()}
        return cls(
            model=ModelInfo(**data["model"]),
            settings=Settings(**data["settings"]),
            datasets=tuple(
                DatasetInfo(
                    **{**d, "unreadable": tuple(UnreadableImage(**u) for u in d["unreadable"])}
                )
                for d in data["datasets"]
            ),
            notes=tuple(data["notes"]),
            created=data["created"],
            unskew_version=data["unskew_version"],
            before=None if data.get("before") is None else cls.from_dict(data["before"]),
            **rows,
        )

    def save(self, directory: str | Path) -> Path:
        """Write ``report.json``, ``report.md``, ``report.html`` and ``figures/`` to a folder.

        Nothing is left half-written: files are made elsewhere and moved into place at the end.
        """
        from unskew.audit.save import save_report

        return save_report(self, Path(directory))

    @classmethod
    def load(cls, path: str | Path) -> AuditReport:
        """Read a report back from its folder or its ``report.json``.

        Raises:
            NotFoundError: there is none.
            InputError: the file is not a report.
        """
        file = Path(path) / "report.json" if Path(path).is_dir() else Path(path)
        if not file.is_file():
            raise NotFoundError(f"no audit report at {path}")
        try:
            return cls.from_dict(json.loads(file.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(f"{file} is not an audit report: {error}") from error

    def compare(self, other: AuditReport) -> list[Comparison]:
        """This report (before) beside another (after): one row per pair that both have."""
        return match_pairs(self.pairs, other.pairs, by_dataset=True)

    def beside(self, before: AuditReport) -> AuditReport:
        """This report with a section on what changed since ``before``.

        Raises:
            InputError: the two are not of the same images, stimuli and settings.
        """
        refuse_other_questions(before, self)
        return dataclasses.replace(self, before=dataclasses.replace(before, before=None))

    def changes(self) -> list[Comparison]:
        """One row per pair of ``before``; empty without it."""
        return [] if self.before is None else self.before.compare(self)

    def compare_datasets(self, first: str, second: str) -> list[Comparison]:
        """Two data sets of this report side by side: one row per pair that both have."""
        return match_pairs(
            [r for r in self.pairs if r.dataset == first],
            [r for r in self.pairs if r.dataset == second],
            by_dataset=False,
        )

    def differences(self) -> list[Difference]:
        """Every two data sets of this report, compared with intervals: one row per shared pair."""
        return [
            row
            for first, second in combinations([d.name for d in self.datasets], 2)
            for row in differences(self.compare_datasets(first, second), self.settings.confidence)
        ]

    def to_model_index(self) -> list[dict[str, Any]]:
        """Results for a model card's ``model-index``: one entry per data set and category."""
        from unskew.audit.summary import model_index

        return model_index(self)


_ROWS: dict[str, type] = {
    "stimuli": StimuliInfo,
    "pairs": PairRow,
    "subgroups": SubgroupRow,
    "top_attributes": TopAttributeRow,
    "rankings": RankingRow,
    "word_tests": WordTestRow,
}


def _rows(kind: type, items: Iterable[dict[str, Any]]) -> tuple[Any, ...]:
    floats = {f.name for f in dataclasses.fields(kind) if f.type == "float"}
    return tuple(
        kind(**{k: math.nan if v is None and k in floats else v for k, v in item.items()})
        for item in items
    )


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {k: _without_nan(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(v) for v in value]
    return value
