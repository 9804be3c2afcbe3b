"""What can go wrong between a client and the Hub, planned for chosen requests."""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["status", "reset", "reset halfway", "answer lost", "slow", "slow answer"]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: "status": answered with `status`, undone. "reset": the connection breaks before
            anything is read. "reset halfway": in the middle of what is sent. "answer lost": done,
            and the connection breaks instead of an answer. "slow": nothing for `seconds`, then
            undone. "slow answer": done, and answered `seconds` late.
        status: of kind "status".
        seconds: of the slow kinds.
        error_code: the header by which the Hub says which thing it is that is not there.
        retry_after, ratelimit: the headers by which it asks to wait.
    """

    kind: Kind
    status: int = 500
    seconds: float = 0.0
    error_code: str | None = None
    retry_after: int | None = None
    ratelimit: str | None = None

    def __str__(self) -> str:
        """The name of a test with it."""
        return self.kind if self.kind != "status" else str(self.status)


PASSING = (
    Fault("status", 500),
    Fault("status", 503),
    Fault("status", 429, retry_after=7),
    Fault("reset"),
    Fault("reset halfway"),
    Fault("answer lost"),
    Fault("slow answer", seconds=0.7),
)
"""What may go wrong once without anything being lost."""
REFUSING = tuple(Fault("status", code) for code in (401, 403, 404, 409))


@dataclass(frozen=True)
class _Planned:
    fault: Fault
    number: int | None
    pattern: re.Pattern[str] | None


class Faults:
    """The plan, and a log of every request: "POST /api/repos/create"."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.injected: list[str] = []
        self._plan: list[_Planned] = []

    def at(self, number: int, fault: Fault) -> None:
        """Let the request of that number, from 0, since `clear` go wrong."""
        self._plan.append(_Planned(fault, number, None))

    def on(self, pattern: str, fault: Fault) -> None:
        """Let every request whose "METHOD /path" has the pattern go wrong."""
        self._plan.append(_Planned(fault, None, re.compile(pattern)))

    def clear(self) -> None:
        """Forget plan and log."""
        self.requests.clear()
        self.injected.clear()
        self._plan.clear()

    def next(self, request: str) -> Fault | None:
        """Note a request, and what is to go wrong with it."""
        if "/api/agent-harnesses" in request:  # once a day, and nothing hangs on it
            return None
        self.requests.append(request)
        for planned in self._plan:
            here = planned.number == len(self.requests) - 1
            if here or (planned.pattern is not None and planned.pattern.search(request)):
                self.injected.append(request)
                return planned.fault
        return None
