"""What an API refuses, as RFC 9457 has it, and what is known where no answer came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .generated.command_api import FieldError


class ProblemError(Exception):
    """An answer that says no. Go by `code`, or by `status` where the code is a new one."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self.details = _details(body, headers)
        """The body of the refusal, with all figures; empty where it was none."""
        self.code = str(self.details.get("code", "unknown"))
        super().__init__(f"{status} {self.code}: {self.details.get('detail', 'no more is known')}")

    @property
    def passing(self) -> bool:
        """Whether the same request may do better later, under the same key."""
        return self.details.get("passing") is True

    @property
    def errors(self) -> list[FieldError]:
        """What is wrong with the request, each with its place."""
        errors: list[FieldError] = self.details.get("errors", [])
        return errors

    @property
    def retry_after(self) -> int | None:
        """How many seconds to wait before it is tried again, if that was said."""
        seconds = self.headers.get("retry-after", "")
        return int(seconds) if seconds.isdecimal() else None


class NoAnswerError(Exception):
    """No answer came, however often it was asked.

    Whether it was done is not known: ask again under the same `key`, where there is one. Its
    `__cause__` is what happened last.
    """

    def __init__(self, key: str | None) -> None:
        self.key = key
        super().__init__("no answer came")


def _details(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    if "json" not in headers.get("content-type", ""):
        return {}
    try:
        details = json.loads(body)
    except ValueError:
        return {}
    return details if isinstance(details, dict) else {}
