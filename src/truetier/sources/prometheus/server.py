"""The HTTP API of a Prometheus server, as far as it is needed: counts per five minutes, a day at a time."""

from __future__ import annotations

import json
import math
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from truetier.errors import SourceError
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WINDOW = 300  # seconds
_AT_A_TIME = 86_400  # seconds: so much of every series lies in memory
_PATIENCE = 120.0  # seconds until the server has to have said something


class Series(NamedTuple):
    """One series of a day: its labels, and by the second at which each window ends what was counted in it."""

    labels: Mapping[str, str]
    counts: Mapping[int, float]


class Server:
    """A server that answers queries; ``token`` is shown to it as a bearer token.

    ``read`` and ``unusable`` count samples: those that came, and those of them that are no number. ``warnings`` are the server's.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.read = self.unusable = 0
        self.warnings: dict[str, None] = {}

    def counts(self, query: str, begin: int, end: int) -> Iterator[Series]:
        """What the query finds at the end of each window, days one after another, so that a series may come several times.

        Times are seconds and multiples of the window. Raises SourceError when the server does not answer, or not with series.
        """
        for day in range(begin, end, _AT_A_TIME):
            last = min(day + _AT_A_TIME, end)
            found = self._ask({"query": query, "start": day + WINDOW, "end": last, "step": WINDOW})
            if found.get("resultType") != "matrix":
                raise SourceError(f"{self.address}: the query finds no series over time: {query}")
            for item in found["result"]:
                counted = {}
                for time, value in item["values"]:
                    self.read += 1
                    number = float(value)
                    if math.isfinite(number) and number >= 0:
                        counted[round(time)] = number
                    else:
                        self.unusable += 1
                yield Series(item["metric"], counted)

    def _ask(self, parameters: Mapping[str, object]) -> dict[str, Any]:
        request = Request(f"{self.address.rstrip('/')}/api/v1/query_range", urlencode(parameters).encode(), self._headers)  # noqa: S310 - http or https
        try:
            with urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - the same
                said = json.load(answer)
        except HTTPError as error:
            raise SourceError(f"{self.address}: {_complaint(error)}: {parameters['query']}") from error
        except URLError as error:
            raise SourceError(f"{self.address}: cannot be reached: {error.reason}") from error
        except (OSError, HTTPException) as error:
            raise SourceError(f"{self.address}: stopped answering: {error!r}") from error
        except ValueError as error:
            raise SourceError(f"{self.address}: answers, but not as Prometheus does") from error
        if not isinstance(said, dict) or not isinstance(said.get("data"), dict):
            raise SourceError(f"{self.address}: answers, but not as Prometheus does")
        self.warnings.update(dict.fromkeys(map(str, said.get("warnings", ()))))
        data: dict[str, Any] = said["data"]
        return data


def _complaint(error: HTTPError) -> str:
    """What the server says is wrong, or at least its status."""
    try:
        said = json.load(error)
    except (ValueError, OSError):
        said = None
    reason = said.get("error") if isinstance(said, dict) else None
    return f"refuses the query: {reason}" if reason else f"answers with status {error.code} {error.reason}"
