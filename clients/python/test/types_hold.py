"""What the types allow and what they do not: checked by mypy, never run.

Each misuse is marked with the error that it must be: a mark without its error is an error itself.
"""

from commerce_client import commands, reads
from commerce_client.generated.command_api import CartAddLine
from commerce_client.generated.query_api import Money

shop = commands("http://127.0.0.1:8080")
shelves = reads("http://127.0.0.1:8081", token=lambda: "token")
ID = "0190d000-0000-7000-8000-00000000aaaa"


def allowed() -> str:
    cart = shop.carts.create(body={"currency": "EUR"}, key="a")
    shop.carts.abandon(ID)
    line: CartAddLine = {"sku": "TOTE", "quantity": 1}
    shop.carts.add_line(ID, body=line, if_match='"1"', representation=True)
    changed = shop.carts.change_line(ID, "TOTE", body={"quantity": 2}, representation=True)
    if "lines" in changed.data:
        print(changed.data["lines"][0]["quantity"])
    shop.carts.merge(ID, body={"from": ID})
    shop.products.change(ID, body={"title": "Tote", "brand": None})
    shop.carts.remove_line(ID, "TOTE")
    verdicts = shop.batches.send(lines=[{"command": "cart.create", "data": {"currency": "EUR"}}])
    order = shelves.orders.read(ID, after=cart, wait=5)
    page = shelves.orders.list(status="confirmed", limit=5)
    shelves.stock.list(sku=["TOTE", "BAG"])
    shelves.search(q="tote", in_stock=True, headers={"accept-language": "de"})
    for event in shelves.events.list(types="order.placed", limit=1).data or []:
        print(event["position"])
    total: Money = order.data["total"]
    return total["amount"] + "".join(order["status"] for order in page.data["items"])


def refused() -> None:
    shop.carts.ad_line  # type: ignore[attr-defined]
    shelves.carts.create  # type: ignore[attr-defined]
    shop.carts.create()  # type: ignore[call-arg]
    shop.carts.create(body={"currency": "XXX"})  # type: ignore[typeddict-item]
    shop.carts.create(body={"currency": "EUR", "colour": ""})  # type: ignore[typeddict-unknown-key]
    shop.carts.add_line(ID, body={"sku": "TOTE"})  # type: ignore[typeddict-item]
    shop.sessions.refresh(body={"refresh_token": ""}, key="a")  # type: ignore[call-arg]
    shelves.orders.read()  # type: ignore[call-arg]
    shelves.orders.list(status="lost")  # type: ignore[arg-type]
    shelves.orders.read(ID, after=shelves.orders.list())  # type: ignore[arg-type]
    shop.carts.abandon(ID).data["lines"]  # type: ignore[typeddict-item]
    shelves.orders.read(ID).data["totals"]  # type: ignore[typeddict-item]
