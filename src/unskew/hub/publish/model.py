"""A debiased model with its measured report: the files of a model repository."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unskew.audit import AuditReport
from unskew.audit.save import UTILITY
from unskew.encoders import Debiaser
from unskew.encoders.folder import DESCRIPTION, FILES, check_unmerged, contents, owned_towers
from unskew.encoders.loading import check_dual_encoder
from unskew.encoders.merging import merged_files
from unskew.encoders.publishable import is_local, places, publishable, without_places
from unskew.errors import InputError, NotFoundError
from unskew.hub.cards import CARD, checked
from unskew.hub.model_card import PEOPLE, RESULTS, model_card, people_say, results
from unskew.hub.publish.bundle import Bundle

REPORT = "report"
EVAL_RESULTS = ".eval_results/unskew.yaml"
OWNED = (*FILES, CARD, RESULTS, EVAL_RESULTS, f"{REPORT}/*")
REQUIRED = ("library_name", "pipeline_tag", "tags", "model-index")


def model_bundle(folder: Path, repo_id: str, merged_into: Path | None = None) -> Bundle:
    """The model, its card, and the report that the card is made from.

    Of what lies on this disk only names are published, no paths: where the report has any, it is
    written again without them.

    Args:
        folder: of what `unskew debias` has made.
        repo_id: "you/name".
        merged_into: an empty folder for the whole weights with the adapter merged in, which are
            then published in the adapter's place; keep it until the bundle is sent.

    Raises:
        NotFoundError: the folder holds no debiased model, or no report beside it.
        InputError: it holds a model that is no dual encoder, or none whose weights can be merged,
            or one that is merged already, or files are damaged.
    """
    debiaser, said = _debiaser(folder), people_say(folder)
    report_folder = folder / REPORT
    if not (report_folder / "report.json").is_file():
        raise NotFoundError(
            f"{folder} has no {REPORT}/report.json, which the card is made from: debias again, or "
            "copy the folder whole"
        )
    report = AuditReport.load(report_folder)
    utility = _utility(report_folder)
    found = [debiaser.base, report.notes, [d.name for d in report.datasets]]
    found += [s.name for s in report.stimuli]
    found += [u["dataset"] for u in utility if u["measure"] != "mean"]  # of several sets
    paths = places([*found, debiaser.settings])
    local = is_local(debiaser.base)
    if local:
        paths.add(debiaser.base)
    report = AuditReport.from_dict(without_places(report.to_dict(), sorted(paths)))
    public = publishable(debiaser)
    files: dict[str, bytes | Path] = {**contents(public)}
    towers = None
    if merged_into is not None:
        files, towers = merged_files(folder, merged_into)
    files |= _report_files(report, report_folder, unchanged=not paths)
    if utility:
        utility = without_places(utility, sorted(paths))
        files[f"{REPORT}/{UTILITY}"] = _json(utility)
    numbers = results(public, report, utility)
    pictures = _pictures(report, files)
    index = report.to_model_index()
    card = model_card(public, numbers, index, said, repo_id, pictures, local, towers)
    checked(card, REQUIRED, "the model's card")
    files |= {CARD: card.encode(), RESULTS: _json(numbers)}
    files |= _eval_results(report)
    return Bundle(
        "model",
        files,
        f"Debiased with {debiaser.method}",
        DESCRIPTION,
        OWNED,
        _warnings(debiaser, said, folder, towers is not None),
        owned_towers,
    )


def _debiaser(folder: Path) -> Debiaser:
    if not folder.is_dir():
        raise NotFoundError(f"there is no folder {folder}")
    if not (folder / DESCRIPTION).is_file():
        if (folder / "config.json").is_file():
            check_dual_encoder(str(folder), local=True)
        raise NotFoundError(
            f"{folder} has no {DESCRIPTION}, so it holds no debiased model: `unskew debias` makes "
            "one"
        )
    debiaser = Debiaser.from_pretrained(folder)
    check_unmerged(debiaser)
    return debiaser


def _utility(folder: Path) -> list[dict[str, Any]]:
    path = folder / UTILITY
    if not path.is_file():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    return list(rows)


def _report_files(report: AuditReport, folder: Path, unchanged: bool) -> dict[str, bytes | Path]:
    """The report and its figures; drawn again where names in it had to change."""
    with tempfile.TemporaryDirectory(prefix="unskew-publish-") as scratch:
        source = folder if unchanged else report.save(scratch)
        named = [source / "report.json", source / "report.md", *(source / "figures").glob("*.png")]
        return {
            f"{REPORT}/{p.relative_to(source).as_posix()}": p.read_bytes()
            for p in named
            if p.is_file()
        }


def _pictures(report: AuditReport, files: Mapping[str, object]) -> list[tuple[str, str]]:
    """Those that show intervals from before to after, else those that show them after."""
    from unskew.audit.pictures import pictures

    every = [p.picture for p in pictures(report) if f"{REPORT}/{p.picture.file}" in files]
    moved = [p for p in every if "-arrows-" in p.file] or [p for p in every if "-bars-" in p.file]
    return [(f"{REPORT}/{p.file}", p.alt) for p in moved]


def _eval_results(report: AuditReport) -> dict[str, bytes]:
    """The mean |d| on data sets of the Hub; the format has no place for any other."""
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = []
    for result in report.to_model_index()[0]["results"]:
        dataset, _, _ = result["dataset"]["type"].partition(":")
        if "/" not in dataset or is_local(dataset):
            continue
        metric = result["metrics"][0]
        what = f"{metric['name']}, {result['dataset']['name']}, {result['task']['name']}"
        task = result["dataset"]["name"].rsplit(", ", 1)[-1].replace(" ", "_")
        entries.append(
            EvalResultEntry(
                dataset_id=dataset,
                task_id=f"weat_{task}",
                value=metric["value"],
                date=report.created,
                notes=f"{what}; {result['dataset']['args']['stimuli']}; unskew audit",
            )
        )
    if not entries:
        return {}
    listed = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False)
    return {EVAL_RESULTS: listed.encode()}


def _warnings(
    debiaser: Debiaser, said: Mapping[str, str], folder: Path, merged: bool
) -> tuple[str, ...]:
    found = []
    if is_local(debiaser.base) and not merged:
        found.append(
            f"the base model {debiaser.base} is a folder of this machine: nobody else can load "
            "this model until they have it too"
        )
    if debiaser.demonstration:
        found.append("the model is for demonstration only, and its card says so")
    if len(said) == 0:
        found.append(f"write what only people can say into {folder / PEOPLE}, by field")
    return tuple(found)


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
