"""The card of a set: README.md, with the configurations that `load_dataset` reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import DatasetInfo
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from unskew.corpora.published import SPLITS, config_name, features
from unskew.curate.sets.composition import FEW
from unskew.markdown import code, escaped

# Licences that the Hub knows by a name of its own, which is SPDX in lower case.
_OF_THE_HUB = {"CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-3.0", "CC-BY-SA-3.0", "CC-BY-2.0"}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write_card(numbers: Mapping[str, Any], folder: Path) -> None:
    """Write README.md of a set with these numbers; see `composition`."""
    data = card_data(numbers).to_yaml()
    text = rendered("card.md.jinja", numbers)
    (folder / "README.md").write_text(f"---\n{data}\n---\n\n{text}", encoding="utf-8")


def card_data(numbers: Mapping[str, Any]) -> DatasetCardData:
    """What the Hub and `datasets` read of a card."""
    licences = list(numbers["licences"])
    plain = len(licences) == 1 and licences[0] in _OF_THE_HUB
    rows = numbers["rows"]
    data = DatasetCardData(
        pretty_name=numbers["title"],
        license=licences[0].lower() if plain else "other",
        size_categories=[next((name for most, name in _SIZES if rows < most), "n>1M")],
        task_categories=["zero-shot-image-classification"],
        tags=["bias", "fairness", "unskew"],
        configs=configurations(numbers),
    )
    info = DatasetInfo(features=features(images=numbers["mode"] != "urls-only"))
    DatasetInfosDict({"default": info}).to_dataset_card_data(data)
    return data


def configurations(numbers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All rows as the default, and those of each category; every file is there once.

    Each tells the content: `datasets` caches a local folder by its name and its configurations,
    and would go on giving a copy with images that have been removed since.
    """
    content = f"SHA-256 of metadata.jsonl: {numbers['content']}"
    parts = {
        config_name(category): [s for s in SPLITS if any(row[s] for row in rows)]
        for category, rows in numbers["categories"].items()
    }
    whole = [
        {"split": s, "path": [f"{name}/{s}-*" for name, there in parts.items() if s in there]}
        for s in numbers["splits"]
    ]
    return [
        {"config_name": "default", "default": True, "description": content, "data_files": whole},
        *(
            {
                "config_name": name,
                "description": content,
                "data_files": [{"split": s, "path": f"{name}/{s}-*"} for s in there],
            }
            for name, there in parts.items()
        ),
    ]


def rendered(template: str, numbers: Mapping[str, Any]) -> str:
    """A template of this room, filled in."""
    environment = Environment(
        loader=PackageLoader("unskew.curate.sets"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown
    )
    # Whatever rows or another set say is anybody's; an address is to be copied as it is.
    environment.filters["escaped"] = escaped
    environment.filters["code"] = code
    environment.filters["config"] = config_name
    environment.filters["interval"] = _interval
    return environment.get_template(template).render(**numbers, few=FEW, all_splits=SPLITS)


def _interval(found: Mapping[str, Any]) -> str:
    """An agreement with its interval, or with why it has none."""
    if found["value"] is None:
        return f"undefined: {escaped(found['reason'])}"
    if found["low"] is None:
        return f"{found['value']:.2f} ({escaped(found['reason'])})"
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"
