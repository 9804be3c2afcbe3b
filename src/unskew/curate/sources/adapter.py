"""What clients built on requests lack: patience, an address of one's own, and a hidden key."""

from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from unskew.curate.sources.patience import Caller, Patience


class PatientAdapter(HTTPAdapter):
    """Sends every request of a `requests.Session` with patience.

    `moved`: a server that the client insists on, and the one that is asked instead. `headers`:
    put on those requests, and on no redirected one, after the client has logged its own.
    `status`: of the last answer, for what the client does not tell of it.
    """

    def __init__(
        self,
        service: str,
        patience: Patience,
        moved: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._caller = Caller(service, patience)
        self._timeout = patience.timeout
        self._moved = moved
        self._headers = dict(headers or {})
        self.status: int | None = None

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Raises UnreachableError once patience is at its end."""
        if self._moved and request.url:
            old, new = (server.rstrip("/") + "/" for server in self._moved)
            if request.url.startswith(old):
                request.url = request.url.replace(old, new, 1)
                request.headers.update(self._headers)
        options["timeout"] = self._timeout

        def attempt() -> requests.Response:
            response = super(PatientAdapter, self).send(request, **options)
            response.content  # noqa: B018  read here, so that a cut answer is asked for again
            return response

        response = self._caller.ask(attempt, (requests.RequestException,))
        self.status = response.status_code
        return response


def patient_session(adapter: PatientAdapter) -> requests.Session:
    """A session whose requests all go through the adapter."""
    session = requests.Session()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
