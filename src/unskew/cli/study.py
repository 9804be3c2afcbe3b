"""``unskew study``: the experiments of the papers on classifiers, one command each."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from unskew.cli.parts import two_parts
from unskew.errors import InputError

study = typer.Typer(help="Study classifiers trained on biased images.", no_args_is_help=True)

Scale = Annotated[
    Literal["smoke", "small", "paper"],
    typer.Option(
        help="smoke: under two minutes; small: under 40 minutes on two cores; paper: the full "
        "setting, for a GPU."
    ),
]
Seeds = Annotated[int, typer.Option(help="Trainings of each row, each with its own seed.")]
Jobs = Annotated[
    int | None,
    typer.Option(help="Trainings at once. Default: one on a GPU, else one per core."),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        help="Of UTKFace, as gender/age: the class to tell, and the sensitive attribute; "
        "repeat. Default: gender/age and age/race."
    ),
]
Methods = Annotated[
    list[str] | None,
    typer.Option(help="Row to train, beside no intervention; repeat. Default: all."),
]
Out = Annotated[
    Path, typer.Option(help="Folder for tables and figures. A stopped run goes on from here.")
]


@study.command()
def objectives(
    colored_mnist: Annotated[
        str | None, typer.Option(help="MNIST: a Hub id or a folder, coloured here.")
    ] = None,
    corrupted_cifar10: Annotated[
        str | None, typer.Option(help="CIFAR-10: a Hub id or a folder, corrupted here.")
    ] = None,
    biased_faces: Annotated[
        str | None, typer.Option(help="Faces labelled in age and gender, chosen as for BFFHQ.")
    ] = None,
    bffhq: Annotated[str | None, typer.Option(help="The folder of BFFHQ as released.")] = None,
    conflict_ratio: Annotated[
        float, typer.Option(help="Share of training images that conflict with the bias.")
    ] = 0.05,
    scale: Scale = "small",
    seeds: Seeds = 3,
    jobs: Jobs = None,
    out: Out = Path("study-objectives"),
) -> None:
    """Train ResNet18 with six objectives on biased images, and compare its layers (CKA)."""
    from unskew.classify.studies.named import objective_sets
    from unskew.classify.studies.objective_report import document, save
    from unskew.classify.studies.objectives import study_objectives

    _check(seeds=seeds, jobs=jobs)
    sets, sizes = objective_sets(
        scale,
        conflict_ratio,
        colored_mnist=colored_mnist,
        corrupted_cifar10=corrupted_cifar10,
        biased_faces=biased_faces,
        bffhq=bffhq,
    )
    found = study_objectives(
        sets, out, scale=scale, seeds=range(seeds), image_sizes=sizes, jobs=jobs
    )
    save(found, out)
    typer.echo(document(found))
    typer.echo(f"Tables and figures: {out}")


@study.command("vlm-debias")
def vlm_debias(
    model: Annotated[
        str, typer.Argument(help="Dual encoder that sees the groups: a Hub id or unskew/mini.")
    ],
    utkface: Annotated[
        str | None, typer.Option(help="UTKFace: a Hub id or a folder; studied in --task.")
    ] = None,
    celeba: Annotated[
        str | None, typer.Option(help="CelebA: a Hub id or a folder; blond hair by gender.")
    ] = None,
    colored_mnist: Annotated[
        str | None,
        typer.Option(help="MNIST: a Hub id or a folder; coloured here, with labelled groups."),
    ] = None,
    conflict_ratio: Annotated[
        float, typer.Option(help="Share of its training images that conflict with the bias.")
    ] = 0.01,
    task: Tasks = None,
    method: Methods = None,
    ablations: Annotated[
        bool, typer.Option(help="Also vary the momentum, and correct a part of the groups.")
    ] = False,
    scale: Scale = "small",
    seeds: Seeds = 3,
    jobs: Jobs = None,
    out: Out = Path("study-vlm-debias"),
) -> None:
    """Train classifiers whose groups MODEL saw in the images, beside six other methods."""
    from unskew.classify.studies.named import vlm_tasks
    from unskew.classify.studies.vlm_debias import study_vlm_debias
    from unskew.classify.studies.vlm_report import document, save
    from unskew.encoders import DualEncoder

    _check(seeds=seeds, jobs=jobs)
    pairs = [two_parts(t, "/", "--task", "gender/age") for t in task or ("gender/age", "age/race")]
    if task and utkface is None:
        raise InputError("--task is of UTKFace: give --utkface, too")
    tasks = vlm_tasks(
        pairs,
        utkface=utkface,
        celeba=celeba,
        colored_mnist=colored_mnist,
        conflict_ratio=conflict_ratio,
    )
    encoder = DualEncoder.from_pretrained(model)
    found = study_vlm_debias(
        tasks,
        encoder,
        out,
        scale=scale,
        seeds=range(seeds),
        methods=method,
        ablations=ablations,
        jobs=jobs,
    )
    save(found, out)
    typer.echo(document(found))
    typer.echo(f"Tables and figures: {out}")


def _check(**counts: int | None) -> None:
    for name, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"--{name} is {count}; give at least 1")
