//! Decisions about parcels. What stock and the order make of them is
//! [`crate::command::fulfilment`]'s.

use super::{
    Cancelled, Created, Delivered, DeliveryFailed, Event, Fulfilment, Packed, ReturnedToSender,
    Shipped, Status,
};
use crate::ids::OrderId;
use crate::order::Units;
use crate::text::{Label, Note};

/// What can be asked of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Plan it.
    Create {
        /// Whose parcel.
        order_id: OrderId,
        /// What goes in.
        lines: Vec<Units>,
    },
    /// Pack it.
    Pack,
    /// Send it.
    Ship {
        /// Who carries it.
        carrier: Option<Label>,
        /// Under which number.
        tracking: Option<Label>,
    },
    /// It was handed over.
    Deliver,
    /// Nobody took it.
    Fail(Note),
    /// It came back.
    Return,
    /// Call it off.
    Cancel,
}

refusals! {
    /// Why a parcel refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "fulfilment_already_exists", Conflict,
            "a fulfilment with this id exists already";
        /// There is none.
        NotFound = "fulfilment_not_found", NotFound, "there is no such fulfilment";
        /// Its state does not allow it.
        WrongState {
            /// Where it stands.
            status: String,
            /// What was asked.
            action: String,
        } = "fulfilment_wrong_state", Conflict, "a fulfilment that is {status} cannot {action}";
    }
}

impl Status {
    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unborn => "unborn",
            Self::Created => "created",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::DeliveryFailed => "delivery_failed",
            Self::ReturnedToSender => "returned_to_sender",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Turns a command into events. Asking for what is already so gives none.
pub fn decide(parcel: &Fulfilment, command: Command) -> Result<Vec<Event>, Error> {
    let (command, order_id) = match (command, parcel.order_id) {
        (Command::Create { order_id, lines }, None) => {
            return Ok(vec![Created { order_id, lines }.into()]);
        }
        (Command::Create { .. }, Some(_)) => return Err(Error::AlreadyExists),
        (_, None) => return Err(Error::NotFound),
        (command, Some(order_id)) => (command, order_id),
    };
    let wrong = |action: &str| {
        let status = parcel.status.name().to_owned();
        Err(Error::WrongState { status, action: action.to_owned() })
    };
    let event: Event = match (command, parcel.status) {
        (Command::Create { .. }, _) => return Err(Error::AlreadyExists),
        (Command::Pack, Status::Created) => Packed { order_id }.into(),
        (Command::Ship { carrier, tracking }, Status::Packed) => {
            Shipped { order_id, carrier, tracking }.into()
        }
        (Command::Deliver, Status::Shipped) => Delivered { order_id }.into(),
        (Command::Fail(reason), Status::Shipped) => DeliveryFailed { order_id, reason }.into(),
        (Command::Return, Status::DeliveryFailed) => ReturnedToSender { order_id }.into(),
        (Command::Cancel, Status::Created | Status::Packed) => Cancelled { order_id }.into(),

        (Command::Pack, Status::Packed)
        | (Command::Ship { .. }, Status::Shipped)
        | (Command::Deliver, Status::Delivered)
        | (Command::Fail(_), Status::DeliveryFailed)
        | (Command::Return, Status::ReturnedToSender)
        | (Command::Cancel, Status::Cancelled) => return Ok(vec![]),

        (Command::Pack, _) => return wrong("be packed"),
        (Command::Ship { .. }, _) => return wrong("be shipped"),
        (Command::Deliver, _) => return wrong("be delivered"),
        (Command::Fail(_), _) => return wrong("fail delivery"),
        (Command::Return, _) => return wrong("return to its sender"),
        (Command::Cancel, _) => return wrong("be cancelled"),
    };
    Ok(vec![event])
}
