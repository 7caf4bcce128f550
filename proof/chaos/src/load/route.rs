//! The commands that the load plans: the name in a batch, the method and the path of each, as
//! callers know them.

use reqwest::Method;

use crate::history::Command;

/// A command as HTTP knows it: `{id}` and `{sku}` stand for what it is for.
type Route = (&'static str, Method, &'static str);

/// All of them.
pub const ROUTES: &[Route] = &[
    ("product.create", Method::POST, "/v1/products"),
    ("product.change", Method::PATCH, "/v1/products/{id}"),
    ("product.set_variant", Method::PUT, "/v1/products/{id}/variants/{sku}"),
    ("product.change_variant", Method::PATCH, "/v1/products/{id}/variants/{sku}"),
    ("product.set_prices", Method::PUT, "/v1/products/{id}/variants/{sku}/prices"),
    ("product.remove_variant", Method::DELETE, "/v1/products/{id}/variants/{sku}"),
    ("product.publish", Method::POST, "/v1/products/{id}/publish"),
    ("product.unpublish", Method::POST, "/v1/products/{id}/unpublish"),
    ("product.restore", Method::POST, "/v1/products/{id}/restore"),
    ("product.archive", Method::POST, "/v1/products/{id}/archive"),
    ("location.set", Method::PUT, "/v1/locations/{id}"),
    ("stock.receive", Method::POST, "/v1/stock/{id}/receive"),
    ("stock.transfer", Method::POST, "/v1/stock/{id}/transfer"),
    ("stock.count", Method::POST, "/v1/stock/{id}/count"),
    ("stock.adjust", Method::POST, "/v1/stock/{id}/adjust"),
    ("stock.set_policy", Method::PUT, "/v1/stock/{id}/policy"),
    ("stock.set_threshold", Method::PUT, "/v1/stock/{id}/threshold"),
    ("cart.create", Method::POST, "/v1/carts"),
    ("cart.assign", Method::PUT, "/v1/carts/{id}/customer"),
    ("cart.add_line", Method::POST, "/v1/carts/{id}/lines"),
    ("cart.change_line", Method::PUT, "/v1/carts/{id}/lines/{sku}"),
    ("cart.remove_line", Method::DELETE, "/v1/carts/{id}/lines/{sku}"),
    ("cart.checkout", Method::POST, "/v1/carts/{id}/checkout"),
    ("cart.reopen", Method::POST, "/v1/carts/{id}/reopen"),
    ("cart.abandon", Method::POST, "/v1/carts/{id}/abandon"),
    ("cart.merge", Method::POST, "/v1/carts/{id}/merge"),
    ("order.assign", Method::PUT, "/v1/orders/{id}/customer"),
    ("order.cancel", Method::POST, "/v1/orders/{id}/cancel"),
    ("order.change_line", Method::PUT, "/v1/orders/{id}/lines/{sku}"),
    ("order.remove_line", Method::DELETE, "/v1/orders/{id}/lines/{sku}"),
    ("order.change_address", Method::PUT, "/v1/orders/{id}/address"),
    ("order.add_note", Method::POST, "/v1/orders/{id}/notes"),
    ("payment.start", Method::POST, "/v1/payments"),
    ("payment.abort", Method::POST, "/v1/payments/{id}/abort"),
    ("payment.capture", Method::POST, "/v1/payments/{id}/capture"),
    ("payment.void", Method::POST, "/v1/payments/{id}/void"),
    ("payment.refund", Method::POST, "/v1/payments/{id}/refund"),
    ("payment.complete_action", Method::POST, "/v1/payments/{id}/complete-action"),
    ("payment.resolve", Method::POST, "/v1/payments/{id}/resolve"),
    ("payment.collect", Method::POST, "/v1/payments/{id}/collect"),
    ("payment.correct_collection", Method::POST, "/v1/payments/{id}/correct-collection"),
    ("payment.remit", Method::POST, "/v1/payments/{id}/remit"),
    ("payment.correct_remittance", Method::POST, "/v1/payments/{id}/correct-remittance"),
    ("payment.correct_refund", Method::POST, "/v1/payments/{id}/correct-refund"),
    ("payment.uncollect", Method::POST, "/v1/payments/{id}/uncollect"),
    ("fulfilment.create", Method::POST, "/v1/fulfilments"),
    ("fulfilment.pack", Method::POST, "/v1/fulfilments/{id}/pack"),
    ("fulfilment.ship", Method::POST, "/v1/fulfilments/{id}/ship"),
    ("fulfilment.deliver", Method::POST, "/v1/fulfilments/{id}/deliver"),
    ("fulfilment.fail", Method::POST, "/v1/fulfilments/{id}/fail"),
    ("fulfilment.lose", Method::POST, "/v1/fulfilments/{id}/lose"),
    ("fulfilment.return", Method::POST, "/v1/fulfilments/{id}/return"),
    ("fulfilment.cancel", Method::POST, "/v1/fulfilments/{id}/cancel"),
    ("return.request", Method::POST, "/v1/returns"),
    ("return.approve", Method::POST, "/v1/returns/{id}/approve"),
    ("return.reject", Method::POST, "/v1/returns/{id}/reject"),
    ("return.withdraw", Method::POST, "/v1/returns/{id}/withdraw"),
    ("return.receive", Method::POST, "/v1/returns/{id}/receive"),
    ("return.correct_receipt", Method::POST, "/v1/returns/{id}/correct-receipt"),
    ("return.close", Method::POST, "/v1/returns/{id}/close"),
];

/// The method and the path of a command.
///
/// # Panics
/// If there is no such command; they are all named in this crate.
pub fn of(command: &Command) -> (Method, String) {
    let (_, method, path) = ROUTES
        .iter()
        .find(|(name, ..)| *name == command.name)
        .expect("the load names only commands that there are");
    let id = command.id.as_deref().unwrap_or_default();
    let sku = command.sku.as_deref().unwrap_or_default();
    (method.clone(), path.replace("{id}", id).replace("{sku}", sku))
}

/// Whether the path also names a SKU, which a batch line has in its data.
pub fn has_sku(name: &str) -> bool {
    ROUTES.iter().any(|(known, _, path)| *known == name && path.contains("{sku}"))
}
