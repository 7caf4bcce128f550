//! With which codes each command that callers know may be refused: what descriptions of the API say
//! of it. What the shop of the tests decides is held against it.

use super::{cart, fulfilment, location, order, payment, product, return_, stock};
use crate::Command;

/// `Kind module { Variant = "name" | "other name": codes…; }`, under the names by which callers ask
/// for a command.
macro_rules! refused {
    ($($kind:ident $module:ident {
        $( $variant:ident = $($name:literal)|+ : $($code:literal)+; )+
    })+) => {
        /// The names of a command, and its codes.
        pub const CODES: &[(&[&str], &[&str])] = &[ $( $( (&[$($name),+], &[$($code),+]), )+ )+ ];

        /// Those of this one; none of one that no caller asks for.
        fn codes(command: &Command) -> Option<&'static [&'static str]> {
            Some(match command {
                $( $( Command::$kind(_, $module::Command::$variant { .. }) => &[$($code),+], )+ )+
                _ => return None,
            })
        }
    };
}

refused! {
    Cart cart {
        Create = "cart.create": "cart_already_exists" "cart_of_another";
        Assign = "cart.assign": "cart_not_found" "cart_checked_out" "cart_abandoned" "cart_merged"
            "cart_of_another";
        Merge = "cart.merge": "cart_not_found" "cart_checked_out" "cart_abandoned" "cart_merged"
            "cart_into_itself" "cart_of_other_currency" "cart_merge_refused";
        AddLine = "cart.add_line": "cart_not_found" "cart_checked_out" "cart_abandoned"
            "cart_merged" "too_many_cart_lines" "too_many_units" "unknown_sku" "not_for_sale"
            "not_priced_in_currency";
        ChangeLine = "cart.change_line": "cart_not_found" "cart_checked_out" "cart_abandoned"
            "cart_merged" "cart_line_not_found" "unknown_sku" "not_for_sale"
            "not_priced_in_currency";
        RemoveLine = "cart.remove_line": "cart_not_found" "cart_checked_out" "cart_abandoned"
            "cart_merged" "cart_line_not_found";
        CheckOut = "cart.checkout": "cart_not_found" "cart_checked_out" "cart_abandoned"
            "cart_merged" "cart_empty" "checkout_refused" "order_already_exists"
            "total_out_of_bounds";
        Reopen = "cart.reopen": "cart_not_found" "cart_abandoned" "cart_merged" "cart_order_stands"
            "cart_order_sent";
        Abandon = "cart.abandon": "cart_not_found" "cart_checked_out" "cart_merged";
    }
    Order order {
        Assign = "order.assign": "order_not_found" "order_of_another";
        Cancel = "order.cancel": "order_not_found" "order_cancelled" "order_completed"
            "order_packed" "order_already_shipped" "nothing_left_to_send";
        ShrinkLine = "order.change_line" | "order.remove_line": "order_not_found" "order_cancelled"
            "order_completed" "order_packed" "order_already_shipped" "order_line_not_found"
            "order_line_cannot_grow" "nothing_left_to_send";
        ChangeAddress = "order.change_address": "order_not_found" "order_cancelled"
            "order_completed" "order_packed" "order_already_shipped";
        AddNote = "order.add_note": "order_not_found" "too_many_order_notes";
    }
    Payment payment {
        Start = "payment.start": "payment_already_exists" "order_not_found" "order_cancelled"
            "order_paid" "payment_already_started" "too_many_payments";
        CompleteAction = "payment.complete_action": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "too_many_payment_requests";
        Abort = "payment.abort": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "too_many_payment_requests" "order_already_shipped";
        Capture = "payment.capture": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "too_many_payment_requests" "amount_too_large"
            "invalid_amount" "order_cancelled";
        Void = "payment.void": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "too_many_payment_requests" "order_already_shipped";
        Refund = "payment.refund": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "too_many_payment_requests" "amount_too_large"
            "invalid_amount";
        Resolve = "payment.resolve": "payment_not_found" "payment_request_not_found"
            "payment_finding_incomplete" "payment_wrong_answer" "amount_too_large"
            "invalid_amount";
        Collect = "payment.collect": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "amount_too_large" "invalid_amount" "order_not_delivered"
            "order_cancelled";
        CorrectCollection = "payment.correct_collection": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "amount_too_large" "amount_too_small" "invalid_amount";
        Remit = "payment.remit": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "amount_too_large" "invalid_amount";
        CorrectRemittance = "payment.correct_remittance": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "amount_too_large" "invalid_amount";
        CorrectRefund = "payment.correct_refund": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight" "amount_too_large" "invalid_amount";
        Uncollect = "payment.uncollect": "payment_not_found" "payment_wrong_state"
            "payment_request_in_flight";
    }
    Fulfilment fulfilment {
        Create = "fulfilment.create": "fulfilment_already_exists" "order_not_found"
            "order_not_confirmed" "order_cancelled" "order_completed" "order_fully_planned"
            "nothing_left_to_send" "too_many_fulfilments" "location_required" "unknown_location"
            "location_not_sellable";
        Pack = "fulfilment.pack": "fulfilment_not_found" "fulfilment_wrong_state";
        Ship = "fulfilment.ship": "fulfilment_not_found" "fulfilment_wrong_state"
            "order_not_secured" "location_required" "location_not_sellable" "stock_not_there"
            "stock_not_held";
        Deliver = "fulfilment.deliver": "fulfilment_not_found" "fulfilment_wrong_state"
            "not_in_fulfilment";
        Fail = "fulfilment.fail": "fulfilment_not_found" "fulfilment_wrong_state"
            "too_many_delivery_attempts" "delivered_units_returned";
        Lose = "fulfilment.lose": "fulfilment_not_found" "fulfilment_wrong_state"
            "delivered_units_returned" "stock_would_go_negative";
        Return = "fulfilment.return": "fulfilment_not_found" "fulfilment_wrong_state"
            "fulfilment_delivered" "fulfilment_given_up" "not_in_fulfilment" "too_many_arrivals"
            "unknown_location" "location_not_sellable" "sku_of_another_product" "stock_too_large"
            "too_many_locations";
        Cancel = "fulfilment.cancel": "fulfilment_not_found" "fulfilment_wrong_state";
    }
    Return return_ {
        Request = "return.request": "return_already_exists" "return_names_nothing"
            "order_not_found" "nothing_to_return" "too_many_returns";
        Approve = "return.approve": "return_not_found" "return_wrong_state";
        Reject = "return.reject": "return_not_found" "return_wrong_state";
        Withdraw = "return.withdraw": "return_not_found" "return_wrong_state";
        Receive = "return.receive": "return_not_found" "return_wrong_state"
            "return_names_nothing" "nothing_to_return" "withheld_too_much" "invalid_amount"
            "too_many_arrivals" "unknown_location" "sku_of_another_product" "stock_too_large"
            "too_many_locations";
        CorrectReceipt = "return.correct_receipt": "return_not_found" "return_wrong_state"
            "nothing_to_return" "withheld_too_much" "invalid_amount" "too_many_arrivals"
            "unknown_location" "sku_of_another_product" "stock_would_go_negative"
            "stock_too_large" "too_many_locations";
        Close = "return.close": "return_not_found" "return_wrong_state";
    }
    Product product {
        Create = "product.create": "product_already_exists" "product_invalid" "too_many_items"
            "too_many_prices" "duplicate_sku" "duplicate_currency" "sku_taken" "stock_not_empty";
        Change = "product.change": "product_not_found" "product_archived" "too_many_items";
        SetVariant = "product.set_variant": "product_not_found" "product_archived"
            "product_invalid" "too_many_items" "too_many_prices" "duplicate_currency"
            "last_variant" "sku_taken" "stock_not_empty";
        ChangeVariant = "product.change_variant": "product_not_found" "product_archived"
            "product_invalid" "variant_not_found" "too_many_prices" "duplicate_currency"
            "last_variant";
        SetPrices = "product.set_prices": "product_not_found" "product_archived"
            "product_invalid" "variant_not_found" "too_many_prices" "duplicate_currency"
            "last_variant";
        RemoveVariant = "product.remove_variant": "product_not_found" "product_archived"
            "variant_not_found" "last_variant";
        Publish = "product.publish": "product_not_found" "product_archived" "nothing_to_sell";
        Unpublish = "product.unpublish": "product_not_found" "product_archived";
        Archive = "product.archive": "product_not_found";
        Restore = "product.restore": "product_not_found" "sku_taken" "stock_not_empty";
    }
    Stock stock {
        Receive = "stock.receive": "unknown_sku" "unknown_location" "stock_too_large"
            "too_many_locations";
        Transfer = "stock.transfer": "unknown_sku" "unknown_location" "same_location"
            "stock_would_go_negative" "stock_of_another_product" "stock_too_large"
            "too_many_locations";
        Count = "stock.count": "unknown_sku" "unknown_location" "stock_too_large"
            "too_many_locations";
        Adjust = "stock.adjust": "unknown_sku" "unknown_location" "nothing_to_adjust"
            "stock_would_go_negative" "stock_too_large" "too_many_locations";
        SetPolicy = "stock.set_policy": "unknown_sku";
        SetThreshold = "stock.set_threshold": "unknown_sku";
    }
    Location location {
        Set = "location.set": "location_sellable_stays";
    }
}

/// Whether a command may be refused so, as far as callers ask for it. The writer also decides
/// against what it guesses, which may be so nowhere: what comes of that is told to nobody.
pub fn may_be(command: &Command, code: &str) -> bool {
    codes(command).is_none_or(|codes| codes.contains(&code))
}

/// The codes of the command that callers know by this name.
pub fn of(name: &str) -> Option<&'static [&'static str]> {
    CODES.iter().find(|(names, _)| names.contains(&name)).map(|(_, codes)| *codes)
}
