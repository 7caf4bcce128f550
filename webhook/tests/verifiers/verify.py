"""What a receiver in Python does: verifies a webhook by standardwebhooks, reads it by cloudevents.

Standard input is {"secret", "headers", "body"}; standard output what was read, as JSON, or
"refused".
"""

import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

asked = json.load(sys.stdin)
headers, body = asked["headers"], asked["body"].encode()
try:
    Webhook(asked["secret"]).verify(body, headers)
except WebhookVerificationError:
    print(json.dumps("refused"))
    sys.exit()
event = from_http_event(HTTPMessage(headers=headers, body=body))
print(
    json.dumps(
        {
            "specversion": event.get_specversion(),
            "id": event.get_id(),
            "source": event.get_source(),
            "type": event.get_type(),
            "subject": event.get_subject(),
            "time": event.get_time().timestamp(),
            "datacontenttype": event.get_datacontenttype(),
            "sequence": event.get_extension("sequence"),
            "data": event.get_data(),
        }
    )
)
