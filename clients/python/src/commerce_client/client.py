"""One API, asked patiently: what every operation of it is sent by."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypedDict, TypeVar
from urllib.parse import quote, urlencode

from .retry import PATIENCE, Patience, patiently
from .transport import Connections, Request, Response, Transport

T_co = TypeVar("T_co", covariant=True)

Token: TypeAlias = str | Callable[[], str | None] | None
"""Who asks: a token, or what gets one before each request."""

_WAIT = 10
"""Seconds that a read waits for what a command has done, where nobody says."""


@dataclass(frozen=True)
class Answer(Generic[T_co]):
    """An answer with what stands in its headers."""

    data: T_co
    """What was answered; nothing where the status is 204 or 304."""
    status: int
    etag: str | None
    log_id: str | None
    """The log it is of."""
    replayed: bool
    """Whether this is what the key got first."""
    headers: Mapping[str, str]
    """By their names in small letters."""


class Positioned(TypedDict):
    """What has a place in the log, as the answer to a command."""

    position: int


class PlainOptions(TypedDict, total=False):
    """What may be said beside what is asked."""

    headers: Mapping[str, str]
    """Other headers."""


class CommandOptions(PlainOptions, total=False):
    """What may be said beside a command."""

    key: str
    """Under which it takes effect once; made up once a call where none is given."""
    if_match: str
    """The `ETag` that was read: refused with 412 if it has changed since."""
    representation: bool
    """Whether its answer is the document as the command has left it."""


class ReadOptions(PlainOptions, total=False):
    """What may be said beside a read."""

    after: Answer[Positioned]
    """
    As new as what this answer to a command tells of, so that it shows what the command has done. It
    waits for that as long as `wait` says.
    """
    wait: int
    """Seconds that it may wait to be as new as was asked; ten where it is to be."""


class Client:
    """An API at an address, and who asks it."""

    def __init__(
        self,
        url: str,
        *,
        token: Token = None,
        patience: Patience = PATIENCE,
        transport: Transport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._patience = patience
        self._transport = transport or Connections()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        lines: Iterable[object] | None = None,
        keyed: bool = False,
        key: str | None = None,
        if_match: str | None = None,
        representation: bool = False,
        after: Answer[Positioned] | None = None,
        wait: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer[Any]:
        """Asks what an operation is for; `keyed` where it takes an idempotency key."""
        fresh = {} if after is None else {"min_position": after.data["position"]}
        url = self._url + path + _written(fresh | _said(query or {}))
        # Made once a call, whatever comes of the first try: all of them are one command. What takes
        # no key would be done once a try.
        once = (key or str(uuid.uuid4())) if keyed else None
        repeatable = method == "GET" or keyed
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if once is not None:
            sent["idempotency-key"] = once
        if if_match is not None:
            sent["if-match"] = if_match
        if representation:
            sent["prefer"] = "return=representation"
        if after is not None or wait is not None:
            sent["prefer"] = f"wait={_WAIT if wait is None else wait}"
        content: bytes | None = None
        if body is not None:
            sent["content-type"] = "application/json"
            content = json.dumps(body).encode()
        elif lines is not None:
            sent["content-type"] = "application/x-ndjson"
            content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)

        def once_more() -> Response:
            token = self._token() if callable(self._token) else self._token
            who = {} if token is None else {"authorization": f"Bearer {token}"}
            timeout = self._patience.timeout
            return self._transport(Request(method, url, sent | who, content, timeout, repeatable))

        answer = patiently(once_more, self._patience, repeatable=repeatable, key=once)
        return Answer(
            data=_read(answer),
            status=answer.status,
            etag=answer.headers.get("etag"),
            log_id=answer.headers.get("log-id"),
            replayed=answer.headers.get("idempotent-replayed") == "true",
            headers=answer.headers,
        )


class Operations:
    """Operations of an API, asked by a client."""

    def __init__(self, client: Client) -> None:
        self._client = client


def place(value: str) -> str:
    """A parameter as it stands in a path."""
    return quote(value, safe="")


def _said(query: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in query.items() if value is not None}


def _written(query: Mapping[str, object]) -> str:
    """A query, of which a list is said once for each that is in it."""
    pairs = [
        (name, str(one).lower() if isinstance(one, bool) else str(one))
        for name, value in query.items()
        for one in (value if isinstance(value, list | tuple) else [value])
    ]
    return "?" + urlencode(pairs) if pairs else ""


def _read(answer: Response) -> Any:
    if not answer.body:
        return None
    if answer.headers.get("content-type", "").startswith("application/x-ndjson"):
        return [json.loads(line) for line in answer.body.splitlines() if line.strip()]
    return json.loads(answer.body)
