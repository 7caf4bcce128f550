"""The stand-in of Stripe, asked by Stripe's own client for Python."""

import time

import stripe

KEY = "sk_test_stand_in"
SECRET = "whsec_stand_in"


def prove(base, control, heard):
    checks = 0

    def check(holds, what):
        nonlocal checks
        assert holds, what
        checks += 1

    def refused(error, code, ask):
        try:
            ask()
        except error as met:
            return check(met.code == code, f"{met.code} is not {code}")
        raise AssertionError(f"{code} was expected")

    client = stripe.StripeClient(
        KEY, base_addresses={"api": base}, max_network_retries=0
    )
    intents, refunds = client.v1.payment_intents, client.v1.refunds
    card = {
        "amount": 2000,
        "currency": "eur",
        "payment_method": "pm_card_visa",
        "payment_method_types": ["card"],
        "capture_method": "manual",
        "confirm": True,
        "metadata": {"payment_id": "p1"},
    }

    made = intents.create(card, {"idempotency_key": "k1"})
    check(made.status == "requires_capture", made.status)
    check(made.amount_capturable == 2000, made.amount_capturable)
    again = intents.create(card, {"idempotency_key": "k1"})
    check(again.id == made.id, "the same key, the same payment")
    refused(
        stripe.IdempotencyError,
        None,
        lambda: intents.create({**card, "amount": 2001}, {"idempotency_key": "k1"}),
    )
    refused(
        stripe.InvalidRequestError,
        "parameter_unknown",
        lambda: intents.create({**card, "colour": "red"}),
    )
    refused(
        stripe.InvalidRequestError,
        "amount_too_large",
        lambda: intents.capture(made.id, {"amount_to_capture": 2001}),
    )
    taken = intents.capture(
        made.id, {"amount_to_capture": 1500, "expand": ["latest_charge.balance_transaction"]}
    )
    check(taken.status == "succeeded" and taken.amount_received == 1500, taken.status)
    check(taken.latest_charge.balance_transaction.fee == 73, "the fee is told")
    refused(
        stripe.InvalidRequestError,
        "payment_intent_unexpected_state",
        lambda: intents.cancel(made.id),
    )
    part = refunds.create({"payment_intent": made.id, "amount": 1000})
    check(part.status == "succeeded", part.status)
    refused(
        stripe.InvalidRequestError,
        "amount_too_large",
        lambda: refunds.create({"payment_intent": made.id, "amount": 501}),
    )
    refunds.create({"payment_intent": made.id})
    refused(
        stripe.InvalidRequestError,
        "charge_already_refunded",
        lambda: refunds.create({"payment_intent": made.id}),
    )
    listed = list(refunds.list({"payment_intent": made.id, "limit": 1}).auto_paging_iter())
    check(len(listed) == 2, "pages lead to pages")

    refused(
        stripe.CardError,
        "card_declined",
        lambda: intents.create({**card, "payment_method": "pm_card_chargeDeclined"}),
    )
    asked = intents.create(
        {
            **card,
            "payment_method": "pm_card_authenticationRequired",
            "return_url": "https://shop.example/back",
        }
    )
    check(asked.next_action.type == "redirect_to_url", asked.status)
    voided = intents.cancel(asked.id, {"cancellation_reason": "abandoned"})
    check(voided.status == "canceled", voided.status)

    disputed = intents.create(
        {**card, "payment_method": "pm_card_createDispute", "capture_method": "automatic"}
    )
    dispute = client.v1.disputes.list({"payment_intent": disputed.id}).data[0]
    check(dispute.status == "needs_response", dispute.status)
    closed = client.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    )
    check(closed.status == "won", closed.status)

    wrong = stripe.StripeClient("sk_wrong", base_addresses={"api": base})
    refused(stripe.AuthenticationError, None, lambda: wrong.v1.payment_intents.list())
    for kind, error in [("fail", stripe.APIError), ("busy", stripe.RateLimitError)]:
        control("faults", {"on": "GET /v1/payment_intents", "kind": kind})
        try:
            intents.list()
            raise AssertionError(f"{kind} was expected")
        except error:
            checks += 1
    control("faults", {"on": "POST /v1/payment_intents", "kind": "lose_answer"})
    before = len(intents.list({"limit": 100}).data)
    try:
        intents.create(card)
        raise AssertionError("the answer was not lost")
    except stripe.APIConnectionError:
        check(len(intents.list({"limit": 100}).data) == before + 1, "lost, and done")

    wanted = {
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "refund.created",
        "charge.dispute.closed",
    }
    deadline = time.monotonic() + 30
    while wanted and time.monotonic() < deadline:
        for headers, body in list(heard):
            signature = {name.lower(): value for name, value in headers.items()}["stripe-signature"]
            event = stripe.Webhook.construct_event(body, signature, SECRET)
            if event.type in wanted:
                wanted.discard(event.type)
                checks += 1
        time.sleep(0.1)
    assert not wanted, f"not heard: {wanted}"
    headers, body = heard[0]
    signature = {name.lower(): value for name, value in headers.items()}["stripe-signature"]
    try:
        stripe.Webhook.construct_event(body + b" ", signature, SECRET)
        raise AssertionError("a changed body was believed")
    except stripe.SignatureVerificationError:
        return checks + 1
