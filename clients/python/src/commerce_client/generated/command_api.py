"""Types and operations, made of command-api.openapi.json by tools/generate.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, Unpack, final

from ..client import Answer, Client, CommandOptions, Operations, PlainOptions, ReadOptions, place

@final
class Accepted(TypedDict):
    """What an accepted command came to, as the client sees it."""

    # The id of the command's subject.
    id: str
    # The position to read from, to see it.
    position: int
    # The version of the subject's stream.
    version: int


@final
class Address(TypedDict):
    """An address that is kept."""

    changed_at: str
    # The town.
    city: Label
    # Where they work, if it goes there.
    company: NotRequired[Label | None]
    # The country.
    country: Country
    # Where they are written to about what goes there.
    email: NotRequired[Email | None]
    id: str
    # Street and number, and what else leads to the door.
    lines: list[Label]
    # The language they read, such as `de` or `pt-BR`.
    locale: NotRequired[Locale | None]
    # Who.
    name: Label
    # What the courier should know.
    note: NotRequired[Note | None]
    # Where they are called.
    phone: NotRequired[Phone | None]
    # The postal code, where there are some.
    postcode: NotRequired[Label | None]
    # The state or province, where letters name it.
    region: NotRequired[Label | None]


# Where an order goes: the id of an address that is kept outside the log.
AddressId: TypeAlias = str


@final
class AddressPage(TypedDict):
    """A part of a list."""

    items: list[Address]
    # The `cursor` of the page after, if there is one.
    next: str | None


@final
class ApiKey(TypedDict):
    """A key as it is shown."""

    # When it was made.
    created_at: str
    # Until when it is good.
    expires_at: str | None
    # How it begins.
    hint: str
    # Its id, which stands in events as who asked.
    id: str
    # When it was last used, within two minutes or so.
    last_used_at: str | None
    # What it is called.
    name: str
    # Until when the one before it is.
    previous_until: str | None
    # When it was revoked.
    revoked_at: str | None
    # What it may do.
    role: Role
    # Where it may be used; everywhere its role may, where there is none.
    scopes: list[str]


@final
class ApiKeyMade(TypedDict):
    """A key that was made, which is shown once."""

    # Its id.
    id: str
    # The key.
    key: str


# What a key is called by people.
ApiKeyName: TypeAlias = str


@final
class ApiKeyPage(TypedDict):
    """A part of a list."""

    items: list[ApiKey]
    # The `cursor` of the page after, if there is one.
    next: str | None


@final
class ApiKeyRotation(TypedDict):
    # How long the one before it is good beside it.
    overlap_minutes: NotRequired[int]


# The beginning of a path, as `/v1/stock`, and which method, as `GET /v1/orders`. What ends
# with a slash is all that is below it, and not itself.
ApiKeyScope: TypeAlias = str


# Some of them: none is no bound.
ApiKeyScopes: TypeAlias = "list[ApiKeyScope]"


@final
class Arrival(TypedDict):
    """Goods that came back. In JSON they have a `location`, or are `written_off: true`."""

    location: NotRequired[Location | None]
    quantity: Quantity
    sku: Sku
    written_off: NotRequired[bool]


@final
class Ask(TypedDict):
    """One line of a batch."""

    # Its name in the list of operations: `cart.add_line`.
    command: AskCommand
    # What is the body elsewhere; and `sku`, where that is in the path there.
    data: NotRequired[dict[str, Any] | None]
    # What it is for.
    id: NotRequired[str | None]
    # What is a header elsewhere: `If-Match`, without the quotes.
    if_match: NotRequired[Any]
    # What is a header elsewhere: `Idempotency-Key`.
    key: NotRequired[str | None]


# Its name in the list of operations: `cart.add_line`.
AskCommand: TypeAlias = Literal[
    "product.create", "product.change", "product.set_variant", "product.change_variant",
    "product.set_prices", "product.remove_variant", "product.publish", "product.unpublish",
    "product.archive", "product.restore", "stock.receive", "stock.transfer", "stock.count",
    "stock.adjust", "stock.set_policy", "stock.set_threshold", "location.set", "cart.create",
    "cart.assign", "cart.merge", "cart.add_line", "cart.change_line", "cart.remove_line",
    "cart.checkout", "cart.reopen", "cart.abandon", "order.assign", "order.cancel",
    "order.change_line", "order.remove_line", "order.change_address", "order.add_note",
    "payment.start", "payment.abort", "payment.capture", "payment.void", "payment.refund",
    "payment.complete_action", "payment.resolve", "payment.collect",
    "payment.correct_collection", "payment.remit", "payment.correct_remittance",
    "payment.correct_refund", "payment.uncollect", "fulfilment.create", "fulfilment.pack",
    "fulfilment.ship", "fulfilment.deliver", "fulfilment.fail", "fulfilment.lose",
    "fulfilment.return", "fulfilment.cancel", "return.request", "return.approve",
    "return.reject", "return.withdraw", "return.receive", "return.correct_receipt",
    "return.close",
]


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
class AuthorizationServer(TypedDict):
    """Who signs tokens, as RFC 8414 has it."""

    grant_types_supported: NotRequired[list[str]]
    id_token_signing_alg_values_supported: NotRequired[list[str]]
    issuer: str
    # Where the keys are.
    jwks_uri: str
    response_types_supported: NotRequired[list[str]]
    subject_types_supported: NotRequired[list[Literal["public"]]]
    token_endpoint_auth_methods_supported: NotRequired[list[str]]


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


@final
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


@final
class CartAbandon(TypedDict):
    """Gives the cart up."""


@final
class CartAddLine(TypedDict):
    """Puts units of a SKU in. They are added to those that are there."""

    quantity: Quantity
    sku: Sku


@final
class CartAssign(TypedDict):
    """Makes a guest's cart a customer's."""

    # Whose it is from now on: oneself, where a customer asks and says nothing.
    customer_id: NotRequired[CustomerId | None]


@final
class CartChangeLine(TypedDict):
    """Sets how many units of a SKU are in it, at the price of today."""

    quantity: Quantity


@final
class CartCheckout(TypedDict):
    """Places the order and reserves every unit, or says which lines cannot be bought. The answer
    is about the order.
    """

    address_id: NotRequired[AddressId | None]
    order_id: NotRequired[OrderId | None]


@final
class CartCreate(TypedDict):
    """Opens a cart."""

    currency: Currency
    customer_id: NotRequired[CustomerId | None]
    id: NotRequired[CartId | None]


# A shopping cart.
CartId: TypeAlias = str


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


# Takes another cart's lines in. The other one goes on as a part of this.
CartMerge = TypedDict(
    "CartMerge",
    {
        # The cart whose lines are taken in.
        "from": "CartId",
    },
)


@final
class CartReopen(TypedDict):
    """Opens a cart again whose order is off, its lines as they were: it may be filled further,
    and checked out into another order.
    """


# Where a cart stands in its life.
CartStatus: TypeAlias = Literal["open", "checked_out", "abandoned", "merged"]


@final
class ChangeEmail(TypedDict):
    email: Email
    password: Password


@final
class Colleague(TypedDict):
    """Somebody who works here."""

    # When they were registered or invited.
    created_at: str
    # When they were disabled, if they are.
    disabled_at: str | None
    # Their address.
    email: str
    # Their id, which stands in events as who asked.
    id: str
    # Until when they can take their invitation, if they have not yet.
    invited_until: str | None
    # What they do.
    role: Role
    # Whether they sign in with a second factor.
    second_factor: bool


@final
class ColleaguePage(TypedDict):
    """A part of a list."""

    items: list[Colleague]
    # The `cursor` of the page after, if there is one.
    next: str | None


# A country, as two capitals.
Country: TypeAlias = str


@final
class Credentials(TypedDict):
    email: Email
    password: Password
    # A code of the second factor, or a recovery code.
    totp: NotRequired[str | None]


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
class Export(TypedDict):
    """All that is known of somebody outside of the log."""

    addresses: list[Address]
    created_at: NotRequired[str | None]
    # Where they are written to.
    email: NotRequired[Email | None]
    exported_at: str
    id: str
    # The language they read.
    locale: NotRequired[Locale | None]
    # What they are called.
    name: NotRequired[Label | None]
    # What they wrote about their orders, and what was written about them.
    notes: list[ExportedNote]
    # Where they are called.
    phone: NotRequired[Phone | None]
    role: NotRequired[Role | None]
    # Whether they show a second factor when they sign in.
    second_factor: bool
    sessions: list[Session]
    # What happened to their account, the latest first, as far back as it is kept and no more
    # than two hundred entries: the list of sign-ins has all.
    sign_ins: list[SignIn]
    verified_at: NotRequired[str | None]


@final
class ExportedNote(TypedDict):
    changed_at: str
    id: str
    text: Note


@final
class Farewell(TypedDict):
    # Forgets them though they have orders that are neither complete nor off. Nobody can send
    # these any more.
    despite_open_orders: NotRequired[bool]
    # Of who has an account here.
    password: NotRequired[Password | None]


@final
class FieldError(TypedDict):
    """One thing that is wrong with a request, and where."""

    code: str
    detail: str
    pointer: NotRequired[str]
    parameter: NotRequired[str]


@final
class Forgetting(TypedDict):
    """How somebody is forgotten who asked the shop for it."""

    # Forgets them though they have orders that are neither complete nor off. Nobody can send
    # these any more.
    despite_open_orders: NotRequired[bool]


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


@final
class FulfilmentCancel(TypedDict):
    """Calls a parcel off before it leaves."""


@final
class FulfilmentCreate(TypedDict):
    """Plans a parcel of an order."""

    id: NotRequired[FulfilmentId | None]
    # At least one, if any is named; none means all that is left.
    lines: NotRequired[list[Units] | None]
    # Where it leaves from. None means the one place that has all of it, where its units are
    # set aside if that can be; where they lie apart, it has to be said.
    location: NotRequired[Location | None]
    order_id: OrderId


@final
class FulfilmentDeliver(TypedDict):
    """Says that a parcel was handed over, or some of it."""

    # None means all of it.
    lines: NotRequired[list[Units] | None]


@final
class FulfilmentFail(TypedDict):
    """Says that a parcel could not be handed over, or was not, though it is `delivered`. It is
    tried again, sent back or lost.
    """

    reason: Note


# A parcel of an order.
FulfilmentId: TypeAlias = str


@final
class FulfilmentLose(TypedDict):
    """Says that a parcel was lost on the way, also of one that is `delivered` and never came, or
    what more is known of one that was.
    """

    reason: Note


@final
class FulfilmentPack(TypedDict):
    """Says that a parcel is packed."""


@final
class FulfilmentReturn(TypedDict):
    """Takes a parcel back that nobody took. The order becomes smaller by it, unless it goes out
    again.
    """

    # What came back of it, and what becomes of that; the rest is lost. None means all of it.
    lines: NotRequired[list[Arrival] | None]
    # Where all of it is put; none means `returns`, or `main` where it goes out again.
    location: NotRequired[Location | None]
    # Whether what is put somewhere, which must sell, is sent again in another parcel: it is
    # owed as before. What is lost or written off is not.
    send_again: NotRequired[bool]


@final
class FulfilmentShip(TypedDict):
    """Sends the parcel. What goes out is taken from stock, and its money is captured unless the
    payment says otherwise. Of one that has left, what is named is told late or put right.
    """

    carrier: NotRequired[Label | None]
    tracking: NotRequired[Label | None]


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
class Invitation(TypedDict):
    """What lets somebody choose a password, shown once."""

    # Until when it is good.
    expires_at: str
    # Who.
    id: str
    # What to send them.
    invitation: str


@final
class Joining(TypedDict):
    invitation: str
    password: NewPassword


@final
class KeySet(TypedDict):
    """Keys, as RFC 7517 has them."""

    keys: list[dict[str, Any]]


# A one-line name: a title, a brand, a category, an attribute.
Label: TypeAlias = str


# A language, as a tag of BCP 47 with at most a script and a region.
Locale: TypeAlias = str


# A place that holds stock.
Location: TypeAlias = str


@final
class LocationSet(TypedDict):
    """Sets what is known of a location, and whether what lies there is for sale."""

    address_ref: NotRequired[Label | None]
    name: NotRequired[Label | None]
    sellable: bool


@final
class Mail(TypedDict):
    """What became of a mail, for those who keep the programs running: not whose it is."""

    # How often it was tried.
    attempts: int
    # When it was written.
    created_at: str
    # When it is tried next, or was last.
    due_at: str
    # Its id.
    id: str
    # What the server said last.
    last_error: NotRequired[str | None]
    # `waiting`, `sent` or `failed`.
    state: str
    # What it is about.
    template: str


@final
class MailPage(TypedDict):
    """A part of a list."""

    items: list[Mail]
    # The `cursor` of the page after, if there is one.
    next: str | None


# What became of a mail.
MailState: TypeAlias = Literal["failed", "waiting", "sent"]


@final
class MailedCode(TypedDict):
    code: str
    # Of the account, or as one registered: whoever reads the mail may be somebody else.
    password: Password


@final
class Me(TypedDict):
    """Who somebody is."""

    created_at: NotRequired[str | None]
    # Where they are written to.
    email: NotRequired[Email | None]
    id: str
    # The language they read.
    locale: NotRequired[Locale | None]
    # What they are called.
    name: NotRequired[Label | None]
    # Where they are called.
    phone: NotRequired[Phone | None]
    role: NotRequired[Role | None]
    verified_at: NotRequired[str | None]


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
class Money(TypedDict):
    """An amount of zero or more in one currency, with exactly the currency's decimals."""

    # In major units, with no more decimals than the currency has.
    amount: str
    currency: Currency


@final
class NewAddress(TypedDict):
    """An address that is to be kept."""

    address: PostalAddress
    # Its id, if the caller chooses: sent again it is the same address.
    id: NotRequired[str | None]
    # Whose it is, where the shop says so: a customer, or a guest.
    owner_id: NotRequired[str | None]


@final
class NewApiKey(TypedDict):
    """A key as somebody wants it."""

    # Until when it is good; without that, until it is revoked.
    expires_at: NotRequired[str | None]
    # What it is called.
    name: ApiKeyName
    # What it may do.
    role: ProgramRole
    # Where it may be used.
    scopes: NotRequired[ApiKeyScopes]


@final
class NewColleague(TypedDict):
    email: Email
    role: Role


# A password that somebody wants to have from now on.
NewPassword: TypeAlias = str


@final
class NewRole(TypedDict):
    role: Role


@final
class NewWebhook(TypedDict):
    # What for.
    description: NotRequired[str]
    # Of what it is told: names of events, or all of a kind, as `order.*`.
    event_types: list[str]
    # Where the receiver listens: an https URL that leads to an address of the internet.
    url: str


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


@final
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
class OrderAddNote(TypedDict):
    """Writes something about the order for those who work here, as what was agreed on the
    telephone. It stands in the order's history for them, and is not shown to whose order it
    is.
    """

    note: Note


@final
class OrderAssign(TypedDict):
    """Makes a guest's order a customer's, who has signed in since."""

    # Whose it is from now on: oneself, where a customer asks and says nothing.
    customer_id: NotRequired[CustomerId | None]


@final
class OrderCancel(TypedDict):
    """Calls off what has not left, or some units of it. Money that is too much then is given
    back, and a parcel that holds such units is called off: what else is in it is to be
    planned again. Some units are not taken out of a parcel that is packed, all that has not
    left is.
    """

    # None means all that has not left.
    lines: NotRequired[list[Units] | None]
    reason: Note


@final
class OrderChangeAddress(TypedDict):
    """Sends the order elsewhere, before a parcel leaves."""

    address_id: AddressId


@final
class OrderChangeLine(TypedDict):
    """Makes a line smaller, before it is packed. A parcel that is planned for it is called off."""

    # Units that are left of it; none is taken as well.
    quantity: int
    reason: NotRequired[Note | None]


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
class OrderRemoveLine(TypedDict):
    """Calls a whole line off, before it is packed. Parcels that are planned for it are called
    off.
    """

    reason: NotRequired[Note | None]


# Where an order stands in its life.
OrderStatus: TypeAlias = Literal["pending", "confirmed", "completed", "cancelled"]


Outcome: TypeAlias = Literal["done", "not_done"]


@final
class OwnProfile(TypedDict):
    """What somebody says of themselves; what is left out is unsaid."""

    locale: NotRequired[Locale | None]
    name: NotRequired[Label | None]
    phone: NotRequired[Phone | None]


# What somebody gives as their password, which may be any text: one that nobody can have is
# wrong as any other is, and counts as a try. It is never printed.
Password: TypeAlias = str


@final
class PasswordForgotten(TypedDict):
    email: Email


@final
class PasswordReset(TypedDict):
    code: str
    password: NewPassword


@final
class Passwords(TypedDict):
    new: NewPassword
    old: Password


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


@final
class PaymentAbort(TypedDict):
    """Gives a payment up of which nothing was taken, so that the order may be paid otherwise."""

    reason: NotRequired[Note | None]


@final
class PaymentAction(TypedDict):
    """Where a shopper confirms that they pay."""

    # The page of their bank, with what lets them in there.
    action_url: MediaUrl


@final
class PaymentCapture(TypedDict):
    """Takes money that was set aside, all of it unless an amount is named."""

    # How much; all there is, where nobody says.
    amount: NotRequired[Money | None]


@final
class PaymentCollect(TypedDict):
    """Says that the courier collected cash, or that money came otherwise."""

    # How much, whatever was due; all that is due, where nobody says.
    amount: NotRequired[Money | None]


@final
class PaymentCompleteAction(TypedDict):
    """Says that the customer has confirmed at their bank's page, so that the gateway is asked."""


@final
class PaymentCorrectCollection(TypedDict):
    """Puts right what was collected, where another amount was told by mistake."""

    # How much was collected in all.
    amount: Money
    # Who says so, and how they know.
    reason: Note


@final
class PaymentCorrectRefund(TypedDict):
    """Puts right what was given back by hand, where another amount was told by mistake."""

    # How much was given back by hand in all.
    amount: Money
    # Who says so, and how they know.
    reason: Note


@final
class PaymentCorrectRemittance(TypedDict):
    """Puts right what the courier handed over, or will not, where another amount was told by
    mistake.
    """

    # How much was handed over in all.
    amount: Money
    # Who says so, and how they know.
    reason: Note
    # How much of what was collected is waited for no more; as much as before, where nobody
    # says.
    written_off: NotRequired[Money | None]


# One attempt to pay an order.
PaymentId: TypeAlias = str


# How an order is paid.
PaymentMethod: TypeAlias = Literal["card", "paypal", "cash_on_delivery", "external"]


@final
class PaymentRefund(TypedDict):
    """Gives money back, all of it unless an amount is named."""

    amount: NotRequired[Money | None]
    by_hand: NotRequired[bool]
    reason: NotRequired[Note | None]


@final
class PaymentRemit(TypedDict):
    """Says that the courier handed collected cash over, all of it unless an amount is named; and
    what will not be, if that is so.
    """

    amount: NotRequired[Money | None]
    # What the courier keeps as a fee, or lost: it is waited for no more.
    write_off: NotRequired[WriteOff | None]


@final
class PaymentResolve(TypedDict):
    """Says what came of a request whose answer was lost, as a person found out."""

    # How much was taken or given back, where that is less than was asked for.
    amount: NotRequired[Money | None]
    # When an authorisation lapses.
    expires_at: NotRequired[str | None]
    # Who says so, and how they know.
    note: Note
    outcome: Outcome
    # The gateway's name for what it did.
    reference: NotRequired[Token | None]
    request: int


# What may still come of a payment.
PaymentStage: TypeAlias = Literal[
    "unborn", "created", "requires_action", "open", "done", "voided", "expired", "failed",
    "uncollected",
]


@final
class PaymentStart(TypedDict):
    """Begins to pay an order. What the gateway says later is told by the payment."""

    capture: NotRequired[CapturePolicy | None]
    gateway: NotRequired[GatewayName | None]
    id: NotRequired[PaymentId | None]
    method: PaymentMethod
    order_id: OrderId
    return_url: NotRequired[MediaUrl | None]
    # What the gateway's own form made of a card: a payment by `card` needs one, one in `cash`
    # has none. None begins with `vault:`.
    token: NotRequired[Token | None]


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
class PaymentUncollect(TypedDict):
    """Says that nothing more of it is collected. What was collected stands."""

    reason: Note


@final
class PaymentVoid(TypedDict):
    """Lets go what is set aside."""


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
class PostalAddress(TypedDict):
    """An address with who is there."""

    city: Label
    company: NotRequired[Label | None]
    country: Country
    email: NotRequired[Email | None]
    lines: list[Label]
    locale: NotRequired[Locale | None]
    name: Label
    note: NotRequired[Note | None]
    phone: NotRequired[Phone | None]
    postcode: NotRequired[Label | None]
    region: NotRequired[Label | None]


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


@final
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


@final
class ProductArchive(TypedDict):
    """Withdraws a product. It keeps its SKUs unless told otherwise."""

    skus: NotRequired[SkusOfArchived]


@final
class ProductChange(TypedDict):
    """`product.changed`: only what changed. A field that is absent stayed as it was; a
    description or brand that is `null` was taken away.
    """

    # Facts to filter by.
    attributes: NotRequired[dict[str, Label] | None]
    # Who makes it.
    brand: NotRequired[Label | None]
    # Its category as a path, the widest first. As with what follows, `null` is none of it.
    category: NotRequired[list[Label] | None]
    # What it is; may contain HTML.
    description: NotRequired[Prose | None]
    # Pictures and videos.
    media: NotRequired[list[Media] | None]
    # Its name, which it never is without.
    title: NotRequired[Label]


@final
class ProductChangeVariant(TypedDict):
    """What changes of a variant: a field that is absent stays as it was, one that is `null` is
    taken away.
    """

    # Its EAN, UPC or ISBN.
    barcode: NotRequired[Label | None]
    # What sets it apart: all of it, for the order is a part of what it says.
    options: NotRequired[Options | None]
    # What one unit costs, in all currencies.
    prices: NotRequired[list[Money] | None]
    # Its own name.
    title: NotRequired[Label | None]


@final
class ProductCreate(TypedDict):
    """Makes a product, a draft until it is published."""

    attributes: NotRequired[dict[str, Label]]
    brand: NotRequired[Label | None]
    category: NotRequired[list[Label]]
    description: NotRequired[Prose | None]
    id: NotRequired[ProductId | None]
    media: NotRequired[list[Media]]
    title: Label
    variants: NotRequired[list[Variant]]


# A product of the catalogue, with all its variants.
ProductId: TypeAlias = str


@final
class ProductPublish(TypedDict):
    """Puts a product on sale."""


@final
class ProductRestore(TypedDict):
    """Brings an archived product back as a draft, with its SKUs if nobody else has them."""


@final
class ProductSetPrices(TypedDict):
    """Sets what a variant costs, in all currencies."""

    prices: list[Money]


@final
class ProductSetVariant(TypedDict):
    """Sets a variant, whole. One that is not there is made."""

    barcode: NotRequired[Label | None]
    options: NotRequired[Options]
    prices: list[Money]
    title: NotRequired[Label | None]


# Where a product stands in its life.
ProductStatus: TypeAlias = Literal["draft", "published", "archived"]


@final
class ProductUnpublish(TypedDict):
    """Takes a product off sale; it is a draft again."""


# What a program may be: anything but the owner.
ProgramRole: TypeAlias = Literal["staff", "analyst", "ops", "service", "owner"]


# A longer text, such as a description; may contain HTML.
Prose: TypeAlias = str


# A count of units in one line or movement: 1 to 1,000,000.
Quantity: TypeAlias = int


@final
class RecoveryCodes(TypedDict):
    """What lets somebody in whose phone is gone, each once."""

    recovery_codes: list[str]


@final
class Refresh(TypedDict):
    refresh_token: str


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
class Registration(TypedDict):
    email: Email
    # The language they are written to in.
    locale: NotRequired[Locale | None]
    password: NewPassword


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


@final
class ReturnApprove(TypedDict):
    """Says yes to a return."""


@final
class ReturnClose(TypedDict):
    """Ends a return of which nothing more is expected."""


@final
class ReturnCorrectReceipt(TypedDict):
    """Puts right what was received, where something else was told by mistake: stock, what is
    owed and what is given back follow.
    """

    # What arrived in all, and what became of it; nothing, if it was another return's.
    lines: list[Arrival]
    # Who says so, and how they know.
    reason: Note
    # How much of the price of all of it is not given back; as much as before, where nobody
    # says.
    withheld: NotRequired[Money | None]


# Goods of an order that come back after they were delivered.
ReturnId: TypeAlias = str


@final
class ReturnReceive(TypedDict):
    """Takes goods in as they arrive. Their money is given back, less what is withheld."""

    lines: list[Arrival]
    # What is not given back, for the goods were worth less when they came.
    withheld: NotRequired[Withheld | None]


@final
class ReturnReject(TypedDict):
    """Says no to a return, or another reason why."""

    reason: Note


@final
class ReturnRequest(TypedDict):
    """Asks to send goods back."""

    id: NotRequired[ReturnId | None]
    lines: list[Units]
    order_id: OrderId
    reason: Note


# Where a return stands in its life.
ReturnStatus: TypeAlias = Literal[
    "unborn", "requested", "approved", "received", "rejected", "withdrawn", "closed",
]


@final
class ReturnWithdraw(TypedDict):
    """Takes a return back of which nothing has arrived: the goods stay with the customer."""


# What somebody does for the shop.
Role: TypeAlias = Literal["staff", "analyst", "ops", "service", "owner"]


@final
class SealedNote(TypedDict):
    """What somebody wrote."""

    id: str
    text: Note


@final
class SecondFactorBegun(TypedDict):
    password: Password


@final
class SecondFactorCode(TypedDict):
    totp: str


@final
class SecondFactorEnrolment(TypedDict):
    """What an app is told, once."""

    # The secret, for who types it.
    secret: str
    # The same for who scans it as a QR code.
    uri: str


@final
class SecondFactorRemoval(TypedDict):
    password: Password
    totp: str


@final
class Session(TypedDict):
    """A session, as it is shown to whose it is."""

    # When they signed in.
    created_at: str
    # When it ends unless they come back.
    expires_at: str
    # Its id.
    id: str
    # When they were last here.
    used_at: str


@final
class SessionPage(TypedDict):
    """A part of a list."""

    items: list[Session]
    # The `cursor` of the page after, if there is one.
    next: str | None


@final
class SignIn(TypedDict):
    """An entry."""

    # When it happened.
    at: str
    # Its number: later ones are greater.
    id: int
    # From which network; none where that is not known, or the shop did it.
    network: NotRequired[str | None]
    # Whose account it is about; nobody's, where nobody has the e-mail that was tried.
    person_id: NotRequired[str | None]
    # What happened: `signed_in`, `failed`, `locked_out`, `password_changed`,
    # `email_change_asked`, `email_changed`, `factor_added` or `factor_removed`.
    what: str


@final
class SignInPage(TypedDict):
    """A part of a list."""

    items: list[SignIn]
    # The `cursor` of the page after, if there is one.
    next: str | None


@final
class SignedIn(TypedDict):
    """Somebody who is signed in."""

    expires_at: str
    id: str
    # The token is good for enrolling a second factor alone.
    must_enrol: NotRequired[bool]
    refresh_expires_at: str
    refresh_token: str
    role: NotRequired[Role | None]
    token: str


# A stock keeping unit: the name under which one variant is sold and counted.
Sku: TypeAlias = str


# What becomes of the SKUs of a product that is withdrawn.
SkusOfArchived: TypeAlias = Literal["keep", "free"]


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
class StockAdjust(TypedDict):
    """Puts more or fewer units at a location."""

    delta: int
    location: NotRequired[Location]
    reason: Note


@final
class StockCount(TypedDict):
    """Sets how many units there are at a location, whatever was promised."""

    location: NotRequired[Location]
    on_hand: int
    reason: NotRequired[Note | None]


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
class StockReceive(TypedDict):
    """Takes a delivery in."""

    location: NotRequired[Location]
    quantity: Quantity
    reference: NotRequired[Note | None]


@final
class StockSetPolicy(TypedDict):
    """Sets how many units may be sold beyond what is there."""

    backorder_max: int


@final
class StockSetThreshold(TypedDict):
    """Sets at how many units left somebody is told."""

    # `null`: nobody is told. It has to be said.
    threshold: int


@final
class StockShort(TypedDict):
    """Units that an order was promised and that are not there."""

    # Whose they are.
    order_id: OrderId
    # How many.
    quantity: Quantity


# Moves units between locations, those that orders wait for too: what is damaged has to go
# somewhere. What orders lack then is in the event, and in `short` and `short_orders` of the
# document, which `Prefer: return=representation` shows.
StockTransfer = TypedDict(
    "StockTransfer",
    {
        "from": "Location",
        "quantity": "Quantity",
        "reason": "NotRequired[Note | None]",
        "to": "Location",
    },
)


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
class Units(TypedDict):
    """Units of one SKU."""

    # How many.
    quantity: Quantity
    # What.
    sku: Sku


@final
class Variant(TypedDict):
    barcode: NotRequired[Label | None]
    options: NotRequired[Options]
    prices: list[Money]
    sku: Sku
    title: NotRequired[Label | None]


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
class Verdict(TypedDict):
    """The answer to one line."""

    # The id of the command's subject.
    id: NotRequired[str]
    # Which line, from 1; blank ones count.
    line: int
    # The position to read from, to see it.
    position: NotRequired[int]
    problem: NotRequired[Any]
    replayed: NotRequired[bool]
    # The status that HTTP would have had.
    status: int
    # The version of the subject's stream.
    version: NotRequired[int]


@final
class Webhook(TypedDict):
    """A subscription, as it is shown."""

    # It is told of what comes after this position.
    began_after: int
    # When it was made.
    created_at: str
    # What for, in somebody's words.
    description: str
    # Of what it is told.
    event_types: list[str]
    # Its id.
    id: str
    # How far the log was read for it.
    position: int
    # Until when the secret before this one is good.
    previous_secret_until: NotRequired[str | None]
    # Why it is disabled.
    reason: NotRequired[str | None]
    # The replay that is under way.
    replay: NotRequired[WebhookReplay | None]
    # `active`, `paused`, or `disabled` for a reason.
    state: str
    # When somebody last changed it.
    updated_at: str
    # Where the receiver listens.
    url: str


@final
class WebhookChange(TypedDict):
    description: NotRequired[str | None]
    event_types: NotRequired[list[str] | None]
    state: NotRequired[WebhookWish | None]
    url: NotRequired[str | None]


@final
class WebhookDelivery(TypedDict):
    """One of the list, as it is shown."""

    attempts: int
    created_at: str
    ended_at: NotRequired[str | None]
    id: WebhookDeliveryId
    last_attempt_at: str | None
    last_error: str | None
    last_status: int | None
    next_attempt_at: NotRequired[str | None]
    position: int
    state: WebhookDeliveryState
    type: str
    # What the receiver knows it by.
    webhook_id: str


# The position of the event, and 0 or the number of a replay.
WebhookDeliveryId: TypeAlias = str


@final
class WebhookDeliveryPage(TypedDict):
    """A part of a list."""

    items: list[WebhookDelivery]
    # The `cursor` of the page after, if there is one.
    next: str | None


# Whether something was sent, as callers name it.
WebhookDeliveryState: TypeAlias = Literal["pending", "delivered", "failed"]


@final
class WebhookPage(TypedDict):
    """A part of a list."""

    items: list[Webhook]
    # The `cursor` of the page after, if there is one.
    next: str | None


@final
class WebhookReplay(TypedDict):
    """A replay, as it is shown."""

    # How far the log was read for it.
    position: int
    # Which: ids of its deliveries end in it.
    replay: int
    # Where it ends.
    until_position: int


@final
class WebhookStretch(TypedDict):
    from_position: int
    # The end of the log, unless it is said.
    until_position: NotRequired[int | None]


@final
class WebhookTested(TypedDict):
    """What a receiver said to a test."""

    # How its answer began.
    answer: str | None
    at: str
    delivered: bool
    # Why there is none.
    error: str | None
    status: int | None
    took_ms: int


# What somebody can make of a subscription's state.
WebhookWish: TypeAlias = Literal["active", "paused"]


@final
class WebhookWithSecret(TypedDict):
    """A subscription with its secret, which is shown this once."""

    # It is told of what comes after this position.
    began_after: int
    # When it was made.
    created_at: str
    # What for, in somebody's words.
    description: str
    # Of what it is told.
    event_types: list[str]
    # Its id.
    id: str
    # How far the log was read for it.
    position: int
    # Until when the secret before this one is good.
    previous_secret_until: NotRequired[str | None]
    # Why it is disabled.
    reason: NotRequired[str | None]
    # The replay that is under way.
    replay: NotRequired[WebhookReplay | None]
    secret: str
    # `active`, `paused`, or `disabled` for a reason.
    state: str
    # When somebody last changed it.
    updated_at: str
    # Where the receiver listens.
    url: str


@final
class Welcome(TypedDict):
    """A new guest."""

    expires_at: str
    guest_id: GuestId
    token: str


@final
class Withheld(TypedDict):
    """What is not given back for goods that came back, for they were worth less by then."""

    # How much of their price.
    amount: Money
    # Why.
    reason: Note


@final
class WriteOff(TypedDict):
    """Money that the courier took and will not hand over."""

    # How much.
    amount: Money
    # Why: the courier keeps it as a fee, or lost it.
    reason: Note


class KeysOperations(Operations):
    """What is asked of keys."""

    def read(self, **options: Unpack[PlainOptions]) -> Answer[KeySet]:
        """The keys that verify the shop's tokens (RFC 7517).

        `GET /.well-known/jwks.json`
        """
        return self._client.ask("GET", "/.well-known/jwks.json", **options)


class IssuerOperations(Operations):
    """What is asked of issuers."""

    def read(self, **options: Unpack[PlainOptions]) -> Answer[AuthorizationServer]:
        """Who signs the shop's tokens (RFC 8414). Nobody signs in here for others.

        `GET /.well-known/oauth-authorization-server`
        """
        return self._client.ask("GET", "/.well-known/oauth-authorization-server", **options)

    def discover(self, **options: Unpack[PlainOptions]) -> Answer[AuthorizationServer]:
        """The same, where OpenID Connect Discovery has it. There are no ID tokens.

        `GET /.well-known/openid-configuration`
        """
        return self._client.ask("GET", "/.well-known/openid-configuration", **options)


class AddressOperations(Operations):
    """What is asked of addresses."""

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        owner_id: str | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[AddressPage]:
        """A shopper's own addresses, the newest first; for the shop, those of who is named.

        `GET /v1/addresses`

        - `cursor`: The `next` of the page before.
        - `limit`: How many at most.
        - `owner_id`: Whose, where the shop asks.
        """
        return self._client.ask(
            "GET",
            "/v1/addresses",
            query={"cursor": cursor, "limit": limit, "owner_id": owner_id},
            **options,
        )

    def create(self, *, body: NewAddress, **options: Unpack[PlainOptions]) -> Answer[Address]:
        """Keeps an address: a shopper's own, or whose the shop says.

        `POST /v1/addresses`
        """
        return self._client.ask("POST", "/v1/addresses", body=body, **options)

    def remove(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Takes an address out of a shopper's list. Orders that go there still do.

        `DELETE /v1/addresses/{id}`
        """
        return self._client.ask("DELETE", f"/v1/addresses/{place(id)}", **options)

    def read(self, id: str, **options: Unpack[PlainOptions]) -> Answer[Address]:
        """An address, for whose it is and the shop. Of who was forgotten it is gone.

        `GET /v1/addresses/{id}`
        """
        return self._client.ask("GET", f"/v1/addresses/{place(id)}", **options)


class ApiKeyOperations(Operations):
    """What is asked of api keys."""

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[ApiKeyPage]:
        """All keys of programs, those included that were revoked of late; the newest first.

        `GET /v1/api-keys`

        - `cursor`: The `next` of the page before.
        - `limit`: How many at most.
        """
        return self._client.ask(
            "GET",
            "/v1/api-keys",
            query={"cursor": cursor, "limit": limit},
            **options,
        )

    def create(self, *, body: NewApiKey, **options: Unpack[PlainOptions]) -> Answer[ApiKeyMade]:
        """Makes a key, which is shown this once. No program is the owner.

        `POST /v1/api-keys`
        """
        return self._client.ask("POST", "/v1/api-keys", body=body, **options)

    def revoke(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Revokes a key. It is worth nothing anywhere within 30 s.

        `DELETE /v1/api-keys/{id}`
        """
        return self._client.ask("DELETE", f"/v1/api-keys/{place(id)}", **options)

    def rotate(
        self,
        id: str,
        *,
        body: ApiKeyRotation,
        **options: Unpack[PlainOptions],
    ) -> Answer[ApiKeyMade]:
        """Makes another key in its place, which is shown this once.

        `POST /v1/api-keys/{id}/rotate`
        """
        return self._client.ask("POST", f"/v1/api-keys/{place(id)}/rotate", body=body, **options)


class BatchOperations(Operations):
    """What is asked of batches."""

    def send(
        self,
        *,
        lines: Iterable[Ask],
        **options: Unpack[PlainOptions],
    ) -> Answer[Sequence[Verdict]]:
        """Takes a command a line, and answers each with a line, in the same order.

        `POST /v1/batch`
        """
        return self._client.ask("POST", "/v1/batch", lines=lines, **options)


class CartOperations(Operations):
    """What is asked of carts."""

    def create(
        self,
        *,
        body: CartCreate,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Cart]:
        """Opens a cart.

        `POST /v1/carts`, under a key
        """
        return self._client.ask("POST", "/v1/carts", body=body, keyed=True, **options)

    def abandon(
        self,
        id: str,
        *,
        body: CartAbandon | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Cart]:
        """Gives the cart up.

        `POST /v1/carts/{id}/abandon`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/carts/{place(id)}/abandon",
            body=body,
            keyed=True,
            **options,
        )

    def checkout(
        self,
        id: str,
        *,
        body: CartCheckout | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Order]:
        """Places the order and reserves every unit, or says which lines cannot be bought. The
        answer is about the order.

        `POST /v1/carts/{id}/checkout`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/carts/{place(id)}/checkout",
            body=body,
            keyed=True,
            **options,
        )

    def assign(
        self,
        id: str,
        *,
        body: CartAssign | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Cart]:
        """Makes a guest's cart a customer's.

        `PUT /v1/carts/{id}/customer`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/carts/{place(id)}/customer",
            body=body,
            keyed=True,
            **options,
        )

    def add_line(
        self,
        id: str,
        *,
        body: CartAddLine,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Cart]:
        """Puts units of a SKU in. They are added to those that are there.

        `POST /v1/carts/{id}/lines`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/carts/{place(id)}/lines",
            body=body,
            keyed=True,
            **options,
        )

    def remove_line(
        self,
        id: str,
        sku: Sku,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Cart]:
        """Takes a line out.

        `DELETE /v1/carts/{id}/lines/{sku}`, under a key
        """
        return self._client.ask(
            "DELETE",
            f"/v1/carts/{place(id)}/lines/{place(sku)}",
            keyed=True,
            **options,
        )

    def change_line(
        self,
        id: str,
        sku: Sku,
        *,
        body: CartChangeLine,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Cart]:
        """Sets how many units of a SKU are in it, at the price of today.

        `PUT /v1/carts/{id}/lines/{sku}`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/carts/{place(id)}/lines/{place(sku)}",
            body=body,
            keyed=True,
            **options,
        )

    def merge(
        self,
        id: str,
        *,
        body: CartMerge,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Cart]:
        """Takes another cart's lines in. The other one goes on as a part of this.

        `POST /v1/carts/{id}/merge`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/carts/{place(id)}/merge",
            body=body,
            keyed=True,
            **options,
        )

    def reopen(
        self,
        id: str,
        *,
        body: CartReopen | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Cart]:
        """Opens a cart again whose order is off, its lines as they were: it may be filled
        further, and checked out into another order.

        `POST /v1/carts/{id}/reopen`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/carts/{place(id)}/reopen",
            body=body,
            keyed=True,
            **options,
        )


class FulfilmentOperations(Operations):
    """What is asked of fulfilments."""

    def create(
        self,
        *,
        body: FulfilmentCreate,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Fulfilment]:
        """Plans a parcel of an order.

        `POST /v1/fulfilments`, under a key
        """
        return self._client.ask("POST", "/v1/fulfilments", body=body, keyed=True, **options)

    def cancel(
        self,
        id: str,
        *,
        body: FulfilmentCancel | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Fulfilment]:
        """Calls a parcel off before it leaves.

        `POST /v1/fulfilments/{id}/cancel`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/fulfilments/{place(id)}/cancel",
            body=body,
            keyed=True,
            **options,
        )

    def deliver(
        self,
        id: str,
        *,
        body: FulfilmentDeliver | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Fulfilment]:
        """Says that a parcel was handed over, or some of it.

        `POST /v1/fulfilments/{id}/deliver`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/fulfilments/{place(id)}/deliver",
            body=body,
            keyed=True,
            **options,
        )

    def fail(
        self,
        id: str,
        *,
        body: FulfilmentFail,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Fulfilment]:
        """Says that a parcel could not be handed over, or was not, though it is `delivered`. It
        is tried again, sent back or lost.

        `POST /v1/fulfilments/{id}/fail`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/fulfilments/{place(id)}/fail",
            body=body,
            keyed=True,
            **options,
        )

    def lose(
        self,
        id: str,
        *,
        body: FulfilmentLose,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Fulfilment]:
        """Says that a parcel was lost on the way, also of one that is `delivered` and never
        came, or what more is known of one that was.

        `POST /v1/fulfilments/{id}/lose`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/fulfilments/{place(id)}/lose",
            body=body,
            keyed=True,
            **options,
        )

    def pack(
        self,
        id: str,
        *,
        body: FulfilmentPack | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Fulfilment]:
        """Says that a parcel is packed.

        `POST /v1/fulfilments/{id}/pack`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/fulfilments/{place(id)}/pack",
            body=body,
            keyed=True,
            **options,
        )

    def return_(
        self,
        id: str,
        *,
        body: FulfilmentReturn | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Fulfilment]:
        """Takes a parcel back that nobody took. The order becomes smaller by it, unless it goes
        out again.

        `POST /v1/fulfilments/{id}/return`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/fulfilments/{place(id)}/return",
            body=body,
            keyed=True,
            **options,
        )

    def ship(
        self,
        id: str,
        *,
        body: FulfilmentShip | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Fulfilment]:
        """Sends the parcel. What goes out is taken from stock, and its money is captured unless
        the payment says otherwise. Of one that has left, what is named is told late or put
        right.

        `POST /v1/fulfilments/{id}/ship`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/fulfilments/{place(id)}/ship",
            body=body,
            keyed=True,
            **options,
        )


class GatewayOperations(Operations):
    """What is asked of gateways."""

    def tell(
        self,
        name: str,
        *,
        body: dict[str, Any],
        **options: Unpack[PlainOptions],
    ) -> Answer[None]:
        """Tells what happened at a gateway. Asks for its signature instead of a token.

        `POST /v1/gateways/{name}/events`
        """
        return self._client.ask("POST", f"/v1/gateways/{place(name)}/events", body=body, **options)


class GuestOperations(Operations):
    """What is asked of guests."""

    def welcome(self, **options: Unpack[PlainOptions]) -> Answer[Welcome]:
        """Gives a new guest a token. Theirs are the carts and orders begun with it.

        `POST /v1/guests`
        """
        return self._client.ask("POST", "/v1/guests", **options)

    def leave(self, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Withdraws a guest's own token. What was theirs is reached by nobody else.

        `POST /v1/guests/end`
        """
        return self._client.ask("POST", "/v1/guests/end", **options)


class LocationOperations(Operations):
    """What is asked of locations."""

    def set(
        self,
        id: Location,
        *,
        body: LocationSet,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | StockLocation]:
        """Sets what is known of a location, and whether what lies there is for sale.

        `PUT /v1/locations/{id}`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/locations/{place(id)}",
            body=body,
            keyed=True,
            **options,
        )


class MailOperations(Operations):
    """What is asked of mails."""

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: MailState | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[MailPage]:
        """Mails of a state, the oldest first: those that were given up, unless it is said.

        `GET /v1/mails`

        - `cursor`: The `next` of the page before.
        - `limit`: How many at most.
        """
        return self._client.ask(
            "GET",
            "/v1/mails",
            query={"cursor": cursor, "limit": limit, "state": state},
            **options,
        )

    def retry(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Sends a mail again that was given up.

        `POST /v1/mails/{id}/retry`
        """
        return self._client.ask("POST", f"/v1/mails/{place(id)}/retry", **options)


class NoteOperations(Operations):
    """What is asked of notes."""

    def read(self, id: str, **options: Unpack[PlainOptions]) -> Answer[SealedNote]:
        """What somebody wrote, where a document or an event has `vault:` and an id as a reason
        or note. For whom it is about, and the shop; what the shop wrote for itself for the
        shop alone. Of who was forgotten it is gone.

        `GET /v1/notes/{id}`
        """
        return self._client.ask("GET", f"/v1/notes/{place(id)}", **options)


class OrderOperations(Operations):
    """What is asked of orders."""

    def change_address(
        self,
        id: str,
        *,
        body: OrderChangeAddress,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Order]:
        """Sends the order elsewhere, before a parcel leaves.

        `PUT /v1/orders/{id}/address`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/orders/{place(id)}/address",
            body=body,
            keyed=True,
            **options,
        )

    def cancel(
        self,
        id: str,
        *,
        body: OrderCancel,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Order]:
        """Calls off what has not left, or some units of it. Money that is too much then is given
        back, and a parcel that holds such units is called off: what else is in it is to be
        planned again. Some units are not taken out of a parcel that is packed, all that has
        not left is.

        `POST /v1/orders/{id}/cancel`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/orders/{place(id)}/cancel",
            body=body,
            keyed=True,
            **options,
        )

    def assign(
        self,
        id: str,
        *,
        body: OrderAssign | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Order]:
        """Makes a guest's order a customer's, who has signed in since.

        `PUT /v1/orders/{id}/customer`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/orders/{place(id)}/customer",
            body=body,
            keyed=True,
            **options,
        )

    def remove_line(
        self,
        id: str,
        sku: Sku,
        *,
        body: OrderRemoveLine | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Order]:
        """Calls a whole line off, before it is packed. Parcels that are planned for it are
        called off.

        `DELETE /v1/orders/{id}/lines/{sku}`, under a key
        """
        return self._client.ask(
            "DELETE",
            f"/v1/orders/{place(id)}/lines/{place(sku)}",
            body=body,
            keyed=True,
            **options,
        )

    def change_line(
        self,
        id: str,
        sku: Sku,
        *,
        body: OrderChangeLine,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Order]:
        """Makes a line smaller, before it is packed. A parcel that is planned for it is called
        off.

        `PUT /v1/orders/{id}/lines/{sku}`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/orders/{place(id)}/lines/{place(sku)}",
            body=body,
            keyed=True,
            **options,
        )

    def add_note(
        self,
        id: str,
        *,
        body: OrderAddNote,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Order]:
        """Writes something about the order for those who work here, as what was agreed on the
        telephone. It stands in the order's history for them, and is not shown to whose order
        it is.

        `POST /v1/orders/{id}/notes`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/orders/{place(id)}/notes",
            body=body,
            keyed=True,
            **options,
        )


class PaymentOperations(Operations):
    """What is asked of payments."""

    def start(
        self,
        *,
        body: PaymentStart,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Begins to pay an order. What the gateway says later is told by the payment.

        `POST /v1/payments`, under a key
        """
        return self._client.ask("POST", "/v1/payments", body=body, keyed=True, **options)

    def abort(
        self,
        id: str,
        *,
        body: PaymentAbort | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Gives a payment up of which nothing was taken, so that the order may be paid
        otherwise.

        `POST /v1/payments/{id}/abort`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/abort",
            body=body,
            keyed=True,
            **options,
        )

    def action(self, id: str, **options: Unpack[PlainOptions]) -> Answer[PaymentAction]:
        """Where a shopper confirms a payment at their bank: once it `requires_action`.

        `GET /v1/payments/{id}/action`
        """
        return self._client.ask("GET", f"/v1/payments/{place(id)}/action", **options)

    def capture(
        self,
        id: str,
        *,
        body: PaymentCapture | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Takes money that was set aside, all of it unless an amount is named.

        `POST /v1/payments/{id}/capture`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/capture",
            body=body,
            keyed=True,
            **options,
        )

    def collect(
        self,
        id: str,
        *,
        body: PaymentCollect | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Says that the courier collected cash, or that money came otherwise.

        `POST /v1/payments/{id}/collect`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/collect",
            body=body,
            keyed=True,
            **options,
        )

    def complete_action(
        self,
        id: str,
        *,
        body: PaymentCompleteAction | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Says that the customer has confirmed at their bank's page, so that the gateway is
        asked.

        `POST /v1/payments/{id}/complete-action`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/complete-action",
            body=body,
            keyed=True,
            **options,
        )

    def correct_collection(
        self,
        id: str,
        *,
        body: PaymentCorrectCollection,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Puts right what was collected, where another amount was told by mistake.

        `POST /v1/payments/{id}/correct-collection`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/correct-collection",
            body=body,
            keyed=True,
            **options,
        )

    def correct_refund(
        self,
        id: str,
        *,
        body: PaymentCorrectRefund,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Puts right what was given back by hand, where another amount was told by mistake.

        `POST /v1/payments/{id}/correct-refund`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/correct-refund",
            body=body,
            keyed=True,
            **options,
        )

    def correct_remittance(
        self,
        id: str,
        *,
        body: PaymentCorrectRemittance,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Puts right what the courier handed over, or will not, where another amount was told by
        mistake.

        `POST /v1/payments/{id}/correct-remittance`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/correct-remittance",
            body=body,
            keyed=True,
            **options,
        )

    def refund(
        self,
        id: str,
        *,
        body: PaymentRefund | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Gives money back, all of it unless an amount is named.

        `POST /v1/payments/{id}/refund`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/refund",
            body=body,
            keyed=True,
            **options,
        )

    def remit(
        self,
        id: str,
        *,
        body: PaymentRemit | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Says that the courier handed collected cash over, all of it unless an amount is named;
        and what will not be, if that is so.

        `POST /v1/payments/{id}/remit`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/remit",
            body=body,
            keyed=True,
            **options,
        )

    def resolve(
        self,
        id: str,
        *,
        body: PaymentResolve,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Says what came of a request whose answer was lost, as a person found out.

        `POST /v1/payments/{id}/resolve`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/resolve",
            body=body,
            keyed=True,
            **options,
        )

    def uncollect(
        self,
        id: str,
        *,
        body: PaymentUncollect,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Says that nothing more of it is collected. What was collected stands.

        `POST /v1/payments/{id}/uncollect`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/uncollect",
            body=body,
            keyed=True,
            **options,
        )

    def void(
        self,
        id: str,
        *,
        body: PaymentVoid | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Payment]:
        """Lets go what is set aside.

        `POST /v1/payments/{id}/void`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/payments/{place(id)}/void",
            body=body,
            keyed=True,
            **options,
        )


class PersonOperations(Operations):
    """What is asked of people."""

    def register(self, *, body: Registration, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Registers a customer, who signs in once they have sent back the code that is mailed;
        at once, where no mails are sent. The answer is the same where somebody has the
        address.

        `POST /v1/people`
        """
        return self._client.ask("POST", "/v1/people", body=body, **options)

    def change_password(self, *, body: Passwords, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Sets another password. All sessions end.

        `POST /v1/people/me/password`
        """
        return self._client.ask("POST", "/v1/people/me/password", body=body, **options)

    def disable(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Lets a customer in no more. What they are signed in with ends.

        `POST /v1/people/{id}/disable`
        """
        return self._client.ask("POST", f"/v1/people/{place(id)}/disable", **options)

    def enable(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Lets a customer in again.

        `POST /v1/people/{id}/enable`
        """
        return self._client.ask("POST", f"/v1/people/{place(id)}/enable", **options)

    def forget(self, id: str, *, body: Forgetting, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Forgets a customer, a guest, or who is in an address alone, who asked for it.

        `POST /v1/people/{id}/forget`
        """
        return self._client.ask("POST", f"/v1/people/{place(id)}/forget", body=body, **options)

    def send_away(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Ends what a customer is signed in with, everywhere.

        `DELETE /v1/people/{id}/sessions`
        """
        return self._client.ask("DELETE", f"/v1/people/{place(id)}/sessions", **options)


class AccountOperations(Operations):
    """What is asked of accounts."""

    def read(self, **options: Unpack[PlainOptions]) -> Answer[Me]:
        """Who one is.

        `GET /v1/people/me`
        """
        return self._client.ask("GET", "/v1/people/me", **options)

    def say(self, *, body: OwnProfile, **options: Unpack[PlainOptions]) -> Answer[Me]:
        """Says who one is. What is left out is unsaid.

        `PUT /v1/people/me`
        """
        return self._client.ask("PUT", "/v1/people/me", body=body, **options)

    def change_email(self, *, body: ChangeEmail, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Mails a code to another address, which is theirs once they have sent it.

        `POST /v1/people/me/email`
        """
        return self._client.ask("POST", "/v1/people/me/email", body=body, **options)

    def export(self, **options: Unpack[PlainOptions]) -> Answer[Export]:
        """All that is known of a shopper outside of the log, to take along.

        `GET /v1/people/me/export`
        """
        return self._client.ask("GET", "/v1/people/me/export", **options)

    def forget(self, *, body: Farewell, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Forgets a shopper. Who has an account says their password.

        `POST /v1/people/me/forget`
        """
        return self._client.ask("POST", "/v1/people/me/forget", body=body, **options)

    def reset(self, *, body: PasswordForgotten, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Mails a code for another password, if anybody has the address.

        `POST /v1/people/reset`
        """
        return self._client.ask("POST", "/v1/people/reset", body=body, **options)

    def confirm_reset(
        self,
        *,
        body: PasswordReset,
        **options: Unpack[PlainOptions],
    ) -> Answer[None]:
        """Sets another password by such a code. All sessions end.

        `POST /v1/people/reset/confirm`
        """
        return self._client.ask("POST", "/v1/people/reset/confirm", body=body, **options)

    def verify(self, *, body: MailedCode, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Shows by a code that was mailed, and the password of the account, that an address is
        one's own: who registered with it signs in from then on. With another password it is
        somebody else who registered, and nothing comes of it.

        `POST /v1/people/verify`
        """
        return self._client.ask("POST", "/v1/people/verify", body=body, **options)

    def verify_again(self, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Mails such a code once more, unless the address is known to be theirs.

        `POST /v1/people/verify/again`
        """
        return self._client.ask("POST", "/v1/people/verify/again", **options)


class SessionOperations(Operations):
    """What is asked of sessions."""

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[SessionPage]:
        """One's own sessions, the one first that was used last.

        `GET /v1/people/me/sessions`

        - `cursor`: The `next` of the page before.
        - `limit`: How many at most.
        """
        return self._client.ask(
            "GET",
            "/v1/people/me/sessions",
            query={"cursor": cursor, "limit": limit},
            **options,
        )

    def remove(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Ends one of one's own sessions.

        `DELETE /v1/people/me/sessions/{id}`
        """
        return self._client.ask("DELETE", f"/v1/people/me/sessions/{place(id)}", **options)

    def begin(self, *, body: Credentials, **options: Unpack[PlainOptions]) -> Answer[SignedIn]:
        """Signs in. Who has a second factor sends a code of it too.

        `POST /v1/sessions`
        """
        return self._client.ask("POST", "/v1/sessions", body=body, **options)

    def end(self, *, body: Refresh, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Signs out.

        `POST /v1/sessions/end`
        """
        return self._client.ask("POST", "/v1/sessions/end", body=body, **options)

    def refresh(self, *, body: Refresh, **options: Unpack[PlainOptions]) -> Answer[SignedIn]:
        """Stays signed in. The refresh token is another from then on.

        `POST /v1/sessions/refresh`
        """
        return self._client.ask("POST", "/v1/sessions/refresh", body=body, **options)


class SignInOperations(Operations):
    """What is asked of sign ins."""

    def own(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[SignInPage]:
        """Who signed in as oneself or tried to, and what became of password, e-mail and second
        factor, for 90 days; the latest first.

        `GET /v1/people/me/sign-ins`

        - `cursor`: The `next` of the page before.
        - `limit`: How many at most.
        """
        return self._client.ask(
            "GET",
            "/v1/people/me/sign-ins",
            query={"cursor": cursor, "limit": limit},
            **options,
        )

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        person_id: str | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[SignInPage]:
        """The same of all, or of somebody, and of e-mails that nobody has.

        `GET /v1/sign-ins`

        - `cursor`: The `next` of the page before.
        - `limit`: How many at most.
        - `person_id`: Of this person alone.
        """
        return self._client.ask(
            "GET",
            "/v1/sign-ins",
            query={"cursor": cursor, "limit": limit, "person_id": person_id},
            **options,
        )


class SecondFactorOperations(Operations):
    """What is asked of second factors."""

    def enrol(
        self,
        *,
        body: SecondFactorBegun,
        **options: Unpack[PlainOptions],
    ) -> Answer[SecondFactorEnrolment]:
        """Makes a secret for an app, shown this once. Confirmed, it is asked for.

        `POST /v1/people/me/totp`
        """
        return self._client.ask("POST", "/v1/people/me/totp", body=body, **options)

    def confirm(
        self,
        *,
        body: SecondFactorCode,
        **options: Unpack[PlainOptions],
    ) -> Answer[RecoveryCodes]:
        """Asks for a code from then on. The recovery codes are shown this once, and all sessions
        end. It is to be confirmed within 15 minutes.

        `POST /v1/people/me/totp/confirm`
        """
        return self._client.ask("POST", "/v1/people/me/totp/confirm", body=body, **options)

    def remove(self, *, body: SecondFactorRemoval, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Asks for no code any more. All sessions end.

        `POST /v1/people/me/totp/remove`
        """
        return self._client.ask("POST", "/v1/people/me/totp/remove", body=body, **options)

    def rescue(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Takes it from a customer who has lost it and their recovery codes, and tells them.

        `DELETE /v1/people/{id}/totp`
        """
        return self._client.ask("DELETE", f"/v1/people/{place(id)}/totp", **options)


class ProductOperations(Operations):
    """What is asked of products."""

    def create(
        self,
        *,
        body: ProductCreate,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """Makes a product, a draft until it is published.

        `POST /v1/products`, under a key
        """
        return self._client.ask("POST", "/v1/products", body=body, keyed=True, **options)

    def change(
        self,
        id: str,
        *,
        body: ProductChange | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """`product.changed`: only what changed. A field that is absent stayed as it was; a
        description or brand that is `null` was taken away.

        `PATCH /v1/products/{id}`, under a key
        """
        return self._client.ask(
            "PATCH",
            f"/v1/products/{place(id)}",
            body=body,
            keyed=True,
            **options,
        )

    def archive(
        self,
        id: str,
        *,
        body: ProductArchive | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """Withdraws a product. It keeps its SKUs unless told otherwise.

        `POST /v1/products/{id}/archive`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/products/{place(id)}/archive",
            body=body,
            keyed=True,
            **options,
        )

    def publish(
        self,
        id: str,
        *,
        body: ProductPublish | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """Puts a product on sale.

        `POST /v1/products/{id}/publish`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/products/{place(id)}/publish",
            body=body,
            keyed=True,
            **options,
        )

    def restore(
        self,
        id: str,
        *,
        body: ProductRestore | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """Brings an archived product back as a draft, with its SKUs if nobody else has them.

        `POST /v1/products/{id}/restore`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/products/{place(id)}/restore",
            body=body,
            keyed=True,
            **options,
        )

    def unpublish(
        self,
        id: str,
        *,
        body: ProductUnpublish | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """Takes a product off sale; it is a draft again.

        `POST /v1/products/{id}/unpublish`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/products/{place(id)}/unpublish",
            body=body,
            keyed=True,
            **options,
        )

    def remove_variant(
        self,
        id: str,
        sku: Sku,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """Takes a variant out; its SKU is free.

        `DELETE /v1/products/{id}/variants/{sku}`, under a key
        """
        return self._client.ask(
            "DELETE",
            f"/v1/products/{place(id)}/variants/{place(sku)}",
            keyed=True,
            **options,
        )

    def change_variant(
        self,
        id: str,
        sku: Sku,
        *,
        body: ProductChangeVariant | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """What changes of a variant: a field that is absent stays as it was, one that is `null`
        is taken away.

        `PATCH /v1/products/{id}/variants/{sku}`, under a key
        """
        return self._client.ask(
            "PATCH",
            f"/v1/products/{place(id)}/variants/{place(sku)}",
            body=body,
            keyed=True,
            **options,
        )

    def set_variant(
        self,
        id: str,
        sku: Sku,
        *,
        body: ProductSetVariant,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """Sets a variant, whole. One that is not there is made.

        `PUT /v1/products/{id}/variants/{sku}`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/products/{place(id)}/variants/{place(sku)}",
            body=body,
            keyed=True,
            **options,
        )

    def set_prices(
        self,
        id: str,
        sku: Sku,
        *,
        body: ProductSetPrices,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Product]:
        """Sets what a variant costs, in all currencies.

        `PUT /v1/products/{id}/variants/{sku}/prices`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/products/{place(id)}/variants/{place(sku)}/prices",
            body=body,
            keyed=True,
            **options,
        )


class ReturnOperations(Operations):
    """What is asked of returns."""

    def request(
        self,
        *,
        body: ReturnRequest,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Return]:
        """Asks to send goods back.

        `POST /v1/returns`, under a key
        """
        return self._client.ask("POST", "/v1/returns", body=body, keyed=True, **options)

    def approve(
        self,
        id: str,
        *,
        body: ReturnApprove | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Return]:
        """Says yes to a return.

        `POST /v1/returns/{id}/approve`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/returns/{place(id)}/approve",
            body=body,
            keyed=True,
            **options,
        )

    def close(
        self,
        id: str,
        *,
        body: ReturnClose | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Return]:
        """Ends a return of which nothing more is expected.

        `POST /v1/returns/{id}/close`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/returns/{place(id)}/close",
            body=body,
            keyed=True,
            **options,
        )

    def correct_receipt(
        self,
        id: str,
        *,
        body: ReturnCorrectReceipt,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Return]:
        """Puts right what was received, where something else was told by mistake: stock, what is
        owed and what is given back follow.

        `POST /v1/returns/{id}/correct-receipt`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/returns/{place(id)}/correct-receipt",
            body=body,
            keyed=True,
            **options,
        )

    def receive(
        self,
        id: str,
        *,
        body: ReturnReceive,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Return]:
        """Takes goods in as they arrive. Their money is given back, less what is withheld.

        `POST /v1/returns/{id}/receive`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/returns/{place(id)}/receive",
            body=body,
            keyed=True,
            **options,
        )

    def reject(
        self,
        id: str,
        *,
        body: ReturnReject,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Return]:
        """Says no to a return, or another reason why.

        `POST /v1/returns/{id}/reject`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/returns/{place(id)}/reject",
            body=body,
            keyed=True,
            **options,
        )

    def withdraw(
        self,
        id: str,
        *,
        body: ReturnWithdraw | None = None,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Return]:
        """Takes a return back of which nothing has arrived: the goods stay with the customer.

        `POST /v1/returns/{id}/withdraw`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/returns/{place(id)}/withdraw",
            body=body,
            keyed=True,
            **options,
        )


class StaffOperations(Operations):
    """What is asked of staff."""

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[ColleaguePage]:
        """All who work here, those first who came last.

        `GET /v1/staff`

        - `cursor`: The `next` of the page before.
        - `limit`: How many at most.
        """
        return self._client.ask(
            "GET",
            "/v1/staff",
            query={"cursor": cursor, "limit": limit},
            **options,
        )

    def invite(self, *, body: NewColleague, **options: Unpack[PlainOptions]) -> Answer[Invitation]:
        """Invites somebody. What lets them in is shown this once, and mailed to them where mails
        are sent.

        `POST /v1/staff`
        """
        return self._client.ask("POST", "/v1/staff", body=body, **options)

    def join(self, *, body: Joining, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Takes an invitation, with a password that is theirs from then on.

        `POST /v1/staff/join`
        """
        return self._client.ask("POST", "/v1/staff/join", body=body, **options)

    def forget(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Forgets somebody who worked here and is disabled.

        `DELETE /v1/staff/{id}`
        """
        return self._client.ask("DELETE", f"/v1/staff/{place(id)}", **options)

    def disable(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Lets somebody in no more.

        `POST /v1/staff/{id}/disable`
        """
        return self._client.ask("POST", f"/v1/staff/{place(id)}/disable", **options)

    def enable(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Lets somebody in again.

        `POST /v1/staff/{id}/enable`
        """
        return self._client.ask("POST", f"/v1/staff/{place(id)}/enable", **options)

    def invite_again(self, id: str, **options: Unpack[PlainOptions]) -> Answer[Invitation]:
        """Invites somebody again who has not joined yet. What they had is good no more.

        `POST /v1/staff/{id}/invite`
        """
        return self._client.ask("POST", f"/v1/staff/{place(id)}/invite", **options)

    def set_role(self, id: str, *, body: NewRole, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Gives somebody another role.

        `PUT /v1/staff/{id}/role`
        """
        return self._client.ask("PUT", f"/v1/staff/{place(id)}/role", body=body, **options)

    def send_away(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Ends what somebody is signed in with, everywhere.

        `DELETE /v1/staff/{id}/sessions`
        """
        return self._client.ask("DELETE", f"/v1/staff/{place(id)}/sessions", **options)

    def forget_second_factor(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Takes the second factor from who has lost it and their recovery codes.

        `DELETE /v1/staff/{id}/totp`
        """
        return self._client.ask("DELETE", f"/v1/staff/{place(id)}/totp", **options)


class StockOperations(Operations):
    """What is asked of stock."""

    def adjust(
        self,
        id: Sku,
        *,
        body: StockAdjust,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Stock]:
        """Puts more or fewer units at a location.

        `POST /v1/stock/{id}/adjust`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/stock/{place(id)}/adjust",
            body=body,
            keyed=True,
            **options,
        )

    def count(
        self,
        id: Sku,
        *,
        body: StockCount,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Stock]:
        """Sets how many units there are at a location, whatever was promised.

        `POST /v1/stock/{id}/count`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/stock/{place(id)}/count",
            body=body,
            keyed=True,
            **options,
        )

    def set_policy(
        self,
        id: Sku,
        *,
        body: StockSetPolicy,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Stock]:
        """Sets how many units may be sold beyond what is there.

        `PUT /v1/stock/{id}/policy`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/stock/{place(id)}/policy",
            body=body,
            keyed=True,
            **options,
        )

    def receive(
        self,
        id: Sku,
        *,
        body: StockReceive,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Stock]:
        """Takes a delivery in.

        `POST /v1/stock/{id}/receive`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/stock/{place(id)}/receive",
            body=body,
            keyed=True,
            **options,
        )

    def set_threshold(
        self,
        id: Sku,
        *,
        body: StockSetThreshold,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Stock]:
        """Sets at how many units left somebody is told.

        `PUT /v1/stock/{id}/threshold`, under a key
        """
        return self._client.ask(
            "PUT",
            f"/v1/stock/{place(id)}/threshold",
            body=body,
            keyed=True,
            **options,
        )

    def transfer(
        self,
        id: Sku,
        *,
        body: StockTransfer,
        **options: Unpack[CommandOptions],
    ) -> Answer[Accepted | Stock]:
        """Moves units between locations, those that orders wait for too: what is damaged has to
        go somewhere. What orders lack then is in the event, and in `short` and `short_orders`
        of the document, which `Prefer: return=representation` shows.

        `POST /v1/stock/{id}/transfer`, under a key
        """
        return self._client.ask(
            "POST",
            f"/v1/stock/{place(id)}/transfer",
            body=body,
            keyed=True,
            **options,
        )


class WebhookOperations(Operations):
    """What is asked of webhooks."""

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[WebhookPage]:
        """All webhooks, the newest first.

        `GET /v1/webhooks`

        - `cursor`: The `next` of the page before.
        - `limit`: How many at most.
        """
        return self._client.ask(
            "GET",
            "/v1/webhooks",
            query={"cursor": cursor, "limit": limit},
            **options,
        )

    def create(
        self,
        *,
        body: NewWebhook,
        **options: Unpack[PlainOptions],
    ) -> Answer[WebhookWithSecret]:
        """Tells a receiver of events from now on. The secret is shown this once.

        `POST /v1/webhooks`
        """
        return self._client.ask("POST", "/v1/webhooks", body=body, **options)

    def remove(self, id: str, **options: Unpack[PlainOptions]) -> Answer[None]:
        """Tells a receiver of nothing any more.

        `DELETE /v1/webhooks/{id}`
        """
        return self._client.ask("DELETE", f"/v1/webhooks/{place(id)}", **options)

    def read(self, id: str, **options: Unpack[PlainOptions]) -> Answer[Webhook]:
        """A webhook, and how far the log was read for it.

        `GET /v1/webhooks/{id}`
        """
        return self._client.ask("GET", f"/v1/webhooks/{place(id)}", **options)

    def change(
        self,
        id: str,
        *,
        body: WebhookChange,
        **options: Unpack[PlainOptions],
    ) -> Answer[Webhook]:
        """Changes what is named. One that is active again goes on where it stopped.

        `PATCH /v1/webhooks/{id}`
        """
        return self._client.ask("PATCH", f"/v1/webhooks/{place(id)}", body=body, **options)

    def deliveries(
        self,
        id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: WebhookDeliveryState | None = None,
        **options: Unpack[PlainOptions],
    ) -> Answer[WebhookDeliveryPage]:
        """What was given up, or is to be sent, or was taken, as is asked.

        `GET /v1/webhooks/{id}/deliveries`

        - `cursor`: The `next` of the page before.
        - `limit`: How many at most.
        - `state`: The dead letters, if nothing is said.
        """
        return self._client.ask(
            "GET",
            f"/v1/webhooks/{place(id)}/deliveries",
            query={"cursor": cursor, "limit": limit, "state": state},
            **options,
        )

    def retry(
        self,
        id: str,
        delivery_id: WebhookDeliveryId,
        **options: Unpack[PlainOptions],
    ) -> Answer[None]:
        """Sends something now, and again for as long as anything is.

        `POST /v1/webhooks/{id}/deliveries/{delivery_id}/retry`
        """
        return self._client.ask(
            "POST",
            f"/v1/webhooks/{place(id)}/deliveries/{place(delivery_id)}/retry",
            **options,
        )

    def replay(
        self,
        id: str,
        *,
        body: WebhookStretch,
        **options: Unpack[PlainOptions],
    ) -> Answer[WebhookReplay]:
        """Tells a receiver again of a stretch of the log, both ends included.

        `POST /v1/webhooks/{id}/replay`
        """
        return self._client.ask("POST", f"/v1/webhooks/{place(id)}/replay", body=body, **options)

    def rotate_secret(self, id: str, **options: Unpack[PlainOptions]) -> Answer[WebhookWithSecret]:
        """Makes another secret, beside which the one before it signs for a day.

        `POST /v1/webhooks/{id}/rotate-secret`
        """
        return self._client.ask("POST", f"/v1/webhooks/{place(id)}/rotate-secret", **options)

    def test(self, id: str, **options: Unpack[PlainOptions]) -> Answer[WebhookTested]:
        """Sends the receiver something now, whatever the state of the webhook.

        `POST /v1/webhooks/{id}/test`
        """
        return self._client.ask("POST", f"/v1/webhooks/{place(id)}/test", **options)


class CommandApi(Operations):
    """Commands."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.accounts = AccountOperations(client)
        self.addresses = AddressOperations(client)
        self.api_keys = ApiKeyOperations(client)
        self.batches = BatchOperations(client)
        self.carts = CartOperations(client)
        self.fulfilments = FulfilmentOperations(client)
        self.gateways = GatewayOperations(client)
        self.guests = GuestOperations(client)
        self.issuers = IssuerOperations(client)
        self.keys = KeysOperations(client)
        self.locations = LocationOperations(client)
        self.mails = MailOperations(client)
        self.notes = NoteOperations(client)
        self.orders = OrderOperations(client)
        self.payments = PaymentOperations(client)
        self.people = PersonOperations(client)
        self.products = ProductOperations(client)
        self.returns = ReturnOperations(client)
        self.second_factors = SecondFactorOperations(client)
        self.sessions = SessionOperations(client)
        self.sign_ins = SignInOperations(client)
        self.staff = StaffOperations(client)
        self.stock = StockOperations(client)
        self.webhooks = WebhookOperations(client)
