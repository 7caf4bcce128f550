"""A typed client of the commerce engine.

Commands go to one API and reads to another; both are asked again where that may help, a command
under one key, so that it is done once.
"""

from .client import Answer, Client, Token
from .generated.command_api import CommandApi
from .generated.query_api import QueryApi
from .problem import NoAnswerError, ProblemError
from .retry import PATIENCE, Patience
from .transport import Connections, Request, Response, Transport

__all__ = [
    "PATIENCE",
    "Answer",
    "Client",
    "CommandApi",
    "Connections",
    "NoAnswerError",
    "Patience",
    "ProblemError",
    "QueryApi",
    "Request",
    "Response",
    "Token",
    "Transport",
    "commands",
    "reads",
]


def commands(
    url: str,
    *,
    token: Token = None,
    patience: Patience = PATIENCE,
    transport: Transport | None = None,
) -> CommandApi:
    """Sends commands to the API at this address, as `https://shop.example/commands`."""
    return CommandApi(Client(url, token=token, patience=patience, transport=transport))


def reads(
    url: str,
    *,
    token: Token = None,
    patience: Patience = PATIENCE,
    transport: Transport | None = None,
) -> QueryApi:
    """Reads from the API at this address."""
    return QueryApi(Client(url, token=token, patience=patience, transport=transport))
