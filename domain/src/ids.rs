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
    /// Goods that a customer sends back.
    ReturnId
}
id! {
    /// A customer. Names, addresses and e-mail never stand in events beside it.
    CustomerId
}
