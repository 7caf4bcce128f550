//! Ids: a test that is all in memory calls things 1 and 2, one with a log gives each its own.

use domain::{CartId, CustomerId, FulfilmentId, GuestId, OrderId, PaymentId, ProductId, ReturnId};
use uuid::Uuid;

/// What says which one is meant: an id, or a small number.
pub trait Named<Id> {
    /// The id.
    fn id(self) -> Id;
}

macro_rules! ids {
    ($($number:ident $id:ident $kind:literal;)*) => {$(
        pub fn $number(n: u128) -> $id {
            $id(Uuid::from_u128($kind << 96 | n))
        }

        impl Named<$id> for $id {
            fn id(self) -> $id {
                self
            }
        }

        impl Named<$id> for u128 {
            fn id(self) -> $id {
                $number(self)
            }
        }
    )*};
}
ids! {
    product_id ProductId 0x0192_0001;
    cart_id CartId 0x0192_0002;
    order_id OrderId 0x0192_0003;
    payment_id PaymentId 0x0192_0004;
    parcel_id FulfilmentId 0x0192_0005;
    customer_id CustomerId 0x0192_0006;
    guest_id GuestId 0x0192_0008;
    return_id ReturnId 0x0192_0007;
}

/// One that nothing else has.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
