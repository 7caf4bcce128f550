"""Asking again: what is safe to ask twice, how often, and how long to wait between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException

from .problem import NoAnswerError, ProblemError
from .transport import Response


@dataclass(frozen=True)
class Patience:
    """How often and how patiently it is asked: enough for a restart of what is asked."""

    tries: int = 6
    """Tries at most, the first one included."""
    pause: float = 0.1
    """Seconds before the second try; twice as many before each that follows."""
    pause_max: float = 10
    """Seconds at most between two tries, whatever `Retry-After` says."""
    timeout: float = 35
    """Seconds that a server may be silent in one try."""


PATIENCE = Patience()
"""What holds where nobody says."""

_AGAIN = frozenset({408, 429, 502, 503, 504})
"""Statuses after which the same may be asked again as it is."""


def patiently(
    ask: Callable[[], Response],
    patience: Patience,
    *,
    repeatable: bool,
    key: str | None,
    chance: Callable[[], float] = random.random,
) -> Response:
    """Asks until there is an answer that is not for now alone, or patience ends."""
    tries = patience.tries if repeatable else 1
    tried = 0
    while True:
        tried += 1
        wanted = 0
        failed: ProblemError | NoAnswerError
        try:
            answer = ask()
        except (OSError, HTTPException) as error:
            failed = NoAnswerError(key)
            failed.__cause__ = error
        else:
            if 200 <= answer.status < 300 or answer.status == 304:
                return answer
            failed = ProblemError(answer.status, answer.body, answer.headers)
            if answer.status not in _AGAIN:
                raise failed
            wanted = failed.retry_after or 0
        if tried >= tries:
            raise failed
        # Not all at once: half of the pause, and some of the other half.
        pause = patience.pause * 2.0 ** (tried - 1) * (0.5 + chance() / 2)
        time.sleep(min(max(pause, wanted), patience.pause_max))
