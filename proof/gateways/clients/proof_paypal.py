"""The stand-in of PayPal, asked by PayPal's own client for Python, and judged by its schemas."""

import json
import os
import time
import urllib.parse
import urllib.request

import judge
from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

WEBHOOK = "stand-in-webhook"


class Page(urllib.request.HTTPRedirectHandler):
    """Shows where a page leads, and does not go there."""

    def redirect_request(self, request, stream, code, message, headers, to):
        return None


def choose(page, outcome):
    """The payer chooses on his page; where it leads."""
    form = urllib.parse.urlencode({"outcome": outcome}).encode()
    try:
        urllib.request.build_opener(Page).open(page, form)
    except urllib.error.HTTPError as answer:
        return answer.headers["location"]
    raise AssertionError("the page leads nowhere")


def prove(base, control, heard):
    checks = 0

    def check(holds, what):
        nonlocal checks
        assert holds, what
        checks += 1

    def refused(issue, ask):
        try:
            ask()
        except ErrorException as met:
            found = met.details[0].issue if met.details else met.name
            return check(found == issue, f"{found} is not {issue}")
        raise AssertionError(f"{issue} was expected")

    Configuration.environments[Environment.SANDBOX][Server.DEFAULT] = base
    client = PaypalServersdkClient(
        client_credentials_auth_credentials=ClientCredentialsAuthCredentials(
            "stand-in-client", "stand-in-secret"
        ),
        environment=Environment.SANDBOX,
    )
    orders, payments = client.orders, client.payments
    whole = "return=representation"

    def money(value):
        return {"currency_code": "EUR", "value": value}

    body = {
        "intent": "AUTHORIZE",
        "purchase_units": [{"custom_id": "p1:1", "amount": money("20.00")}],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "return_url": "https://shop.example/back",
                    "cancel_url": "https://shop.example/no",
                }
            }
        },
    }
    order = orders.create_order({"body": body, "paypal_request_id": "o1"}).body
    check(order.status == "PAYER_ACTION_REQUIRED", order.status)
    again = orders.create_order({"body": body, "paypal_request_id": "o1"}).body
    check(again.id == order.id, "the same id, the same order")
    authorize = {"id": order.id, "body": {}, "paypal_request_id": "a1", "prefer": whole}
    refused("PAYER_ACTION_REQUIRED", lambda: orders.authorize_order(authorize))
    page = next(link.href for link in order.links if link.rel == "payer-action")
    check(choose(page, "approve").startswith("https://shop.example/back?token="), "he comes back")
    allowed = orders.authorize_order(authorize).body
    authorization = allowed.purchase_units[0].payments.authorizations[0]
    check(authorization.status == "CREATED", authorization.status)

    def capture(key, value, **more):
        return payments.capture_authorized_payment(
            {
                "authorization_id": authorization.id,
                "paypal_request_id": key,
                "prefer": whole,
                "body": {"amount": money(value), **more},
            }
        ).body

    first = capture("c1", "5.00", invoice_id="i1")
    check(first.status == "COMPLETED", first.status)
    check(capture("c1", "5.00", invoice_id="i1").id == first.id, "the same id, the same capture")
    check(first.seller_receivable_breakdown.paypal_fee.value == "0.66", "the fee is told")
    refused("DUPLICATE_INVOICE_ID", lambda: capture("c2", "5.00", invoice_id="i1"))
    refused("MAX_CAPTURE_AMOUNT_EXCEEDED", lambda: capture("c3", "15.01"))

    def refund(key, value):
        return payments.refund_captured_payment(
            {
                "capture_id": first.id,
                "paypal_request_id": key,
                "prefer": whole,
                "body": {"amount": money(value), "custom_id": "p1:3:refund"},
            }
        ).body

    check(refund("r1", "3.00").status == "COMPLETED", "a part is given back")
    refused("REFUND_AMOUNT_EXCEEDED", lambda: refund("r2", "2.01"))
    check(refund("r3", "2.00").amount.value == "2.00", "and the rest")
    refused("CAPTURE_FULLY_REFUNDED", lambda: refund("r4", "1.00"))
    void = {"authorization_id": authorization.id, "prefer": whole, "paypal_request_id": "v1"}
    check(payments.void_payment(void).body.status == "VOIDED", "the rest is let go")
    refused("PREVIOUSLY_VOIDED", lambda: payments.void_payment({**void, "paypal_request_id": "v2"}))
    whole_order = orders.get_order({"id": order.id}).body
    found = whole_order.purchase_units[0].payments
    check(len(found.captures) == 1 and len(found.refunds) == 2, "all of it stands in the order")

    poor = orders.create_order({"body": body, "paypal_request_id": "o2"}).body
    choose(next(link.href for link in poor.links if link.rel == "payer-action"), "decline")
    refused(
        "INSTRUMENT_DECLINED",
        lambda: orders.authorize_order({"id": poor.id, "body": {}, "paypal_request_id": "a2"}),
    )

    wanted = {
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.AUTHORIZATION.CREATED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
        "PAYMENT.AUTHORIZATION.VOIDED",
    }
    deadline = time.monotonic() + 30
    while wanted and time.monotonic() < deadline:
        kinds = {json.loads(body)["event_type"] for _, body in list(heard)}
        checks += len(wanted & kinds)
        wanted -= kinds
        time.sleep(0.1)
    assert not wanted, f"not heard: {wanted}"
    return checks + judged(base)


def judged(base):
    """Judges what was sent by PayPal's schemas, if they are at hand."""
    if not os.environ.get("PAYPAL_SCHEMAS"):
        return 0
    count = judge.judge(json.load(urllib.request.urlopen(f"{base}/_control/requests")))
    assert count > 5, count
    return count
