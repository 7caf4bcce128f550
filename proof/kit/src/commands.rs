//! What people ask of a shop, from a product to the goods that come back.

use chrono::{DateTime, Utc};
use domain::command::{cart as carts, fulfilment as parcels, order as orders, payment as payments};
use domain::command::{
    location as locations, product as products, return_ as returns, stock as stocks,
};
use domain::order::{self, PaymentMethod, Recording, Units};
use domain::payment::{CapturePolicy, Report, Start, Verdict};
use domain::return_::{Arrival, Disposal, Withheld};
use domain::{
    CartId, Command, FulfilmentId, Money, Options, OrderId, Owner, PaymentId, ProductId, ReturnId,
    location, product,
};

use crate::ids::Named;
use crate::words::{currency, eur, gateway, hour, label, note, place, sku, token, units};

pub fn to_product(n: impl Named<ProductId>, command: products::Command) -> Command {
    Command::Product(n.id(), command)
}
pub fn to_cart(n: impl Named<CartId>, command: carts::Command) -> Command {
    Command::Cart(n.id(), command)
}
pub fn to_order(n: impl Named<OrderId>, command: orders::Command) -> Command {
    Command::Order(n.id(), command)
}
pub fn to_payment(n: impl Named<PaymentId>, command: payments::Command) -> Command {
    Command::Payment(n.id(), command)
}
pub fn to_return(n: impl Named<ReturnId>, command: returns::Command) -> Command {
    Command::Return(n.id(), command)
}
pub fn to_parcel(n: impl Named<FulfilmentId>, command: parcels::Command) -> Command {
    Command::Fulfilment(n.id(), command)
}

pub fn create_product(
    product: impl Named<ProductId>,
    variants: Vec<product::VariantSet>,
) -> Command {
    to_product(product, products::Command::Create { details: details("Tote"), variants })
}
pub fn publish(product: impl Named<ProductId>) -> Command {
    to_product(product, products::Command::Publish)
}
/// A published product with one variant at 19.99 EUR, and so many of it in stock.
pub fn sell(product: impl Named<ProductId> + Copy, sku: &str, units: u32) -> Vec<Command> {
    let create = create_product(product, vec![variant(sku, &[eur("19.99")])]);
    let received = (units > 0).then(|| receive(sku, units));
    [create, publish(product)].into_iter().chain(received).collect()
}
/// Withdraws it, and gives its SKUs back.
pub fn archive_freeing(product: impl Named<ProductId>) -> Command {
    to_product(product, products::Command::Archive(product::SkusOfArchived::Free))
}
pub fn receive(text: &str, count: u32) -> Command {
    let (location, quantity) = (place("main"), units(count));
    Command::Stock(sku(text), stocks::Command::Receive { location, quantity, reference: None })
}
pub fn set_location(code: &str, sellable: bool) -> Command {
    let set = location::Set { sellable, name: None, address_ref: None };
    Command::Location(place(code), locations::Command::Set(set))
}
pub fn create_cart(cart: impl Named<CartId>) -> Command {
    let currency = currency("EUR");
    to_cart(cart, carts::Command::Create { currency, owner: Owner::default() })
}
pub fn add(cart: impl Named<CartId>, text: &str, count: u32) -> Command {
    to_cart(cart, carts::Command::AddLine { sku: sku(text), quantity: units(count) })
}
pub fn check_out(cart: impl Named<CartId>, order: impl Named<OrderId>) -> Command {
    check_out_until(cart, order, hour(1))
}
pub fn check_out_until(
    cart: impl Named<CartId>,
    order: impl Named<OrderId>,
    reserved_until: DateTime<Utc>,
) -> Command {
    to_cart(cart, {
        carts::Command::CheckOut { order_id: order.id(), reserved_until, address_id: None }
    })
}
pub fn reopen(cart: impl Named<CartId>) -> Command {
    to_cart(cart, carts::Command::Reopen)
}
pub fn cancel(order: impl Named<OrderId>) -> Command {
    to_order(order, orders::Command::Cancel { reason: note("changed my mind"), lines: vec![] })
}
/// Some units of it.
pub fn cancel_units(order: impl Named<OrderId>, lines: &[(&str, u32)]) -> Command {
    let (reason, lines) = (note("broken"), of(lines));
    to_order(order, orders::Command::Cancel { reason, lines })
}
/// What those who work here write about it.
pub fn add_note(order: impl Named<OrderId>, text: &str) -> Command {
    to_order(order, orders::Command::AddNote { note: note(text) })
}
/// What gateways refused is asked of them again.
pub fn settle(order: impl Named<OrderId>) -> Command {
    to_order(order, orders::Command::Settle)
}
/// When its reservation ends, which is after an hour.
pub fn expire(order: impl Named<OrderId>) -> Command {
    to_order(order, orders::Command::Expire { at: hour(1) })
}
/// By card through the sandbox; money is taken when somebody says so.
pub fn pay_by_card(payment: impl Named<PaymentId>, order: impl Named<OrderId>) -> Command {
    pay_by_card_as(payment, order, CapturePolicy::ByHand)
}
pub fn pay_by_card_as(
    payment: impl Named<PaymentId>,
    order: impl Named<OrderId>,
    capture: CapturePolicy,
) -> Command {
    let (method, gateway) = (PaymentMethod::Card, Some(gateway("sandbox")));
    let token = Some(token("tok_success"));
    let start = Start { method, gateway, token, capture, once: false, return_url: None };
    to_payment(payment, payments::Command::Start { order_id: order.id(), start })
}
/// By card through a gateway that takes money once and lets go of the rest with that.
pub fn pay_once(payment: impl Named<PaymentId>, order: impl Named<OrderId>) -> Command {
    let (method, gateway) = (PaymentMethod::Card, Some(gateway("stripe")));
    let (token, capture) = (Some(token("pm_card_visa")), CapturePolicy::AtShipment);
    let start = Start { method, gateway, token, capture, once: true, return_url: None };
    to_payment(payment, payments::Command::Start { order_id: order.id(), start })
}
pub fn pay_by_paypal(payment: impl Named<PaymentId>, order: impl Named<OrderId>) -> Command {
    let (method, gateway) = (PaymentMethod::Paypal, Some(gateway("paypal")));
    let (token, capture) = (None, CapturePolicy::AtShipment);
    let start = Start { method, gateway, token, capture, once: false, return_url: None };
    to_payment(payment, payments::Command::Start { order_id: order.id(), start })
}
pub fn pay_on_delivery(payment: impl Named<PaymentId>, order: impl Named<OrderId>) -> Command {
    pay_without_gateway(payment, order, PaymentMethod::CashOnDelivery)
}
pub fn pay_elsewhere(payment: impl Named<PaymentId>, order: impl Named<OrderId>) -> Command {
    pay_without_gateway(payment, order, PaymentMethod::External)
}
fn pay_without_gateway(
    payment: impl Named<PaymentId>,
    order: impl Named<OrderId>,
    method: PaymentMethod,
) -> Command {
    let start = Start {
        method,
        gateway: None,
        token: None,
        capture: CapturePolicy::ByHand,
        once: false,
        return_url: None,
    };
    to_payment(payment, payments::Command::Start { order_id: order.id(), start })
}
/// An order of other books, of these SKUs at what all units of each cost, in euros.
pub fn record_order(order: impl Named<OrderId>, lines: &[(&str, u32, &str)]) -> Command {
    let line = |(text, count, total): &(&str, u32, &str)| {
        let (total, quantity) = (eur(total), units(*count));
        order::Line {
            sku: sku(text),
            product_id: crate::ids::product_id(9),
            title: label("As it was called"),
            variant_title: None,
            options: Options::default(),
            quantity,
            unit_price: total.share(1, *count),
            total,
        }
    };
    let lines = lines.iter().map(line).collect();
    to_order(
        order,
        orders::Command::Record(Recording {
            customer_id: None,
            address_id: None,
            lines,
            at: hour(0),
        }),
    )
}
pub fn record(payment: impl Named<PaymentId>, request: u32, verdict: Verdict) -> Command {
    to_payment(payment, payments::Command::Record { request, verdict, at: hour(0) })
}
pub fn report(payment: impl Named<PaymentId>, report: Report) -> Command {
    to_payment(payment, payments::Command::Report { report, at: hour(0) })
}
/// Its authorisation falls due, two hours after all began.
pub fn lapse(payment: impl Named<PaymentId>) -> Command {
    to_payment(payment, payments::Command::Expire { at: hour(2) })
}
pub fn capture(payment: impl Named<PaymentId>, amount: Option<Money>) -> Command {
    to_payment(payment, payments::Command::Capture { amount })
}
pub fn refund(payment: impl Named<PaymentId>, amount: Option<Money>) -> Command {
    to_payment(
        payment,
        payments::Command::Refund { amount, reason: None, by_hand: false, at: hour(0) },
    )
}
pub fn was_authorized() -> Verdict {
    Verdict::Authorized { reference: token("auth_1"), expires_at: hour(168) }
}
pub fn was_captured() -> Verdict {
    Verdict::Captured { reference: None, amount: None, fee: None }
}
pub fn was_refunded() -> Verdict {
    Verdict::Refunded { reference: None, amount: None }
}
pub fn declined() -> Verdict {
    Verdict::Declined(note("insufficient funds"))
}
/// A parcel of these lines; none named means all that is left.
pub fn plan(
    parcel: impl Named<FulfilmentId>,
    order: impl Named<OrderId>,
    lines: &[(&str, u32)],
) -> Command {
    to_parcel(parcel, {
        parcels::Command::Create { order_id: order.id(), lines: of(lines), location: None }
    })
}
/// The same, leaving from there wherever its units are set aside.
pub fn plan_from(
    parcel: impl Named<FulfilmentId>,
    order: impl Named<OrderId>,
    lines: &[(&str, u32)],
    from: &str,
) -> Command {
    let (order_id, lines, location) = (order.id(), of(lines), Some(place(from)));
    to_parcel(parcel, parcels::Command::Create { order_id, lines, location })
}
pub fn pack(parcel: impl Named<FulfilmentId>) -> Command {
    to_parcel(parcel, parcels::Command::Pack)
}
pub fn ship(parcel: impl Named<FulfilmentId>) -> Command {
    to_parcel(parcel, parcels::Command::Ship { carrier: Some(label("DHL")), tracking: None })
}
/// It is known by now, or otherwise, who carries a parcel, and under which number.
pub fn label_anew(parcel: impl Named<FulfilmentId>, carrier: &str, tracking: &str) -> Command {
    let (carrier, tracking) = (Some(label(carrier)), Some(label(tracking)));
    to_parcel(parcel, parcels::Command::Ship { carrier, tracking })
}
pub fn deliver(parcel: impl Named<FulfilmentId>) -> Command {
    hand_over(parcel, &[])
}
/// Only these were taken at the door.
pub fn hand_over(parcel: impl Named<FulfilmentId>, lines: &[(&str, u32)]) -> Command {
    to_parcel(parcel, parcels::Command::Deliver { lines: of(lines) })
}
pub fn fail(parcel: impl Named<FulfilmentId>) -> Command {
    to_parcel(parcel, parcels::Command::Fail { reason: note("nobody at home") })
}
pub fn lose(parcel: impl Named<FulfilmentId>) -> Command {
    to_parcel(parcel, parcels::Command::Lose { reason: note("the van burnt out"), at: hour(2) })
}
pub fn give_back(parcel: impl Named<FulfilmentId>) -> Command {
    all_back_to(parcel, "returns")
}
/// It came back, and all of it is put there.
pub fn all_back_to(parcel: impl Named<FulfilmentId>, at: &str) -> Command {
    come_back(parcel, parcels::Returned::AllTo(place(at)), false)
}
/// It came back, and all of it goes out again from there.
pub fn send_again(parcel: impl Named<FulfilmentId>, at: &str) -> Command {
    come_back(parcel, parcels::Returned::AllTo(place(at)), true)
}
/// These units of it came back: each to a place, or nowhere.
pub fn some_back(
    parcel: impl Named<FulfilmentId>,
    lines: &[(&str, u32, Option<&str>)],
    send_again: bool,
) -> Command {
    come_back(parcel, parcels::Returned::Some(arrivals(lines)), send_again)
}
fn come_back(
    parcel: impl Named<FulfilmentId>,
    what: parcels::Returned,
    send_again: bool,
) -> Command {
    to_parcel(parcel, parcels::Command::Return { what, send_again, at: hour(2) })
}
/// Goods that came back: each to a place, or written off.
pub fn arrivals(lines: &[(&str, u32, Option<&str>)]) -> Vec<Arrival> {
    let arrival = |(text, count, at): &(&str, u32, Option<&str>)| Arrival {
        sku: sku(text),
        quantity: units(*count),
        disposal: at.map_or(Disposal::WrittenOff, |at| Disposal::Stored(place(at))),
    };
    lines.iter().map(arrival).collect()
}
pub fn request_return(
    back: impl Named<ReturnId>,
    order: impl Named<OrderId>,
    lines: &[(&str, u32)],
) -> Command {
    let (order_id, reason) = (order.id(), note("does not fit"));
    to_return(back, returns::Command::Request { order_id, lines: of(lines), reason })
}
pub fn approve(back: impl Named<ReturnId>) -> Command {
    to_return(back, returns::Command::Approve)
}
pub fn withdraw(back: impl Named<ReturnId>) -> Command {
    to_return(back, returns::Command::Withdraw)
}
/// Goods of a return that can be sold again.
pub fn take_back(back: impl Named<ReturnId>, lines: &[(&str, u32)]) -> Command {
    let stored = |units: Units| Arrival {
        sku: units.sku,
        quantity: units.quantity,
        disposal: Disposal::Stored(place("depot")),
    };
    let lines = of(lines).into_iter().map(stored).collect();
    to_return(back, returns::Command::Receive { lines, withheld: None })
}
/// The same, worth so much less than their price.
pub fn take_back_worn(
    back: impl Named<ReturnId>,
    lines: &[(&str, u32)],
    withheld: Money,
) -> Command {
    let mut command = take_back(back, lines);
    if let Command::Return(_, returns::Command::Receive { withheld: part, .. }) = &mut command {
        *part = Some(Withheld { amount: withheld, reason: note("worn") });
    }
    command
}
/// In all something else came than was told: each to a place, or nowhere.
pub fn correct_receipt(
    back: impl Named<ReturnId>,
    lines: &[(&str, u32, Option<&str>)],
    withheld: Option<Money>,
) -> Command {
    let (lines, reason) = (arrivals(lines), note("the clerk counted again"));
    to_return(back, returns::Command::CorrectReceipt { lines, withheld, reason })
}
pub fn close_return(back: impl Named<ReturnId>) -> Command {
    to_return(back, returns::Command::Close)
}
pub fn call_off(parcel: impl Named<FulfilmentId>) -> Command {
    to_parcel(parcel, parcels::Command::Cancel)
}

pub fn of(lines: &[(&str, u32)]) -> Vec<Units> {
    lines.iter().map(|(text, count)| Units { sku: sku(text), quantity: units(*count) }).collect()
}
pub fn details(title: &str) -> product::Details {
    product::Details {
        title: label(title),
        description: None,
        brand: None,
        category: vec![],
        attributes: [].into(),
        media: vec![],
    }
}
pub fn variant(text: &str, prices: &[Money]) -> product::VariantSet {
    product::VariantSet {
        sku: sku(text),
        title: None,
        options: Options::default(),
        prices: prices.to_vec(),
        barcode: None,
    }
}
