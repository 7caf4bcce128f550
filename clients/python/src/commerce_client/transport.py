"""How a request gets to a server: by the standard library, or by what a user gives instead."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from typing import TypeAlias
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """What is sent. Its `repr` shows neither who asks nor what they say."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout: float
    """Seconds that the server may be silent."""
    repeatable: bool
    """Whether it may be asked again; if not, a connection that may be gone is not for it."""


@dataclass(frozen=True)
class Response:
    """What came back, whole, whatever its status. Headers are found by names in small letters."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


Transport: TypeAlias = Callable[[Request], Response]
"""Sends a request once. Where no answer comes, it raises an `OSError`. Threads may share it."""


class _Kept(dict[tuple[int, str, str, float], HTTPConnection]):
    """Connections that end when their thread does, or nobody asks by them any more."""

    def __del__(self) -> None:
        for connection in self.values():
            connection.close()


class Connections(threading.local):
    """The transport by default: each thread keeps its connections open."""

    def __init__(self) -> None:
        self._kept = _Kept()

    def __call__(self, request: Request) -> Response:
        parts = urlsplit(request.url)
        # A process that was forked must not hear what its parent asked.
        place = (os.getpid(), parts.scheme, parts.netloc, request.timeout)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = self._kept.pop(place, None) or kind(parts.netloc, timeout=request.timeout)
        if not request.repeatable:
            # The server may have ended what was kept, and nobody could tell whether it was heard.
            connection.close()
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            connection.request(request.method, target, request.body, dict(request.headers))
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            response = Response(answer.status, headers, answer.read())
        except BaseException:
            connection.close()
            raise
        self._kept[place] = connection
        return response
