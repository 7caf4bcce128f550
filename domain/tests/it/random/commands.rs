//! Every command there is, by name. One that is new does not compile here until it has its line,
//! and random lives must then come to ask it.

use domain::{Command, command};

macro_rules! commands {
    ($($kind:ident, $module:ident: $($name:ident)+;)+) => {
        /// The names of all.
        pub const ALL: &[&str] =
            &[$($(concat!(stringify!($module), "::", stringify!($name)),)+)+];

        /// The name of one.
        pub fn name(command: &Command) -> &'static str {
            match command {
                $($(
                    Command::$kind(_, command::$module::Command::$name { .. }) => {
                        concat!(stringify!($module), "::", stringify!($name))
                    }
                )+)+
                // Nobody asks a SKU.
                Command::Sku(_, command) => match *command {},
            }
        }
    };
}

commands! {
    Product, product: Create Change SetVariant ChangeVariant SetPrices RemoveVariant Publish
        Unpublish Archive Restore;
    Stock, stock: Receive Transfer Count Adjust SetPolicy SetThreshold;
    Location, location: Set;
    Cart, cart: Create Assign Merge AddLine ChangeLine RemoveLine CheckOut Reopen Abandon
        Expire;
    Order, order: Record Assign Cancel ShrinkLine ChangeAddress AddNote Expire Settle;
    Payment, payment: Start CompleteAction Abort Capture Void Refund Record Report Resolve Expire
        Collect CorrectCollection Remit CorrectRemittance CorrectRefund Uncollect;
    Fulfilment, fulfilment: Create Pack Ship Deliver Fail Lose Return Cancel;
    Return, return_: Request Approve Reject Withdraw Receive CorrectReceipt Close;
}
