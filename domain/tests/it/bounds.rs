//! An order at its bounds: what is reckoned with each decision about it must not grow with parcels
//! times lines.

use domain::order::{
    Event, FULFILMENTS_MAX, FulfilmentClosed, FulfilmentPlanned, FulfilmentShipped, Line, Order,
    ParcelOutcome, Placed, Units,
};

use kit::*;

/// As many lines as a cart may have.
const LINES: usize = 200;

/// Each parcel has a unit of each line, and is lost.
fn lost() -> Order {
    let line = |n: usize| Line {
        sku: sku(&format!("SKU-{n}")),
        product_id: product_id(1),
        title: label("Tote"),
        variant_title: None,
        options: domain::options::Options::default(),
        quantity: units(u32::try_from(FULFILMENTS_MAX).expect("small")),
        unit_price: eur("1.00"),
        total: eur("200.00"),
    };
    let placed = Placed {
        cart_id: Some(cart_id(1)),
        customer_id: None,
        guest_id: None,
        address_id: None,
        lines: (0..LINES).map(line).collect(),
        total: eur("40000.00"),
        reserved_until: hour(1),
        recorded: false,
    };
    let lines = placed.lines.iter().map(|line| Units { sku: line.sku.clone(), quantity: units(1) });
    let lines: Vec<Units> = lines.collect();
    let mut order = Order::default();
    order.evolve(&placed.into());
    for n in 0..FULFILMENTS_MAX as u128 {
        let (fulfilment_id, lines) = (parcel_id(n), || lines.clone());
        let (outcome, again, found) = (ParcelOutcome::Lost, vec![], false);
        let (amount, regained) = (Some(eur("200.00")), None);
        let closed = FulfilmentClosed {
            fulfilment_id,
            outcome,
            lines: lines(),
            again,
            amount,
            found,
            regained,
        };
        let events: [Event; 3] = [
            FulfilmentPlanned { fulfilment_id, lines: lines() }.into(),
            FulfilmentShipped { fulfilment_id, lines: lines() }.into(),
            closed.into(),
        ];
        for event in &events {
            order.evolve(event);
        }
    }
    order
}

#[test]
fn what_is_gone_is_reckoned_line_by_line() {
    assert_eq!(lost().worth_of_gone(), Some(eur("40000.00")));
}

/// What a cache may hold is counted by that.
#[test]
fn what_is_in_parcels_counts() {
    assert!(lost().items() >= LINES * FULFILMENTS_MAX);
}
