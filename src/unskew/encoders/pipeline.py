"""Run a function over items in threads, in order, with a bounded number in flight."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[int, Item], Result], items: Iterable[Item], workers: int, ahead: int
) -> Iterator[Result]:
    """`function(index, item)` for every item, in order.

    `ahead` results at most are under way or waiting, so memory does not grow with the number of
    items, and the workers keep busy while the caller uses what it was given.
    """
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="unskew-images")
    try:
        for index, item in enumerate(items):
            waiting.append(pool.submit(function, index, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
