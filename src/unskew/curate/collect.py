"""Collect images from sources into a folder, go on after a kill, and never twice the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from unskew.curate.collection import Collection, record_id
from unskew.curate.download import Downloader, OutOfReachError
from unskew.curate.images import NoImageError, read_image, store_image
from unskew.curate.queries import Query, taxonomy_queries
from unskew.curate.record import Record
from unskew.curate.sources.base import Found, Source, SourceError
from unskew.curate.sources.named import open_source
from unskew.curate.sources.patience import UnreachableError
from unskew.errors import InputError

_EVERYTHING = Query("")
# Images whose records are made durable together; a kill loses as many downloads at most.
_BATCH = 16
# Searches are counted by services: no more are made while none of so many images can be fetched.
_OUT_OF_REACH = 5


@dataclass(frozen=True)
class Collected:
    """What a run has added.

    Attributes:
        folder: where the collection lies.
        new: records of this run. total: of the collection.
        problems: new records without an image; they say why.
        unreached: images that could not be reached now; the next run tries again.
        unlabelled: labels of folders or exports that the taxonomy does not have or has twice;
            their images have no proposed subgroup.
    """

    folder: Path
    new: int
    total: int
    problems: int
    unreached: int
    unlabelled: tuple[str, ...]


def collect(
    sources: Sequence[Source],
    queries: Sequence[Query],
    out: str | Path,
    *,
    per_query: int = 100,
    downloader: Downloader | None = None,
) -> Collected:
    """Ask every source every query, and keep what they find in the folder `out`.

    A run that was killed goes on where it was; one that was finished looks for what is new. An
    image that two queries find has the record of the first. Of a source that refuses, the rest
    is left out, and the others go on.

    Args:
        sources: see `unskew.curate.sources`.
        queries: see `taxonomy_queries`; folders and exports are read whole and need none.
        out: the collection's folder, which is made or added to.
        per_query: how many of the images that a service finds for a query are looked at.
        downloader: how images are fetched.

    Raises:
        InputError: two sources have one name, sources need queries, `out` cannot be written, or
            sources failed; what was collected is kept in every case.
    """
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two sources have the name {name!r}: name each once")
    if per_query < 1:
        raise InputError(f"per_query must be at least 1, got {per_query}")
    asked = [source.name for source in sources if source.by_keyword]
    if asked and not queries:
        raise InputError(f"{asked[0]} is searched by keyword: give queries")
    with Collection(out) as collection:
        run = _Run(collection, downloader or Downloader(), per_query)
        failures = []
        for source in sources:
            try:
                run.take(source, queries if source.by_keyword else [_EVERYTHING])
            except SourceError as error:
                failures.append(f"{source.name}: {error}")
        if failures:
            raise InputError(
                f"{'; '.join(failures)}; what was collected is kept in {collection.folder} "
                f"({run.new} new records): run it again to go on"
            )
        collection.finish()
        return run.result()


def collect_named(
    sources: Sequence[str],
    out: str | Path,
    *,
    categories: Sequence[str] | None = None,
    subgroups: Sequence[str] | None = None,
    per_query: int = 100,
) -> Collected:
    """`collect` from sources by name, with the taxonomy's queries for the subgroups wanted.

    Args:
        sources: see `open_source`.
        categories, subgroups: what services are searched for; left out, everything.

    Raises:
        NotFoundError, InputError: see `open_source`, `taxonomy_queries` and `collect`.
    """
    opened = [open_source(name) for name in sources]
    if (categories or subgroups) and not any(source.by_keyword for source in opened):
        raise InputError(
            f"{sources[0]} is read whole: categories and subgroups are for services, "
            "which are searched"
        )
    queries = taxonomy_queries(categories or None, subgroups or None)
    return collect(opened, queries, out, per_query=per_query)


@dataclass
class _Run:
    collection: Collection
    downloader: Downloader
    per_query: int
    new: int = 0
    problems: int = 0
    unreached: int = 0
    unlabelled: dict[str, None] = field(default_factory=dict)

    def take(self, source: Source, queries: Sequence[Query]) -> None:
        with tqdm(unit="image", desc=source.name, disable=None, delay=2, leave=False) as progress:
            for query in queries:
                for count in self._search(source, query):
                    progress.update(count)

    def result(self) -> Collected:
        return Collected(
            folder=self.collection.folder,
            new=self.new,
            total=len(self.collection.log),
            problems=self.problems,
            unreached=self.unreached,
            unlabelled=tuple(sorted(self.unlabelled)),
        )

    def _search(self, source: Source, query: Query) -> Iterator[int]:
        """Yields how many images a page had."""
        search = "\n".join((source.name, source.place, query.text))
        state = self.collection.progress(search)
        if state["done"]:
            return
        taken = state["taken"]
        for page in source.pages(query, state["after"]):
            found = page.found
            if source.by_keyword:
                found = found[: self.per_query - taken]
            unreached = self.unreached
            for start in range(0, len(found), _BATCH):
                self._keep(source, query, found[start : start + _BATCH])
            if source.by_keyword and self.unreached - unreached == len(found) >= _OUT_OF_REACH:
                raise SourceError(f"none of {len(found)} images could be fetched: try again later")
            taken += len(found)
            enough = source.by_keyword and taken >= self.per_query
            done = page.after is None or enough
            self.collection.note_progress(search, page.after, taken, done)
            yield len(found)
            if done:
                return

    def _keep(self, source: Source, query: Query, found: Sequence[Found]) -> None:
        records: dict[str, Record] = {}
        try:
            for item in found:
                if item.unknown:
                    self.unlabelled[item.unknown] = None
                identity = record_id(item.source or source.name, item.key)
                if identity not in self.collection.log and identity not in records:
                    record = self._record(source, query, item)
                    if record is not None:
                        records[identity] = record
        finally:  # also of a batch that an error or the user has ended
            self.collection.add(list(records.values()))
            self.new += len(records)

    def _record(self, source: Source, query: Query, item: Found) -> Record | None:
        image = problem = None
        try:
            content = self._content(item)
        except NoImageError as error:
            problem = str(error)
            self.problems += 1
        except OutOfReachError:
            raise
        except UnreachableError:
            self.unreached += 1
            return None
        else:
            suffix = item.file.suffix.lower() if item.file else ""
            image = store_image(self.collection.folder, content, suffix)
        return self.collection.record(item, source.name, query, image, problem)

    def _content(self, item: Found) -> bytes:
        if item.file is not None:
            return read_image(item.file, self.downloader.limit)
        return self.downloader.fetch(item.url)
