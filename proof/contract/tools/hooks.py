"""How a body of lines is sent: as it stands."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else b"\n".join([str(value).encode()])
