"""The client against a running engine with the demo shop in it.

COMMANDS_URL and READS_URL say where it is, TOKEN who asks.
"""

from __future__ import annotations

import os
import time
import unittest
from collections.abc import Callable

from commerce_client import (
    CommandApi,
    Connections,
    NoAnswerError,
    Patience,
    ProblemError,
    Request,
    Response,
    Transport,
    commands,
    reads,
)
from commerce_client.generated.command_api import Ask, CartAddLine, OrderCancel

COMMANDS_URL = os.environ["COMMANDS_URL"]
READS_URL = os.environ["READS_URL"]
TOKEN = os.environ["TOKEN"]
QUICK = Patience(pause=0.001)
LINE: CartAddLine = {"sku": "TOTE-COGNAC", "quantity": 1}

shelves = reads(READS_URL, token=lambda: TOKEN)


def shop(transport: Transport | None = None) -> CommandApi:
    return commands(COMMANDS_URL, token=TOKEN, patience=QUICK, transport=transport)


def cart() -> str:
    return shop().carts.create(body={"currency": "EUR"}).data["id"]


def nobody(request: Request) -> Response:
    raise ConnectionRefusedError("nobody is there")


class Shop(unittest.TestCase):
    def test_somebody_buys_and_sees_it(self) -> None:
        here = shop()
        id = cart()
        here.carts.add_line(id, body=LINE)
        order = here.carts.checkout(id, body={})
        self.assertEqual(order.status, 201)
        seen = shelves.orders.read(order.data["id"], after=order)
        self.assertEqual(seen.data["lines"][0]["sku"], LINE["sku"])
        self.assertEqual(seen.data["status"], "pending")
        self.assertEqual(seen.log_id, order.log_id)
        assert seen.etag is not None
        off: OrderCancel = {"reason": "the customer changed their mind"}
        cancelled = here.orders.cancel(
            seen.data["id"], body=off, if_match=seen.etag, representation=True
        )
        assert "status" in cancelled.data
        self.assertEqual(cancelled.data["status"], "cancelled")
        with self.assertRaises(ProblemError) as refused:
            here.orders.cancel(seen.data["id"], body=off, if_match=seen.etag)
        self.assertEqual(refused.exception.status, 412)

    def test_a_connection_that_breaks_is_made_again_under_the_same_key(self) -> None:
        keys = []
        through = Connections()

        def losing(request: Request) -> Response:
            answer = through(request)
            keys.append(request.headers["idempotency-key"])
            if len(keys) <= 2:
                raise ConnectionResetError("the connection broke")
            return answer

        id = cart()
        added = shop(losing).carts.add_line(id, body=LINE)
        self.assertTrue(added.replayed)
        self.assertEqual(len(keys), 3)
        self.assertEqual(len(set(keys)), 1)
        seen = shelves.carts.read(id, after=added)
        self.assertEqual(seen.data["lines"][0]["quantity"], 1)
        self.assertFalse(shop().carts.add_line(id, body=LINE).replayed)

    def test_a_key_of_ones_own_holds_over_calls(self) -> None:
        made = [shop().carts.create(body={"currency": "EUR"}, key=f"mine {id(self)}") for _ in "12"]
        self.assertEqual(made[0].data, made[1].data)
        self.assertEqual([answer.replayed for answer in made], [False, True])

    def test_connections_are_kept_and_made_anew_when_they_are_gone(self) -> None:
        through = Connections()
        here = shop(through)
        id = here.carts.create(body={"currency": "EUR"}).data["id"]
        (kept,) = through._kept.values()
        socket = kept.sock
        here.carts.add_line(id, body=LINE)
        self.assertIs(kept.sock, socket)
        socket.shutdown(2)
        self.assertFalse(here.carts.add_line(id, body=LINE).replayed)
        # What may be asked only once is asked on one that is new.
        (kept,) = through._kept.values()
        kept.sock.shutdown(2)
        self.assertEqual(here.guests.welcome().status, 201)

    def test_what_takes_no_key_is_asked_once(self) -> None:
        def busy(request: Request) -> Response:
            return Response(503, {"content-type": "application/problem+json"}, b"{}")

        for fail, error in ((nobody, NoAnswerError), (busy, ProblemError)):
            asked = []

            def failing(request: Request, fail: Transport = fail) -> Response:
                asked.append("idempotency-key" in request.headers)
                return fail(request)

            calls: list[Callable[[], object]] = [
                lambda: shop(failing).guests.welcome(),
                lambda: shop(failing).api_keys.create(body={"name": "till", "role": "staff"}),
            ]
            for call in calls:
                with self.assertRaises(error):
                    call()
            self.assertEqual(asked, [False, False])

    def test_reads_are_asked_again(self) -> None:
        asked = []

        def gone(request: Request) -> Response:
            asked.append(request.url)
            return nobody(request)

        with self.assertRaises(NoAnswerError) as silent:
            reads(READS_URL, patience=QUICK, transport=gone).products.list()
        self.assertIsNone(silent.exception.key)
        self.assertEqual(len(asked), QUICK.tries)

    def test_who_is_told_to_wait_waits(self) -> None:
        times = []
        through = Connections()

        def busy(request: Request) -> Response:
            times.append(time.monotonic())
            if len(times) > 1:
                return through(request)
            headers = {"content-type": "application/problem+json", "retry-after": "1"}
            return Response(503, headers, b'{"status": 503, "code": "overloaded"}')

        shop(busy).carts.create(body={"currency": "EUR"})
        self.assertEqual(len(times), 2)
        self.assertGreaterEqual(times[1] - times[0], 0.99)

    def test_what_is_refused_is_told_with_its_code_and_its_places(self) -> None:
        id = cart()
        with self.assertRaises(ProblemError) as empty:
            shop().carts.checkout(id)
        self.assertEqual(empty.exception.code, "cart_empty")
        self.assertIsInstance(empty.exception.details["position"], int)
        with self.assertRaises(ProblemError) as wrong:
            shop().carts.add_line(id, body={**LINE, "quantity": 0})
        self.assertEqual(wrong.exception.errors[0].get("pointer"), "/quantity")
        with self.assertRaises(NoAnswerError) as silent:
            shop(nobody).carts.create(body={"currency": "EUR"})
        self.assertTrue(silent.exception.key)
        self.assertIsInstance(silent.exception.__cause__, ConnectionRefusedError)

    def test_lists_words_and_lines_are_said_as_the_api_reads_them(self) -> None:
        some = shelves.stock.list(sku=["TOTE-COGNAC", "TOTE-BLACK"]).data["items"]
        self.assertLessEqual({stock["id"] for stock in some}, {"TOTE-COGNAC", "TOTE-BLACK"})
        self.assertTrue(some)
        self.assertTrue(shelves.orders.list(to_refund=False, limit=1).data["items"])
        # What is no SKU gets as far as the route of one.
        with self.assertRaises(ProblemError) as nowhere:
            shelves.stock.read("no/such?one")
        self.assertEqual(nowhere.exception.errors[0].get("parameter"), "sku")
        asks: list[Ask] = [
            {"command": "cart.create", "data": {"currency": currency}} for currency in ("EUR", "")
        ]
        verdicts = shop().batches.send(lines=asks)
        self.assertEqual([verdict["status"] for verdict in verdicts.data], [201, 400])
        [first] = shelves.events.list(limit=1).data or []
        self.assertEqual(first["position"], 1)

    def test_what_is_sent_is_not_shown(self) -> None:
        seen = []

        def shown(request: Request) -> Response:
            seen.append(repr(request))
            return nobody(request)

        with self.assertRaises(NoAnswerError):
            shop(shown).sessions.begin(body={"email": "a@shop.example", "password": "secret"})
        self.assertNotIn(TOKEN, seen[0])
        self.assertNotIn("secret", seen[0])


if __name__ == "__main__":
    unittest.main()
