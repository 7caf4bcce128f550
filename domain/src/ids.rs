//! The ids of the things in a shop. New ones are made at the edge of the process, never here.

id! {
    /// A product of the catalogue, with all its variants.
    ProductId
}
id! {
    /// A shopping cart.
    CartId
}
id! {
    /// A placed order.
    OrderId
}
id! {
    /// One attempt to pay an order.
    PaymentId
}
id! {
    /// A parcel of an order.
    FulfilmentId
}
id! {
    /// Goods of an order that come back after they were delivered.
    ReturnId
}
id! {
    /// Where an order goes: the id of an address that is kept outside the log.
    AddressId
}
id! {
    /// Somebody who buys and has not signed in: an id that stands in their token.
    GuestId
}
id! {
    /// A customer. Names, addresses and e-mail never stand in events beside it.
    CustomerId
}
