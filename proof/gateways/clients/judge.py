"""Judges what was asked of PayPal by PayPal's own schemas; what the engine asked, by

    export ASKED_FOLDER=$(mktemp -d)
    cargo xtask test -p gateways -- engine
    PAYPAL_SCHEMAS=… python3 proof/gateways/clients/judge.py $ASKED_FOLDER

PAYPAL_SCHEMAS is a folder with PayPal's OpenAPI files checkout_orders_v2.json and
payments_payment_v2.json. Of requirements.txt it needs jsonschema alone.
"""

import json
import os
import pathlib
import sys

# What each request's body has to be.
BODIES = [
    ("checkout_orders_v2.json", "/v2/checkout/orders", "order_request"),
    ("checkout_orders_v2.json", "/authorize", "order_authorize_request"),
    ("payments_payment_v2.json", "/capture", "capture_request"),
    ("payments_payment_v2.json", "/refund", "refund_request"),
]


def judge(asked):
    """Judges these requests; how many had a body."""
    import jsonschema

    count = 0
    for name, ending, schema in BODIES:
        with open(os.path.join(os.environ["PAYPAL_SCHEMAS"], name)) as file:
            document = json.load(file)
        by = jsonschema.Draft4Validator(
            {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
        )
        assert not by.is_valid({"amount": 7, "intent": "BOGUS", "payment_source": 7}), schema
        for request in asked:
            if request["method"] == "POST" and request["path"].endswith(ending) and request["body"]:
                by.validate(json.loads(request["body"]))
                count += 1
    return count


def main():
    files = list(pathlib.Path(sys.argv[1]).glob("*.json"))
    asked = [request for file in files for request in json.loads(file.read_text())]
    count = judge(asked)
    assert count > 5, count
    print(f"{count} bodies of {len(files)} tests are as PayPal wants them")


if __name__ == "__main__":
    main()
