"""Types and operations, made of query-api.openapi.json by tools/generate.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, Unpack, final

from ..client import Answer, Client, CommandOptions, Operations, PlainOptions, ReadOptions, place

# Where an order goes: the id of an address that is kept outside the log.
AddressId: TypeAlias = str


@final
class Arrival(TypedDict):
    """Goods that came back. In JSON they have a `location`, or are `written_off: true`."""

    location: NotRequired[Location | None]
    quantity: Quantity
    sku: Sku
    written_off: NotRequired[bool]


@final
class AtLocation(TypedDict):
    """Units at one location."""

    # What may still be sold; below zero where orders hold more than is here.
    available: int
    # Set aside for orders that are.
    committed: int
    # Where.
    location: Location
    # Of those in the building, units that were sold as another product's, which had the SKU
    # before: they are carried nowhere, and written off.
    of_another: int
    # In the building.
    on_hand: int
    # Set aside for orders that are not yet certain.
    reserved: int
    # Whether what lies there is for sale.
    sellable: bool


@final
class Cancellation(TypedDict):
    """How an order came to be off."""

    # When.
    at: str
    # In the words of whoever asked for it.
    note: Note | None
    # Why.
    reason: CancellationReason


# Why an order is off, in one word.
CancellationReason: TypeAlias = Literal["requested", "expired", "undeliverable"]


# When the money is taken that was set aside.
CapturePolicy: TypeAlias = Literal["at_once", "at_shipment", "by_hand"]


class Cart(TypedDict):
    """A cart, its lines with what they are today while it is open."""

    created_at: str
    currency: Currency
    customer_id: CustomerId | None
    guest_id: NotRequired[GuestId | None]
    id: CartId
    # What is in it, in the order it was put there.
    lines: list[CartLineToday]
    # The cart in which it goes on.
    merged_into: NotRequired[CartId | None]
    order_id: OrderId | None
    position: int
    status: CartStatus
    total: Money | None
    units: int
    updated_at: str
    version: int


# A shopping cart.
CartId: TypeAlias = str


@final
class CartLine(TypedDict):
    """One SKU in a cart."""

    # What set the variant apart then.
    options: NotRequired[Options]
    # Of which product.
    product_id: ProductId
    # How many.
    quantity: Quantity
    # What.
    sku: Sku
    # What the product was called when the line was last set.
    title: Label
    # `quantity × unit_price`; nothing if that is more than an order may cost.
    total: Money | None
    # What one cost when the line was last set.
    unit_price: Money
    # What one cost before that, if it was something else.
    unit_price_before: NotRequired[Money | None]
    # What the variant was called beside that, if it had a name of its own.
    variant_title: NotRequired[Label | None]


@final
class CartLineToday(TypedDict):
    """One SKU in a cart, and what it is today."""

    # What set the variant apart then.
    options: NotRequired[Options]
    # Of which product.
    product_id: ProductId
    # How many.
    quantity: Quantity
    # What.
    sku: Sku
    # What the product was called when the line was last set.
    title: Label
    # As the SKU is sold now; none where the cart is no longer open.
    today: NotRequired[Today | None]
    # `quantity × unit_price`; nothing if that is more than an order may cost.
    total: Money | None
    # What one cost when the line was last set.
    unit_price: Money
    # What one cost before that, if it was something else.
    unit_price_before: NotRequired[Money | None]
    # What the variant was called beside that, if it had a name of its own.
    variant_title: NotRequired[Label | None]


# Where a cart stands in its life.
CartStatus: TypeAlias = Literal["open", "checked_out", "abandoned", "merged"]


# An ISO 4217 currency that has a minor unit or is counted whole.
Currency: TypeAlias = Literal[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN",
    "BHD", "BIF", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD",
    "CDF", "CHE", "CHF", "CHW", "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUC", "CUP", "CVE",
    "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL",
    "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HRK", "HTG", "HUF", "IDR", "ILS",
    "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW",
    "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD",
    "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN",
    "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR",
    "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SLL",
    "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY",
    "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS", "VED", "VES",
    "VND", "VUV", "WST", "XAD", "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG",
    "ZWL",
]


# A customer. Names, addresses and e-mail never stand in events beside it.
CustomerId: TypeAlias = str


@final
class Dispute(TypedDict):
    """A dispute that the customer began at their bank."""

    # How much.
    amount: Money
    # The gateway's name for it.
    reference: Token
    # How far it has come.
    stage: DisputeStage


# How far a dispute has come.
DisputeStage: TypeAlias = Literal["opened", "won", "lost"]


# An e-mail address, as it was typed, but for how its letters are put together (NFC). It is
# never printed.
Email: TypeAlias = str


@final
class Event(TypedDict):
    """A stored event with its payload unread. Serialises to what NATS and readers of the log
    get.
    """

    # What happened.
    data: dict[str, Any]
    # Where it came from: a [`Metadata`].
    metadata: Metadata
    # When it happened.
    occurred_at: str
    # Its place in the log, from 1, without gaps.
    position: int
    # When it was appended; later than `occurred_at` for imported history.
    recorded_at: str
    # The schema version of its payload.
    schema: int
    # Its partition: what is read together shares one.
    slot: int
    # The stream it belongs to.
    stream: str
    # Its type name.
    type: str
    # Its place in the stream, from 1, without gaps.
    version: int


@final
class FieldError(TypedDict):
    """One thing that is wrong with a request, and where."""

    code: str
    detail: str
    pointer: NotRequired[str]
    parameter: NotRequired[str]


class Found(TypedDict):
    """What a search found."""

    # How the hits spread; empty if that was not asked for.
    facets: dict[str, dict[str, int]]
    # So many hits, the first ones, are counted in `facets`; nothing if all are.
    facets_over: NotRequired[int | None]
    # The documents of this page.
    hits: list[SearchHit]
    # Hits on a page.
    limit: int
    # This page, from 1.
    page: int
    # How many there are on all pages.
    total: int


@final
class Fulfilment(TypedDict):
    """A parcel."""

    # What of that goes out again in another parcel.
    again: list[Units]
    # How often nobody took it.
    attempts: int
    # Who carries it.
    carrier: Label | None
    # When it was planned.
    created_at: str
    # What of that was handed over.
    delivered: list[Units]
    # Why nobody took it, or what is known of it since it is lost.
    failure: Note | None
    # Its id.
    id: FulfilmentId
    # What is in it.
    lines: list[Units]
    # Where it leaves from; null while not all of it is there, and of an order that was
    # recorded.
    location: Location | None
    # Whose it is.
    order_id: OrderId
    # The position of the last event in it.
    position: int
    # What came back of it undelivered, and what became of that.
    received: list[Arrival]
    # When it left.
    shipped_at: str | None
    # Where it stands in its life.
    status: FulfilmentState
    # Under which number.
    tracking: Label | None
    # When it last changed.
    updated_at: str
    # The version of its stream.
    version: int


# A parcel of an order.
FulfilmentId: TypeAlias = str


@final
class FulfilmentPage(TypedDict):
    items: list[Fulfilment]
    # The `cursor` of the page after; `null` on the last one.
    next: str | None


# Where a parcel stands in its life.
FulfilmentState: TypeAlias = Literal[
    "created", "packed", "shipped", "delivered", "partly_delivered", "delivery_failed",
    "returned_to_sender", "lost", "cancelled",
]


# What has come of sending, over all parcels.
FulfilmentStatus: TypeAlias = Literal[
    "unfulfilled", "partial", "fulfilled", "delivered", "returned", "lost",
]


# A payment gateway's name, as it stands in settings and events.
GatewayName: TypeAlias = str


# What a gateway can be asked for.
GatewayOperation: TypeAlias = Literal["authorize", "capture", "void", "refund"]


# Somebody who buys and has not signed in: an id that stands in their token.
GuestId: TypeAlias = str


@final
class IncludedProducts(TypedDict):
    """What documents refer to, each once, where `include` asked for it."""

    # There is more than fitted: ask for it.
    more: bool
    products: list[Product]


@final
class IncludedStock(TypedDict):
    """What documents refer to, each once, where `include` asked for it."""

    # There is more than fitted: ask for it.
    more: bool
    stock: list[Stock | StockOnOffer]


# A one-line name: a title, a brand, a category, an attribute.
Label: TypeAlias = str


# A place that holds stock.
Location: TypeAlias = str


@final
class LocationPage(TypedDict):
    items: list[StockLocation]
    # The `cursor` of the page after; `null` on the last one.
    next: str | None


@final
class Media(TypedDict):
    """A picture or video of a product."""

    # What it shows, for those who do not see it.
    alt: NotRequired[Label | None]
    # Where it is.
    url: MediaUrl


# The URL of a picture, a video or a page. Never `javascript:` or `data:`: pages link to it.
MediaUrl: TypeAlias = str


@final
class Metadata(TypedDict):
    """Where an event came from."""

    # Who gave the command: a role or a process, never a name or an address.
    actor: NotRequired[str | None]
    # The position of the event that caused the command.
    causation: NotRequired[int | None]
    # The key of the command that made it.
    command: str
    # What it belongs to, across services.
    correlation_id: NotRequired[str | None]
    # Where the command belongs in a trace, if somebody traces it.
    traceparent: NotRequired[TraceParent | None]


@final
class Money(TypedDict):
    """An amount of zero or more in one currency, with exactly the currency's decimals."""

    # In major units, with no more decimals than the currency has.
    amount: str
    currency: Currency


# Why something was done, or a reference to a paper trail. In events and documents about whose
# order it is, `vault:` and an id stand for it where it can be sealed.
Note: TypeAlias = str


# What keeps a line from being bought as it stands.
Obstacle: TypeAlias = "ObstacleUnknownSku | ObstacleNotForSale | ObstacleNotPricedInCurrency | ObstaclePriceChanged | ObstacleOutOfStock"


@final
class ObstacleUnknownSku(TypedDict):
    """No product has the SKU any more."""

    code: Literal["unknown_sku"]


@final
class ObstacleNotForSale(TypedDict):
    """The product it was put in from does not sell it any more."""

    code: Literal["not_for_sale"]


@final
class ObstacleNotPricedInCurrency(TypedDict):
    """It has no price in the cart's currency any more."""

    code: Literal["not_priced_in_currency"]
    # The cart's.
    currency: Currency


@final
class ObstaclePriceChanged(TypedDict):
    """It costs more than the shopper saw."""

    code: Literal["price_changed"]
    # What it costs now.
    now: Money
    # What the shopper saw.
    seen: Money


@final
class ObstacleOutOfStock(TypedDict):
    """Fewer units are left than the line holds."""

    # Units left.
    available: int
    code: Literal["out_of_stock"]
    # Units wanted.
    wanted: int


# Options of one variant, each name once, in order.
Options: TypeAlias = "list[VariantOption]"


class Order(TypedDict):
    """An order."""

    # Where it goes.
    address_id: AddressId | None
    # How it came to be off.
    cancelled: Cancellation | None
    # The cart it was; none if it was recorded out of other books.
    cart_id: CartId | None
    # When every unit was delivered or off.
    completed_at: str | None
    # When it became certain.
    confirmed_at: str | None
    # When it was placed.
    created_at: str
    # Whose it is, unless a guest's.
    customer_id: CustomerId | None
    # What has come of sending.
    fulfilment_status: FulfilmentStatus
    # Its parcels, the first one first.
    fulfilments: list[Fulfilment]
    # The guest whose it is.
    guest_id: NotRequired[GuestId | None]
    # Its id.
    id: OrderId
    # What was bought.
    lines: list[OrderLine]
    # Its number, for people: the position at which it was placed.
    number: int
    # What is to be paid in the end, for what was not called off, sent back, lost or returned.
    owed: Money
    # What was taken and neither given back nor taken back.
    paid: Money
    # What has come of paying.
    payment_status: PaymentStatus
    # Attempts to pay it, the first one first.
    payments: list[Payment]
    # The position of the last event in it, be it of a payment or a parcel.
    position: int
    # When it is cancelled if it is still unpaid.
    reserved_until: str
    # What came back of it or is to, the first one first.
    returns: list[Return]
    # Where it stands in its life.
    status: OrderStatus
    # What of that is to be given back.
    to_refund: Money
    # The sum of the lines, as they were bought.
    total: Money
    # Units of all lines, as they were bought.
    units: int
    # Whether it is certain, and what stood for its money ended before anything left: it is to
    # be paid by `reserved_until`.
    unsecured: bool
    # When it last changed.
    updated_at: str
    # The version of its own stream.
    version: int
    # What stays owed of the price of goods that came back: they were worth less then.
    withheld: Money


@final
class OrderHistory(TypedDict):
    """A part of a history."""

    items: list[Event | ToldEvent]
    # What to pass as `after` for the next part.
    next: int | None
    order_id: OrderId


# A placed order.
OrderId: TypeAlias = str


@final
class OrderLine(TypedDict):
    """One SKU of an order, and how far its units have come."""

    # Handed over.
    delivered: int
    # Of those, what had left: sent back or lost.
    gone: int
    # On their way.
    moving: int
    # Never to be handed over: called off, sent back or lost.
    off: int
    # What set the variant apart.
    options: NotRequired[Options]
    # In parcels that have not left.
    planned: int
    # Of which product.
    product_id: ProductId
    # How many.
    quantity: Quantity
    # Of those, back.
    returned: int
    # Of those, announced to come back.
    returning: int
    # What.
    sku: Sku
    # What the product was called.
    title: Label
    # `quantity × unit_price`; of a recorded order what all of them cost, so the price is
    # rounded.
    total: Money
    # What one costs.
    unit_price: Money
    # Units in no parcel yet.
    unplanned: int
    # What the variant was called beside that, if it had a name of its own.
    variant_title: NotRequired[Label | None]


@final
class OrderPage(TypedDict):
    included: NotRequired[IncludedProducts]
    items: list[Order]
    # The `cursor` of the page after; `null` on the last one.
    next: str | None


# Where an order stands in its life.
OrderStatus: TypeAlias = Literal["pending", "confirmed", "completed", "cancelled"]


class PastCart(TypedDict):
    """A cart."""

    # When it was opened.
    created_at: str
    # What it is priced in.
    currency: Currency
    # Whose it is, unless a guest's.
    customer_id: CustomerId | None
    # The guest whose it is.
    guest_id: NotRequired[GuestId | None]
    # Its id.
    id: CartId
    # What is in it, in the order it was put there.
    lines: list[CartLine]
    # The cart in which it goes on.
    merged_into: NotRequired[CartId | None]
    # The order it became; none while it is open.
    order_id: OrderId | None
    # The position of the last event in it.
    position: int
    # Where it stands in its life.
    status: CartStatus
    # The sum of the lines; nothing if that is more than an order may cost.
    total: Money | None
    # Units of all lines.
    units: int
    # When it last changed.
    updated_at: str
    # The version of its stream.
    version: int


@final
class Payment(TypedDict):
    """One attempt to pay an order."""

    # Where the customer must confirm, without what lets them in there: that lies sealed.
    action_url: MediaUrl | None
    # How much is due.
    amount: Money
    # How much was set aside.
    authorized: Money
    # When the money is taken.
    capture: CapturePolicy
    # How much was taken.
    captured: Money
    # How much the bank took back after a dispute.
    charged_back: Money
    # When it was begun.
    created_at: str
    # Whose order that is, unless a guest's.
    customer_id: CustomerId | None
    # The latest dispute.
    dispute: Dispute | None
    # When the authorisation lapses.
    expires_at: str | None
    # Why it, or the last request, failed.
    failure: Note | None
    # What the gateway keeps for itself, as far as it says.
    fees: Money
    # Through which gateway; none for cash.
    gateway: GatewayName | None
    # The guest whose order that is.
    guest_id: NotRequired[GuestId | None]
    # Its id.
    id: PaymentId
    # How.
    method: PaymentMethod
    # Whether the gateway takes money once and lets go of the rest with that.
    once: bool
    # What is paid.
    order_id: OrderId
    # What the gateway is being asked for.
    pending: Pending | None
    # The position of the last event in it.
    position: int
    # The gateway's name for it.
    reference: Token | None
    # How much was given back.
    refunded: Money
    # How much of that by hand, and by no gateway.
    refunded_by_hand: Money
    # What was given back and stands, the first one first: the last hundred.
    refunds: list[Refund]
    # How much the courier handed over.
    remitted: Money
    # How many requests were made.
    requests: int
    # What may still come of it.
    stage: PaymentStage
    # Where it stands, as people say it.
    status: PaymentState
    # What of what was taken in cash is still to be handed over.
    to_remit: Money
    # When it last changed.
    updated_at: str
    # The version of its stream.
    version: int
    # How much of what the courier took is waited for no more.
    written_off: Money


# One attempt to pay an order.
PaymentId: TypeAlias = str


# How an order is paid.
PaymentMethod: TypeAlias = Literal["card", "paypal", "cash_on_delivery", "external"]


@final
class PaymentPage(TypedDict):
    items: list[Payment]
    # The `cursor` of the page after; `null` on the last one.
    next: str | None


# What may still come of a payment.
PaymentStage: TypeAlias = Literal[
    "unborn", "created", "requires_action", "open", "done", "voided", "expired", "failed",
    "uncollected",
]


# Where a payment stands, as people say it.
PaymentState: TypeAlias = Literal[
    "created", "requires_action", "authorized", "partially_captured", "captured",
    "partially_refunded", "refunded", "charged_back", "voided", "expired", "failed",
    "cod_pending", "partially_collected", "collected", "remitted", "uncollected",
]


# What has come of paying, over all payments.
PaymentStatus: TypeAlias = Literal[
    "none", "awaiting", "authorized", "partially_paid", "paid", "partially_refunded",
    "refunded", "charged_back", "voided", "expired", "failed", "uncollected",
]


@final
class Pending(TypedDict):
    """What the gateway is being asked for."""

    # How much of it.
    amount: Money
    # What.
    operation: GatewayOperation
    # The number of the request, from 1.
    request: int
    # Whether the gateway's answer was lost.
    unknown: bool


# A phone number. It is never printed.
Phone: TypeAlias = str


@final
class Problem(TypedDict):
    """A refusal, as RFC 9457 has it."""

    # What it is, for programs. It never changes; there may be others one day.
    code: str
    # What it is, for people.
    detail: str
    # What is wrong with the request, each with its place.
    errors: NotRequired[list[FieldError]]
    # Seconds, rounded up.
    retry_after: NotRequired[int | None]
    # The HTTP status.
    status: int
    title: str


class Product(TypedDict):
    """A product with its variants."""

    # Facts to filter by: `material: leather`.
    attributes: NotRequired[dict[str, Label]]
    # Who makes it.
    brand: NotRequired[Label | None]
    # Its category as a path, the widest first: `["Bags", "Totes"]`.
    category: NotRequired[list[Label]]
    # When it was created.
    created_at: str
    # What it is; may contain HTML.
    description: NotRequired[Prose | None]
    # Its id.
    id: ProductId
    # Pictures and videos, the first one first.
    media: NotRequired[list[Media]]
    # The position of the last event in it.
    position: int
    # Whether it gave its SKUs back when it was withdrawn: then other products may have them.
    skus_freed: NotRequired[bool]
    # Where it stands in its life.
    status: ProductStatus
    # Its name.
    title: Label
    # When it last changed.
    updated_at: str
    # Its variants, in the order they were first set.
    variants: list[VariantSet]
    # The version of its stream.
    version: int


# A product of the catalogue, with all its variants.
ProductId: TypeAlias = str


@final
class ProductPage(TypedDict):
    included: NotRequired[IncludedStock]
    items: list[Product]
    # The `cursor` of the page after; `null` on the last one.
    next: str | None


# Where a product stands in its life.
ProductStatus: TypeAlias = Literal["draft", "published", "archived"]


@final
class Projection(TypedDict):
    """How far a read model has come."""

    build: int
    # Search documents that Meilisearch lacks; only search has any.
    dirty_documents: int | None
    head: int
    # Below 0 where it stands beyond the log, as it never should: it followed another one.
    lag_events: int
    # Since the first event that it lacks was recorded.
    lag_seconds: float
    name: str
    parked_streams: int
    position: int
    slots: list[Slots]
    updated_at: str
    # Of the program that folds it.
    version: int
    # The event of a newer program that it stands before.
    waits_at: int | None


@final
class Projections(TypedDict):
    """All of them."""

    items: list[Projection]


# A longer text, such as a description; may contain HTML.
Prose: TypeAlias = str


# A count of units in one line or movement: 1 to 1,000,000.
Quantity: TypeAlias = int


@final
class Refund(TypedDict):
    """Money that was given back."""

    # How much.
    amount: Money
    # When.
    at: str
    # Whether by hand, and by no gateway. What was told wrongly of these is one of them all.
    by_hand: bool
    # Why, if somebody said so.
    reason: Note | None
    # The gateway's name for it.
    reference: Token | None


@final
class Return(TypedDict):
    """A return."""

    # How much less is owed for the order since, once something arrived.
    amount: Money | None
    # When it was asked for.
    created_at: str
    # Its id.
    id: ReturnId
    # What is to come back.
    lines: list[Units]
    # Whose goods.
    order_id: OrderId
    # The position of the last event in it.
    position: int
    # Why.
    reason: Note
    # What arrived.
    received: list[Arrival]
    # Why it was refused.
    rejection: Note | None
    # Where it stands in its life.
    status: ReturnStatus
    # When it last changed.
    updated_at: str
    # The version of its stream.
    version: int
    # What of their price is not given back.
    withheld: list[Withheld]


# Goods of an order that come back after they were delivered.
ReturnId: TypeAlias = str


@final
class ReturnPage(TypedDict):
    items: list[Return]
    # The `cursor` of the page after; `null` on the last one.
    next: str | None


# Where a return stands in its life.
ReturnStatus: TypeAlias = Literal[
    "unborn", "requested", "approved", "received", "rejected", "withdrawn", "closed",
]


@final
class SalesDay(TypedDict):
    """A day (UTC, by when things happened) in one currency."""

    # What was owed for those, and for units called off of others.
    cancelled: Sum
    # Orders called off after they had become certain, on whatever day that was.
    cancelled_orders: int
    # What banks took back after disputes.
    charged_back: Sum
    # When the first of it happened.
    created_at: str
    # The currency.
    currency: Currency
    # The day.
    day: str
    # What they are worth.
    gross: Sum
    # The day and the currency: `2026-03-01-EUR`.
    id: str
    # `gross` less what was taken off, no order's money twice: not `gross - cancelled -
    # returned - refunded - charged_back` where an order was several.
    net: Sum
    # Orders that became certain.
    orders: int
    # The position of the last event in it.
    position: int
    # What was given back.
    refunded: Sum
    # What was owed for units that came back or were lost.
    returned: Sum
    # Units in them.
    units: int
    # When the last of it happened.
    updated_at: str
    # How many events are in it: a day has no stream of its own.
    version: int


@final
class SalesPage(TypedDict):
    items: list[SalesDay]
    # The `cursor` of the page after; `null` on the last one.
    next: str | None


@final
class SearchHit(TypedDict):
    """A product as search finds it."""

    # Facts to filter by: `material: leather`.
    attributes: NotRequired[dict[str, Label]]
    # Who makes it.
    brand: NotRequired[Label | None]
    # Its category as a path, the widest first: `["Bags", "Totes"]`.
    category: NotRequired[list[Label]]
    # The category path once more, by level, for facets: `lvl1: "Bags > Totes"`.
    category_levels: dict[str, str]
    # When it was created.
    created_at: str
    # The same in seconds since 1970, to sort by.
    created_ts: int
    # What it is; may contain HTML.
    description: NotRequired[Prose | None]
    # The product.
    id: ProductId
    # The first picture.
    image: MediaUrl | None
    # Whether any unit of any variant may be sold.
    in_stock: bool
    # Pictures and videos, the first one first.
    media: NotRequired[list[Media]]
    # All values of each option, over all variants: to filter by, so an object, without order.
    options: dict[str, list[Label]]
    # The position of the last event in it.
    position: int
    # The lowest price in each currency. A float, because search engines compare no other
    # numbers; what is charged is in `variants`.
    price: SearchHitPrice
    # The highest price in each currency.
    price_max: SearchHitPriceMax
    # All SKUs.
    skus: list[Sku]
    # Only published products are found.
    status: ProductStatus
    # Its name.
    title: Label
    # When it last changed.
    updated_at: str
    # Its variants.
    variants: list[SearchVariant]
    # The version of its stream.
    version: int


@final
class SearchHitPrice(TypedDict):
    """The lowest price in each currency. A float, because search engines compare no other
    numbers; what is charged is in `variants`.
    """

    AED: NotRequired[float]
    AFN: NotRequired[float]
    ALL: NotRequired[float]
    AMD: NotRequired[float]
    AOA: NotRequired[float]
    ARS: NotRequired[float]
    AUD: NotRequired[float]
    AWG: NotRequired[float]
    AZN: NotRequired[float]
    BAM: NotRequired[float]
    BBD: NotRequired[float]
    BDT: NotRequired[float]
    BGN: NotRequired[float]
    BHD: NotRequired[float]
    BIF: NotRequired[float]
    BMD: NotRequired[float]
    BND: NotRequired[float]
    BOB: NotRequired[float]
    BOV: NotRequired[float]
    BRL: NotRequired[float]
    BSD: NotRequired[float]
    BTN: NotRequired[float]
    BWP: NotRequired[float]
    BYN: NotRequired[float]
    BZD: NotRequired[float]
    CAD: NotRequired[float]
    CDF: NotRequired[float]
    CHE: NotRequired[float]
    CHF: NotRequired[float]
    CHW: NotRequired[float]
    CLF: NotRequired[float]
    CLP: NotRequired[float]
    CNY: NotRequired[float]
    COP: NotRequired[float]
    COU: NotRequired[float]
    CRC: NotRequired[float]
    CUC: NotRequired[float]
    CUP: NotRequired[float]
    CVE: NotRequired[float]
    CZK: NotRequired[float]
    DJF: NotRequired[float]
    DKK: NotRequired[float]
    DOP: NotRequired[float]
    DZD: NotRequired[float]
    EGP: NotRequired[float]
    ERN: NotRequired[float]
    ETB: NotRequired[float]
    EUR: NotRequired[float]
    FJD: NotRequired[float]
    FKP: NotRequired[float]
    GBP: NotRequired[float]
    GEL: NotRequired[float]
    GHS: NotRequired[float]
    GIP: NotRequired[float]
    GMD: NotRequired[float]
    GNF: NotRequired[float]
    GTQ: NotRequired[float]
    GYD: NotRequired[float]
    HKD: NotRequired[float]
    HNL: NotRequired[float]
    HRK: NotRequired[float]
    HTG: NotRequired[float]
    HUF: NotRequired[float]
    IDR: NotRequired[float]
    ILS: NotRequired[float]
    INR: NotRequired[float]
    IQD: NotRequired[float]
    IRR: NotRequired[float]
    ISK: NotRequired[float]
    JMD: NotRequired[float]
    JOD: NotRequired[float]
    JPY: NotRequired[float]
    KES: NotRequired[float]
    KGS: NotRequired[float]
    KHR: NotRequired[float]
    KMF: NotRequired[float]
    KPW: NotRequired[float]
    KRW: NotRequired[float]
    KWD: NotRequired[float]
    KYD: NotRequired[float]
    KZT: NotRequired[float]
    LAK: NotRequired[float]
    LBP: NotRequired[float]
    LKR: NotRequired[float]
    LRD: NotRequired[float]
    LSL: NotRequired[float]
    LYD: NotRequired[float]
    MAD: NotRequired[float]
    MDL: NotRequired[float]
    MGA: NotRequired[float]
    MKD: NotRequired[float]
    MMK: NotRequired[float]
    MNT: NotRequired[float]
    MOP: NotRequired[float]
    MRU: NotRequired[float]
    MUR: NotRequired[float]
    MVR: NotRequired[float]
    MWK: NotRequired[float]
    MXN: NotRequired[float]
    MXV: NotRequired[float]
    MYR: NotRequired[float]
    MZN: NotRequired[float]
    NAD: NotRequired[float]
    NGN: NotRequired[float]
    NIO: NotRequired[float]
    NOK: NotRequired[float]
    NPR: NotRequired[float]
    NZD: NotRequired[float]
    OMR: NotRequired[float]
    PAB: NotRequired[float]
    PEN: NotRequired[float]
    PGK: NotRequired[float]
    PHP: NotRequired[float]
    PKR: NotRequired[float]
    PLN: NotRequired[float]
    PYG: NotRequired[float]
    QAR: NotRequired[float]
    RON: NotRequired[float]
    RSD: NotRequired[float]
    RUB: NotRequired[float]
    RWF: NotRequired[float]
    SAR: NotRequired[float]
    SBD: NotRequired[float]
    SCR: NotRequired[float]
    SDG: NotRequired[float]
    SEK: NotRequired[float]
    SGD: NotRequired[float]
    SHP: NotRequired[float]
    SLE: NotRequired[float]
    SLL: NotRequired[float]
    SOS: NotRequired[float]
    SRD: NotRequired[float]
    SSP: NotRequired[float]
    STN: NotRequired[float]
    SVC: NotRequired[float]
    SYP: NotRequired[float]
    SZL: NotRequired[float]
    THB: NotRequired[float]
    TJS: NotRequired[float]
    TMT: NotRequired[float]
    TND: NotRequired[float]
    TOP: NotRequired[float]
    TRY: NotRequired[float]
    TTD: NotRequired[float]
    TWD: NotRequired[float]
    TZS: NotRequired[float]
    UAH: NotRequired[float]
    UGX: NotRequired[float]
    USD: NotRequired[float]
    USN: NotRequired[float]
    UYI: NotRequired[float]
    UYU: NotRequired[float]
    UYW: NotRequired[float]
    UZS: NotRequired[float]
    VED: NotRequired[float]
    VES: NotRequired[float]
    VND: NotRequired[float]
    VUV: NotRequired[float]
    WST: NotRequired[float]
    XAD: NotRequired[float]
    XAF: NotRequired[float]
    XCD: NotRequired[float]
    XCG: NotRequired[float]
    XOF: NotRequired[float]
    XPF: NotRequired[float]
    YER: NotRequired[float]
    ZAR: NotRequired[float]
    ZMW: NotRequired[float]
    ZWG: NotRequired[float]
    ZWL: NotRequired[float]


@final
class SearchHitPriceMax(TypedDict):
    """The highest price in each currency."""

    AED: NotRequired[float]
    AFN: NotRequired[float]
    ALL: NotRequired[float]
    AMD: NotRequired[float]
    AOA: NotRequired[float]
    ARS: NotRequired[float]
    AUD: NotRequired[float]
    AWG: NotRequired[float]
    AZN: NotRequired[float]
    BAM: NotRequired[float]
    BBD: NotRequired[float]
    BDT: NotRequired[float]
    BGN: NotRequired[float]
    BHD: NotRequired[float]
    BIF: NotRequired[float]
    BMD: NotRequired[float]
    BND: NotRequired[float]
    BOB: NotRequired[float]
    BOV: NotRequired[float]
    BRL: NotRequired[float]
    BSD: NotRequired[float]
    BTN: NotRequired[float]
    BWP: NotRequired[float]
    BYN: NotRequired[float]
    BZD: NotRequired[float]
    CAD: NotRequired[float]
    CDF: NotRequired[float]
    CHE: NotRequired[float]
    CHF: NotRequired[float]
    CHW: NotRequired[float]
    CLF: NotRequired[float]
    CLP: NotRequired[float]
    CNY: NotRequired[float]
    COP: NotRequired[float]
    COU: NotRequired[float]
    CRC: NotRequired[float]
    CUC: NotRequired[float]
    CUP: NotRequired[float]
    CVE: NotRequired[float]
    CZK: NotRequired[float]
    DJF: NotRequired[float]
    DKK: NotRequired[float]
    DOP: NotRequired[float]
    DZD: NotRequired[float]
    EGP: NotRequired[float]
    ERN: NotRequired[float]
    ETB: NotRequired[float]
    EUR: NotRequired[float]
    FJD: NotRequired[float]
    FKP: NotRequired[float]
    GBP: NotRequired[float]
    GEL: NotRequired[float]
    GHS: NotRequired[float]
    GIP: NotRequired[float]
    GMD: NotRequired[float]
    GNF: NotRequired[float]
    GTQ: NotRequired[float]
    GYD: NotRequired[float]
    HKD: NotRequired[float]
    HNL: NotRequired[float]
    HRK: NotRequired[float]
    HTG: NotRequired[float]
    HUF: NotRequired[float]
    IDR: NotRequired[float]
    ILS: NotRequired[float]
    INR: NotRequired[float]
    IQD: NotRequired[float]
    IRR: NotRequired[float]
    ISK: NotRequired[float]
    JMD: NotRequired[float]
    JOD: NotRequired[float]
    JPY: NotRequired[float]
    KES: NotRequired[float]
    KGS: NotRequired[float]
    KHR: NotRequired[float]
    KMF: NotRequired[float]
    KPW: NotRequired[float]
    KRW: NotRequired[float]
    KWD: NotRequired[float]
    KYD: NotRequired[float]
    KZT: NotRequired[float]
    LAK: NotRequired[float]
    LBP: NotRequired[float]
    LKR: NotRequired[float]
    LRD: NotRequired[float]
    LSL: NotRequired[float]
    LYD: NotRequired[float]
    MAD: NotRequired[float]
    MDL: NotRequired[float]
    MGA: NotRequired[float]
    MKD: NotRequired[float]
    MMK: NotRequired[float]
    MNT: NotRequired[float]
    MOP: NotRequired[float]
    MRU: NotRequired[float]
    MUR: NotRequired[float]
    MVR: NotRequired[float]
    MWK: NotRequired[float]
    MXN: NotRequired[float]
    MXV: NotRequired[float]
    MYR: NotRequired[float]
    MZN: NotRequired[float]
    NAD: NotRequired[float]
    NGN: NotRequired[float]
    NIO: NotRequired[float]
    NOK: NotRequired[float]
    NPR: NotRequired[float]
    NZD: NotRequired[float]
    OMR: NotRequired[float]
    PAB: NotRequired[float]
    PEN: NotRequired[float]
    PGK: NotRequired[float]
    PHP: NotRequired[float]
    PKR: NotRequired[float]
    PLN: NotRequired[float]
    PYG: NotRequired[float]
    QAR: NotRequired[float]
    RON: NotRequired[float]
    RSD: NotRequired[float]
    RUB: NotRequired[float]
    RWF: NotRequired[float]
    SAR: NotRequired[float]
    SBD: NotRequired[float]
    SCR: NotRequired[float]
    SDG: NotRequired[float]
    SEK: NotRequired[float]
    SGD: NotRequired[float]
    SHP: NotRequired[float]
    SLE: NotRequired[float]
    SLL: NotRequired[float]
    SOS: NotRequired[float]
    SRD: NotRequired[float]
    SSP: NotRequired[float]
    STN: NotRequired[float]
    SVC: NotRequired[float]
    SYP: NotRequired[float]
    SZL: NotRequired[float]
    THB: NotRequired[float]
    TJS: NotRequired[float]
    TMT: NotRequired[float]
    TND: NotRequired[float]
    TOP: NotRequired[float]
    TRY: NotRequired[float]
    TTD: NotRequired[float]
    TWD: NotRequired[float]
    TZS: NotRequired[float]
    UAH: NotRequired[float]
    UGX: NotRequired[float]
    USD: NotRequired[float]
    USN: NotRequired[float]
    UYI: NotRequired[float]
    UYU: NotRequired[float]
    UYW: NotRequired[float]
    UZS: NotRequired[float]
    VED: NotRequired[float]
    VES: NotRequired[float]
    VND: NotRequired[float]
    VUV: NotRequired[float]
    WST: NotRequired[float]
    XAD: NotRequired[float]
    XAF: NotRequired[float]
    XCD: NotRequired[float]
    XCG: NotRequired[float]
    XOF: NotRequired[float]
    XPF: NotRequired[float]
    YER: NotRequired[float]
    ZAR: NotRequired[float]
    ZMW: NotRequired[float]
    ZWG: NotRequired[float]
    ZWL: NotRequired[float]


@final
class SearchVariant(TypedDict):
    """A variant, and whether it can be had."""

    # Its EAN, UPC or ISBN.
    barcode: NotRequired[Label | None]
    # Whether any unit of it may be sold.
    in_stock: bool
    # What sets it apart.
    options: NotRequired[Options]
    # What one unit costs.
    prices: list[Money]
    # Its SKU.
    sku: Sku
    # Its own name, if it has one beside the product's.
    title: NotRequired[Label | None]


# A stock keeping unit: the name under which one variant is sold and counted.
Sku: TypeAlias = str


# A range of slots, and who works on it.
Slots = TypedDict(
    "Slots",
    {
        "from": "int",
        "lease_until": "str | None",
        "owner": "str | None",
        "position": "int",
        "to": "int",
    },
)


@final
class Stock(TypedDict):
    """The stock of one SKU. Which orders hold it is not in it, because of a SKU in a flash sale
    thousands do.
    """

    # What may still be sold; below zero where more is promised than is there.
    available: int
    # Units that may be promised beyond what is there, over all orders.
    backorder_max: int
    # How many of these are left.
    backorderable: int
    # Units set aside for orders that are.
    committed: int
    # When it was first heard of: when some of it first came, or, before that, when a product
    # took its SKU.
    created_at: str
    # The SKU.
    id: Sku
    # Units by location.
    locations: list[AtLocation]
    # Whether they are few.
    low: bool
    # Units in the building, over all locations.
    on_hand: int
    # The position of the last event in it.
    position: int
    # Units set aside for orders that are not yet certain.
    reserved: int
    # Units promised that are not there.
    short: int
    # Whose they are, as it was when units were last found missing: the newest holds first,
    # 100 at most.
    short_orders: NotRequired[list[StockShort]]
    # So many units for sale, or fewer, are few.
    threshold: int | None
    # When it last changed.
    updated_at: str
    # The version of its stream; 0 where a product sells it and none was ever there.
    version: int


@final
class StockLocation(TypedDict):
    """A location."""

    # Where its address is found, as the caller refers to it.
    address_ref: Label | None
    # When it was first set.
    created_at: str
    # Its code.
    id: Location
    # What people call it.
    name: Label | None
    # The position of the last event in it.
    position: int
    # Whether what lies there is for sale.
    sellable: bool
    # When it last changed.
    updated_at: str
    # The version of its stream.
    version: int


@final
class StockOnOffer(TypedDict):
    """What everybody sees of a SKU that is for sale."""

    # Units that may be sold, ten at most.
    available: int
    # The SKU.
    id: str
    in_stock: bool
    # There are more than that.
    or_more: bool
    # It may be ordered, whether it is there or not.
    orderable: bool


@final
class StockPage(TypedDict):
    items: list[Stock | StockOnOffer]
    # The `cursor` of the page after; `null` on the last one.
    next: str | None


@final
class StockShort(TypedDict):
    """Units that an order was promised and that are not there."""

    # Whose they are.
    order_id: OrderId
    # How many.
    quantity: Quantity


@final
class StreamHistory(TypedDict):
    """A part of a history."""

    items: list[Event]
    # What to pass as `after` for the next part.
    next: int | None
    stream: str


@final
class Sum(TypedDict):
    """A sum of money, which unlike [`Money`] may be below zero and beyond what one order may
    cost.
    """

    # In major units.
    amount: str
    # The currency.
    currency: Currency


@final
class Today(TypedDict):
    """What a line is today, as far as the read models know, which may be a moment behind: what
    counts is what checkout says.
    """

    # Units that may be sold.
    available: int
    # The product's first picture.
    image: MediaUrl | None
    # Units that can be had, now or later: some may be promised beyond what is there.
    obtainable: int
    # What checkout will refuse of it.
    problems: list[Obstacle]
    # What one costs, if it can be bought.
    unit_price: Money | None


# A payment method token made by the gateway's own form; stands for a card, is not one.
Token: TypeAlias = str


@final
class ToldEvent(TypedDict):
    """An event of an order, as whose order it is sees it."""

    # What is told of it.
    data: dict[str, Any]
    # When.
    occurred_at: str
    # Its place in the log.
    position: int
    # What it happened to.
    stream: str
    # What happened.
    type: str
    # Its place among all that happened to that.
    version: int


# Where it belongs in a trace (W3C Trace Context).
TraceParent: TypeAlias = str


@final
class Units(TypedDict):
    """Units of one SKU."""

    # How many.
    quantity: Quantity
    # What.
    sku: Sku


@final
class VariantOption(TypedDict):
    """One option of a variant."""

    # What is chosen: `Size`.
    name: Label
    # Which: `M`.
    value: Label


@final
class VariantSet(TypedDict):
    """`product.variant_set`"""

    # Its EAN, UPC or ISBN.
    barcode: NotRequired[Label | None]
    # What sets it apart, in the shop's order: `Size: M`.
    options: NotRequired[Options]
    # What one unit costs, at most once a currency.
    prices: list[Money]
    # The variant.
    sku: Sku
    # Its own name, if it has one beside the product's.
    title: NotRequired[Label | None]


@final
class Withheld(TypedDict):
    """What is not given back for goods that came back, for they were worth less by then."""

    # How much of their price.
    amount: Money
    # Why.
    reason: Note


@final
class CartReadAnswerCart(Cart):
    included: NotRequired[IncludedProducts]


@final
class CartReadAnswerPastCart(PastCart):
    included: NotRequired[IncludedProducts]


@final
class OrderReadAnswer(Order):
    included: NotRequired[IncludedProducts]


@final
class ProductReadAnswer(Product):
    included: NotRequired[IncludedStock]


SearchSort: TypeAlias = Literal[
    "relevance", "price", "-price", "created_at", "-created_at", "title", "-title",
]


@final
class SearchAnswer(Found):
    included: NotRequired[IncludedStock]


StreamReadCategory: TypeAlias = Literal[
    "product", "sku", "stock", "location", "cart", "order", "payment", "fulfilment", "return",
]


class CartOperations(Operations):
    """What is asked of carts."""

    def read(
        self,
        id: str,
        *,
        as_of: str | None = None,
        fields: str | None = None,
        min_position: int | None = None,
        include: Literal["products"] | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[CartReadAnswerCart | CartReadAnswerPastCart]:
        """A cart; one that is open with what its lines are today. The past is shown without.

        `GET /v1/carts/{id}`

        - `as_of`: As it was then: at a position, or when all was recorded up to a time.
        - `fields`: Only these members of it, with commas between them, and with a dot before
          one that is below another: `id,lines.sku`. A name stands for all that is below it.
        - `min_position`: As new as this position of the log, or newer.
        - `include`: `products` for what `/v1/products` has of it, beside it.
        """
        return self._client.ask(
            "GET",
            f"/v1/carts/{place(id)}",
            query={
                "as_of": as_of,
                "fields": fields,
                "min_position": min_position,
                "include": include,
            },
            **options,
        )


class EventOperations(Operations):
    """What is asked of events."""

    def list(
        self,
        *,
        after: str | None = None,
        last_event_id: str | None = None,
        limit: int | None = None,
        types: str | Sequence[str] | None = None,
        until: str | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[Sequence[Event] | None]:
        """The log, as lines of JSON up to its head, or live as server-sent events.

        `GET /v1/events`

        - `after`: Only after this position, or recorded after this time. Live streams without
          it begin now.
        - `last_event_id`: Where a stream broke off, for those who cannot say so in
          `Last-Event-ID`.
        - `limit`: No more than this many.
        - `types`: Only of these types, repeated or with commas between them.
        - `until`: Only up to this position, or recorded by this time.
        """
        return self._client.ask(
            "GET",
            "/v1/events",
            query={
                "after": after,
                "last_event_id": last_event_id,
                "limit": limit,
                "types": types,
                "until": until,
            },
            **options,
        )


class FulfilmentOperations(Operations):
    """What is asked of fulfilments."""

    def list(
        self,
        *,
        cursor: str | None = None,
        fields: str | None = None,
        limit: int | None = None,
        location: Location | None = None,
        min_position: int | None = None,
        order_id: str | None = None,
        sort: Literal["created_at", "-created_at"] | None = None,
        status: FulfilmentState | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[FulfilmentPage]:
        """Parcels. Customers see those of their orders.

        `GET /v1/fulfilments`

        - `cursor`: The `next` of the page before.
        - `fields`: Only these members of each, with commas between them, and with a dot
          before one that is below another: `id,lines.sku`. A name stands for all that is
          below it.
        - `limit`: How many at most.
        - `location`: Leaving from this location, or gone from there.
        - `min_position`: As new as this position of the log, or newer.
        - `order_id`: Of this order.
        - `status`: Where they stand.
        """
        return self._client.ask(
            "GET",
            "/v1/fulfilments",
            query={
                "cursor": cursor,
                "fields": fields,
                "limit": limit,
                "location": location,
                "min_position": min_position,
                "order_id": order_id,
                "sort": sort,
                "status": status,
            },
            **options,
        )

    def read(
        self,
        id: str,
        *,
        as_of: str | None = None,
        fields: str | None = None,
        min_position: int | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[Fulfilment]:
        """A parcel.

        `GET /v1/fulfilments/{id}`

        - `as_of`: As it was then: at a position, or when all was recorded up to a time.
        - `fields`: Only these members of it, with commas between them, and with a dot before
          one that is below another: `id,lines.sku`. A name stands for all that is below it.
        - `min_position`: As new as this position of the log, or newer.
        """
        return self._client.ask(
            "GET",
            f"/v1/fulfilments/{place(id)}",
            query={"as_of": as_of, "fields": fields, "min_position": min_position},
            **options,
        )


class LocationOperations(Operations):
    """What is asked of locations."""

    def list(
        self,
        *,
        cursor: str | None = None,
        fields: str | None = None,
        limit: int | None = None,
        min_position: int | None = None,
        sellable: bool | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[LocationPage]:
        """Where stock lies.

        `GET /v1/locations`

        - `cursor`: The `next` of the page before.
        - `fields`: Only these members of each, with commas between them, and with a dot
          before one that is below another: `id,lines.sku`. A name stands for all that is
          below it.
        - `limit`: How many at most.
        - `min_position`: As new as this position of the log, or newer.
        - `sellable`: Those whose units are for sale, or the others.
        """
        return self._client.ask(
            "GET",
            "/v1/locations",
            query={
                "cursor": cursor,
                "fields": fields,
                "limit": limit,
                "min_position": min_position,
                "sellable": sellable,
            },
            **options,
        )

    def read(
        self,
        code: Location,
        *,
        as_of: str | None = None,
        fields: str | None = None,
        min_position: int | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[StockLocation]:
        """A location.

        `GET /v1/locations/{code}`

        - `as_of`: As it was then: at a position, or when all was recorded up to a time.
        - `fields`: Only these members of it, with commas between them, and with a dot before
          one that is below another: `id,lines.sku`. A name stands for all that is below it.
        - `min_position`: As new as this position of the log, or newer.
        """
        return self._client.ask(
            "GET",
            f"/v1/locations/{place(code)}",
            query={"as_of": as_of, "fields": fields, "min_position": min_position},
            **options,
        )


class OrderOperations(Operations):
    """What is asked of orders."""

    def list(
        self,
        *,
        created_before: str | None = None,
        created_from: str | None = None,
        currency: Currency | None = None,
        cursor: str | None = None,
        customer_id: str | None = None,
        email: Email | None = None,
        fields: str | None = None,
        fulfilment_status: FulfilmentStatus | None = None,
        limit: int | None = None,
        min_position: int | None = None,
        name: str | None = None,
        number: int | None = None,
        payment_status: PaymentStatus | None = None,
        phone: Phone | None = None,
        sku: str | None = None,
        sort: Literal["created_at", "-created_at", "total", "-total"] | None = None,
        status: OrderStatus | None = None,
        to_refund: bool | None = None,
        tracking: str | None = None,
        include: Literal["products"] | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[OrderPage]:
        """Orders with their payments, parcels and returns. Customers see their own.

        `GET /v1/orders`

        - `created_before`: Placed before.
        - `created_from`: Placed then or later.
        - `currency`: In this currency.
        - `cursor`: The `next` of the page before.
        - `customer_id`: Of this customer.
        - `email`: Of somebody with this e-mail address.
        - `fields`: Only these members of each, with commas between them, and with a dot
          before one that is below another: `id,lines.sku`. A name stands for all that is
          below it.
        - `fulfilment_status`: Where their parcels stand.
        - `limit`: How many at most.
        - `min_position`: As new as this position of the log, or newer.
        - `name`: Of somebody with these words in their name, in any order: of whom it goes
          to, or of its customer. This, `email` and `phone` are for the back office: each may
          be in either.
        - `number`: Of this number.
        - `payment_status`: Where their payments stand.
        - `phone`: Of somebody with this phone number, however it is written.
        - `sku`: With this SKU in it, spelled as it is.
        - `status`: Where they stand.
        - `to_refund`: Whether money is still to be given back.
        - `tracking`: With a parcel of this tracking code, in capitals or not, with its spaces
          or without.
        - `include`: `products` for what `/v1/products` has of it, beside it.
        """
        return self._client.ask(
            "GET",
            "/v1/orders",
            query={
                "created_before": created_before,
                "created_from": created_from,
                "currency": currency,
                "cursor": cursor,
                "customer_id": customer_id,
                "email": email,
                "fields": fields,
                "fulfilment_status": fulfilment_status,
                "limit": limit,
                "min_position": min_position,
                "name": name,
                "number": number,
                "payment_status": payment_status,
                "phone": phone,
                "sku": sku,
                "sort": sort,
                "status": status,
                "to_refund": to_refund,
                "tracking": tracking,
                "include": include,
            },
            **options,
        )

    def read(
        self,
        id: str,
        *,
        as_of: str | None = None,
        fields: str | None = None,
        min_position: int | None = None,
        include: Literal["products"] | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[OrderReadAnswer]:
        """An order with its payments, parcels and returns.

        `GET /v1/orders/{id}`

        - `as_of`: As it was then: at a position, or when all was recorded up to a time.
        - `fields`: Only these members of it, with commas between them, and with a dot before
          one that is below another: `id,lines.sku`. A name stands for all that is below it.
        - `min_position`: As new as this position of the log, or newer.
        - `include`: `products` for what `/v1/products` has of it, beside it.
        """
        return self._client.ask(
            "GET",
            f"/v1/orders/{place(id)}",
            query={
                "as_of": as_of,
                "fields": fields,
                "min_position": min_position,
                "include": include,
            },
            **options,
        )

    def history(
        self,
        id: str,
        *,
        after: int | None = None,
        limit: int | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[OrderHistory]:
        """Everything that happened to an order, its payments, its parcels and its returns.

        `GET /v1/orders/{id}/history`

        - `after`: Only what happened after this position.
        - `limit`: How many events at most.
        """
        return self._client.ask(
            "GET",
            f"/v1/orders/{place(id)}/history",
            query={"after": after, "limit": limit},
            **options,
        )

    def export(self, **options: Unpack[PlainOptions]) -> Answer[Sequence[Order]]:
        """All orders of a customer to take along, the oldest first, 10,000 at most.

        `GET /v1/people/me/orders`
        """
        return self._client.ask("GET", "/v1/people/me/orders", **options)


class PaymentOperations(Operations):
    """What is asked of payments."""

    def list(
        self,
        *,
        cursor: str | None = None,
        dispute: DisputeStage | None = None,
        fields: str | None = None,
        limit: int | None = None,
        min_position: int | None = None,
        order_id: str | None = None,
        status: PaymentState | None = None,
        to_remit: bool | None = None,
        unknown: bool | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[PaymentPage]:
        """Payments.

        `GET /v1/payments`

        - `cursor`: The `next` of the page before.
        - `dispute`: How far their latest dispute has come.
        - `fields`: Only these members of each, with commas between them, and with a dot
          before one that is below another: `id,lines.sku`. A name stands for all that is
          below it.
        - `limit`: How many at most.
        - `min_position`: As new as this position of the log, or newer.
        - `order_id`: Of this order.
        - `status`: Where they stand.
        - `to_remit`: Whether cash that was collected is still to be handed over.
        - `unknown`: Whether a gateway's answer was lost, and nobody knows yet what it did.
        """
        return self._client.ask(
            "GET",
            "/v1/payments",
            query={
                "cursor": cursor,
                "dispute": dispute,
                "fields": fields,
                "limit": limit,
                "min_position": min_position,
                "order_id": order_id,
                "status": status,
                "to_remit": to_remit,
                "unknown": unknown,
            },
            **options,
        )

    def read(
        self,
        id: str,
        *,
        as_of: str | None = None,
        fields: str | None = None,
        min_position: int | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[Payment]:
        """A payment.

        `GET /v1/payments/{id}`

        - `as_of`: As it was then: at a position, or when all was recorded up to a time.
        - `fields`: Only these members of it, with commas between them, and with a dot before
          one that is below another: `id,lines.sku`. A name stands for all that is below it.
        - `min_position`: As new as this position of the log, or newer.
        """
        return self._client.ask(
            "GET",
            f"/v1/payments/{place(id)}",
            query={"as_of": as_of, "fields": fields, "min_position": min_position},
            **options,
        )


class ProductOperations(Operations):
    """What is asked of products."""

    def list(
        self,
        *,
        barcode: str | Sequence[str] | None = None,
        brand: str | None = None,
        category: str | None = None,
        cursor: str | None = None,
        fields: str | None = None,
        id: str | Sequence[str] | None = None,
        limit: int | None = None,
        locale: str | None = None,
        min_position: int | None = None,
        sku: str | Sequence[str] | None = None,
        sort: Literal["created_at", "-created_at", "title", "-title"] | None = None,
        status: Literal["draft", "published", "archived", "any"] | None = None,
        include: Literal["stock"] | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[ProductPage]:
        """Products. Strangers see those that are published.

        `GET /v1/products`

        - `barcode`: Only those of which a variant has one of these barcodes.
        - `brand`: Of this brand, likewise.
        - `category`: In this category, by its name, in whatever spelling: as the search finds
          it.
        - `cursor`: The `next` of the page before.
        - `fields`: Only these members of each, with commas between them, and with a dot
          before one that is below another: `id,lines.sku`. A name stands for all that is
          below it.
        - `id`: Only these.
        - `limit`: How many at most.
        - `locale`: In the order of which language, where they are sorted by title, as
          browsers name it; for one without an order of its own, and without any, in one that
          fits most of them.
        - `min_position`: As new as this position of the log, or newer.
        - `sku`: Only those that have one of these SKUs.
        - `status`: Where they stand: strangers see those that are published.
        - `include`: `stock` for what `/v1/stock` has of it, beside it.
        """
        return self._client.ask(
            "GET",
            "/v1/products",
            query={
                "barcode": barcode,
                "brand": brand,
                "category": category,
                "cursor": cursor,
                "fields": fields,
                "id": id,
                "limit": limit,
                "locale": locale,
                "min_position": min_position,
                "sku": sku,
                "sort": sort,
                "status": status,
                "include": include,
            },
            **options,
        )

    def read(
        self,
        id: str,
        *,
        as_of: str | None = None,
        fields: str | None = None,
        min_position: int | None = None,
        include: Literal["stock"] | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[ProductReadAnswer]:
        """A product.

        `GET /v1/products/{id}`

        - `as_of`: As it was then: at a position, or when all was recorded up to a time.
        - `fields`: Only these members of it, with commas between them, and with a dot before
          one that is below another: `id,lines.sku`. A name stands for all that is below it.
        - `min_position`: As new as this position of the log, or newer.
        - `include`: `stock` for what `/v1/stock` has of it, beside it.
        """
        return self._client.ask(
            "GET",
            f"/v1/products/{place(id)}",
            query={
                "as_of": as_of,
                "fields": fields,
                "min_position": min_position,
                "include": include,
            },
            **options,
        )


class ProjectionOperations(Operations):
    """What is asked of projections."""

    def list(self, **options: Unpack[PlainOptions]) -> Answer[Projections]:
        """How far each read model has come.

        `GET /v1/projections`
        """
        return self._client.ask("GET", "/v1/projections", **options)


class ReturnOperations(Operations):
    """What is asked of returns."""

    def list(
        self,
        *,
        cursor: str | None = None,
        fields: str | None = None,
        limit: int | None = None,
        min_position: int | None = None,
        order_id: str | None = None,
        sort: Literal["created_at", "-created_at"] | None = None,
        status: ReturnStatus | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[ReturnPage]:
        """Goods that come back. Customers see those of their orders.

        `GET /v1/returns`

        - `cursor`: The `next` of the page before.
        - `fields`: Only these members of each, with commas between them, and with a dot
          before one that is below another: `id,lines.sku`. A name stands for all that is
          below it.
        - `limit`: How many at most.
        - `min_position`: As new as this position of the log, or newer.
        - `order_id`: Of this order.
        - `status`: Where they stand.
        """
        return self._client.ask(
            "GET",
            "/v1/returns",
            query={
                "cursor": cursor,
                "fields": fields,
                "limit": limit,
                "min_position": min_position,
                "order_id": order_id,
                "sort": sort,
                "status": status,
            },
            **options,
        )

    def read(
        self,
        id: str,
        *,
        as_of: str | None = None,
        fields: str | None = None,
        min_position: int | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[Return]:
        """Goods that come back.

        `GET /v1/returns/{id}`

        - `as_of`: As it was then: at a position, or when all was recorded up to a time.
        - `fields`: Only these members of it, with commas between them, and with a dot before
          one that is below another: `id,lines.sku`. A name stands for all that is below it.
        - `min_position`: As new as this position of the log, or newer.
        """
        return self._client.ask(
            "GET",
            f"/v1/returns/{place(id)}",
            query={"as_of": as_of, "fields": fields, "min_position": min_position},
            **options,
        )


class SalesOperations(Operations):
    """What is asked of sales."""

    def list(
        self,
        *,
        currency: Currency | None = None,
        cursor: str | None = None,
        fields: str | None = None,
        from_: str | None = None,
        limit: int | None = None,
        min_position: int | None = None,
        to: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[SalesPage]:
        """What was sold, by day (UTC) and currency.

        `GET /v1/sales`

        - `currency`: In this currency.
        - `cursor`: The `next` of the page before.
        - `fields`: Only these members of each, with commas between them, and with a dot
          before one that is below another: `id,lines.sku`. A name stands for all that is
          below it.
        - `from_`: The first day.
        - `limit`: How many at most.
        - `min_position`: As new as this position of the log, or newer.
        - `to`: The last day.
        """
        return self._client.ask(
            "GET",
            "/v1/sales",
            query={
                "currency": currency,
                "cursor": cursor,
                "fields": fields,
                "from": from_,
                "limit": limit,
                "min_position": min_position,
                "to": to,
            },
            **options,
        )


class StockOperations(Operations):
    """What is asked of stock."""

    def list(
        self,
        *,
        available_max: int | None = None,
        cursor: str | None = None,
        fields: str | None = None,
        limit: int | None = None,
        low: bool | None = None,
        min_position: int | None = None,
        short: bool | None = None,
        sku: str | Sequence[str] | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[StockPage]:
        """What is there of each SKU. Strangers see what a storefront shows.

        `GET /v1/stock`

        - `available_max`: Only those of which no more than this may be sold: what is running
          out.
        - `cursor`: The `next` of the page before.
        - `fields`: Only these members of each, with commas between them, and with a dot
          before one that is below another: `id,lines.sku`. A name stands for all that is
          below it.
        - `limit`: How many at most.
        - `low`: Those of which few are left, or the others.
        - `min_position`: As new as this position of the log, or newer.
        - `short`: Those of which more is promised than is there, or the others.
        - `sku`: Only these.
        """
        return self._client.ask(
            "GET",
            "/v1/stock",
            query={
                "available_max": available_max,
                "cursor": cursor,
                "fields": fields,
                "limit": limit,
                "low": low,
                "min_position": min_position,
                "short": short,
                "sku": sku,
            },
            **options,
        )

    def read(
        self,
        sku: Sku,
        *,
        as_of: str | None = None,
        fields: str | None = None,
        min_position: int | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[Stock | StockOnOffer]:
        """What is there of a SKU.

        `GET /v1/stock/{sku}`

        - `as_of`: As it was then: at a position, or when all was recorded up to a time.
        - `fields`: Only these members of it, with commas between them, and with a dot before
          one that is below another: `id,lines.sku`. A name stands for all that is below it.
        - `min_position`: As new as this position of the log, or newer.
        """
        return self._client.ask(
            "GET",
            f"/v1/stock/{place(sku)}",
            query={"as_of": as_of, "fields": fields, "min_position": min_position},
            **options,
        )


class StreamOperations(Operations):
    """What is asked of streams."""

    def read(
        self,
        category: StreamReadCategory,
        id: str,
        *,
        after: int | None = None,
        limit: int | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[StreamHistory]:
        """Everything that happened to one thing.

        `GET /v1/streams/{category}/{id}`

        - `after`: Only versions after this one.
        - `limit`: How many events at most.
        """
        return self._client.ask(
            "GET",
            f"/v1/streams/{place(category)}/{place(id)}",
            query={"after": after, "limit": limit},
            **options,
        )


class QueryApi(Operations):
    """Reads."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.carts = CartOperations(client)
        self.events = EventOperations(client)
        self.fulfilments = FulfilmentOperations(client)
        self.locations = LocationOperations(client)
        self.orders = OrderOperations(client)
        self.payments = PaymentOperations(client)
        self.products = ProductOperations(client)
        self.projections = ProjectionOperations(client)
        self.returns = ReturnOperations(client)
        self.sales = SalesOperations(client)
        self.stock = StockOperations(client)
        self.streams = StreamOperations(client)

    def search(
        self,
        *,
        attribute: str | Sequence[str] | None = None,
        brand: str | Sequence[str] | None = None,
        category: str | Sequence[str] | None = None,
        currency: Currency | None = None,
        facets: bool | None = None,
        fields: str | None = None,
        in_stock: bool | None = None,
        limit: int | None = None,
        min_position: int | None = None,
        option: str | Sequence[str] | None = None,
        page: int | None = None,
        price_max: str | float | None = None,
        price_min: str | float | None = None,
        q: str | None = None,
        sort: SearchSort | None = None,
        include: Literal["stock"] | None = None,
        **options: Unpack[ReadOptions],
    ) -> Answer[SearchAnswer]:
        """Finds products that are published.

        `GET /v1/search`

        - `attribute`: `name:value`; a colon in the name is written `\\:`, a backslash `\\\\`.
        - `brand`: Of one of these brands.
        - `category`: In one of these categories, by name.
        - `currency`: In which prices are compared and sorted.
        - `facets`: Whether to count the hits by brand, category, attributes and options: yes
          if not said.
        - `fields`: Only these members of each hit, with commas between them, and with a dot
          before one that is below another: `id,variants.sku`. A name stands for all that is
          below it.
        - `in_stock`: Of which any unit may be sold, or none.
        - `limit`: Hits on a page.
        - `min_position`: As new as this position of the log, or newer.
        - `option`: The same; options of several names are of one variant, and with `in_stock`
          of one that is in stock.
        - `page`: Which page, from 1.
        - `price_max`: Whose lowest price is at most this.
        - `price_min`: Whose lowest price is at least this.
        - `q`: Words; none find everything.
        - `sort`: The order of the hits.
        - `include`: `stock` for what `/v1/stock` has of it, beside it.
        """
        return self._client.ask(
            "GET",
            "/v1/search",
            query={
                "attribute": attribute,
                "brand": brand,
                "category": category,
                "currency": currency,
                "facets": facets,
                "fields": fields,
                "in_stock": in_stock,
                "limit": limit,
                "min_position": min_position,
                "option": option,
                "page": page,
                "price_max": price_max,
                "price_min": price_min,
                "q": q,
                "sort": sort,
                "include": include,
            },
            **options,
        )
