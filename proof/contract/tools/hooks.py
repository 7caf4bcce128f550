"""What a document cannot say to who asks by it."""

import os
import uuid

import schemathesis
from schemathesis.checks import CHECKS
from schemathesis.specs.openapi import checks
from urllib3.util import SKIP_HEADER

as_described = checks.response_schema_conformance
CHECKS.unregister(as_described.__name__)


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """A body of lines is sent as it stands."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Commands that follow each other have keys of their own, or they would be one command."""
    if os.environ.get("OWN_KEYS") and case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


def is_empty(value):
    """Whether nothing of it stands in a query. Of an object its names are sent."""
    if isinstance(value, (list, dict)):
        return all(is_empty(one) for one in value)
    return value in ("", None)


@schemathesis.hook
def filter_case(context, case):
    """A parameter that is empty counts as one that is not there, so that nothing is wrong with it.
    A word by which urllib3 is told to leave a header out cannot be sent as one."""
    if case.headers and SKIP_HEADER in case.headers.values():
        return False
    return not case.query or not any(is_empty(value) for value in case.query.values())


@schemathesis.check
def response_schema_conformance(ctx, response, case):
    """What was not asked for is missing, also what a schema has to be there: no schema can say so.
    What is there then is for query-api's own tests."""
    if (case.query or {}).get("fields") and response.status_code == 200:
        return None
    return as_described(ctx, response, case)
