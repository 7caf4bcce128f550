//! Mails about orders, a file each: which event somebody is written to about, and what of it is
//! said. Whom an order belongs to, the vault knows; who has no address there, or was forgotten, is
//! not written to.

mod order_cancelled;
mod order_confirmed;
mod order_placed;
mod order_reduced;
mod order_refunded;
mod order_shipped;
mod order_tracked;
mod order_unsecured;
mod return_updated;

pub(super) use order_cancelled::MailOrderCancelled;
pub(super) use order_confirmed::MailOrderConfirmed;
pub(super) use order_placed::MailOrderPlaced;
pub(super) use order_reduced::MailOrderReduced;
pub(super) use order_refunded::MailOrderRefunded;
pub(super) use order_shipped::MailOrderShipped;
pub(super) use order_tracked::MailOrderTracked;
pub(super) use order_unsecured::MailOrderUnsecured;
pub(super) use return_updated::MailReturnUpdated;

use std::fmt;
use std::str::FromStr;

use domain::order::Units;
use domain::page::order::{self, Document};
use domain::text::Label;
use domain::{Event, OrderId, Owner, Seen, StreamId};
use event_store::Recorded;
use mail::Letter;
use mail::letter::Template;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;
use vault::address::{Locale, PostalAddress, Profile};
use vault::records::Kind;
use vault::{DataSubject, Email, Vault, VaultError};

use crate::hands::Hands;
use crate::notes::List;
use crate::task::{Done, Retry, Task};

/// What somebody is written to about: one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    stream: StreamId,
    position: i64,
}

impl Occasion {
    /// Has somebody written to about an event, at once.
    fn arises(event: &Recorded, list: &mut List<'_, Self>) {
        let occasion = Self { stream: event.stream.clone(), position: event.position };
        list.due(&occasion, event.recorded_at);
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.stream, self.position)
    }
}

impl FromStr for Occasion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "is no stream with a position";
        let (stream, position) = text.rsplit_once('@').ok_or(WRONG)?;
        let stream = stream.parse().map_err(|_| WRONG)?;
        Ok(Self { stream, position: position.parse().map_err(|_| WRONG)? })
    }
}

/// Who is written to.
struct Reader {
    subject: DataSubject,
    email: Email,
    name: Option<String>,
    locale: Option<Locale>,
    /// Where the order goes.
    lines: Vec<String>,
}

/// Writes to whose order it is, once, what `about` says of the event.
async fn write(
    task: &Task<Occasion>,
    hands: &Hands,
    template: Template,
    about: fn(&Event, &Document, Value) -> Value,
) -> Result<Done, Retry> {
    let Some((vault, post)) = hands.writing() else { return Ok(Done::Finished) };
    let Occasion { stream, position } = &task.subject;
    let history = hands.history(stream).await?;
    let happened = history.iter().find(|recorded| recorded.position == *position);
    let order_id = happened.and_then(|recorded| order_of(&recorded.stream, &recorded.event));
    let (Some(happened), Some(order_id)) = (happened, order_id) else { return Ok(Done::Finished) };
    let order = if let StreamId::Order(_) = stream {
        document(history.iter())
    } else {
        let own = hands.history(&StreamId::Order(order_id)).await?;
        document(own.iter().chain(&history))
    };
    let Some(order) = order else { return Ok(Done::Finished) };
    // One of another shop's books was told of there.
    if order.cart_id.is_none() {
        return Ok(Done::Finished);
    }
    let reader = match reader(vault, &order).await {
        Ok(Some(reader)) => reader,
        Ok(None) | Err(VaultError::Erased) => return Ok(Done::Finished),
        Err(error) => return Err(error.into()),
    };
    let common = json!({
        "name": reader.name, "number": order.number, "order_id": order.id,
        "total": order.total.amount().to_string(), "currency": order.total.currency().to_string(),
        "address": reader.lines,
    });
    let about = about(&happened.event, &order, common);
    let Reader { subject, email: to, locale, .. } = reader;
    let letter = Letter { to, locale, template, about };
    // One event, one mail: however often this is done.
    let id = format!("{}:{}:{position}", task.reaction, order.id);
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes());
    match post.send(id, subject, &letter, hands.now()).await {
        Ok(()) | Err(VaultError::Erased) => Ok(Done::Finished),
        Err(error) => Err(error.into()),
    }
}

fn order_of(stream: &StreamId, event: &Event) -> Option<OrderId> {
    match (stream, event) {
        (StreamId::Order(id), _) => Some(*id),
        (_, Event::Payment(event)) => Some(event.order_id()),
        (_, Event::Fulfilment(event)) => Some(event.order_id()),
        (_, Event::Return(event)) => Some(event.order_id()),
        _ => None,
    }
}

/// The order, with the part of it that something happened to, where that is one.
fn document<'a>(events: impl Iterator<Item = &'a Recorded>) -> Option<Document> {
    events.fold(None, |document, recorded| {
        let Recorded { version, position, occurred_at, .. } = *recorded;
        let (stream, event) = (&recorded.stream, &recorded.event);
        order::fold(document, &Seen { stream, version, position, occurred_at, event })
    })
}

/// Whoever is at the address it goes to, or the customer whose it is.
async fn reader(vault: &Vault, order: &Document) -> Result<Option<Reader>, VaultError> {
    let address = match order.address_id {
        Some(id) => vault.kept::<PostalAddress>(Kind::Address, id.0).await?,
        None => None,
    };
    let owner = Owner { customer_id: order.customer_id, guest_id: order.guest_id };
    let customer = DataSubject::of(owner);
    let profile = match order.customer_id {
        Some(id) => vault.kept::<Profile>(Kind::Profile, id.0).await?.map(|kept| kept.plain),
        None => None,
    };
    let profile = profile.unwrap_or_default();
    let (subject, address) = address.map(|kept| (kept.subject, kept.plain)).unzip();
    let lines = address.as_ref().map(label).unwrap_or_default();
    let Some((of_address, locale, name)) =
        address.map(|it| (it.email, it.locale, Some(it.name.as_str().to_owned())))
    else {
        let name = profile.name.map(|name| name.as_str().to_owned());
        return Ok(customer.zip(profile.email).map(|(subject, email)| Reader {
            subject,
            email,
            name,
            locale: profile.locale,
            lines,
        }));
    };
    let subject = if of_address.is_some() { subject } else { customer };
    let (email, locale) = (of_address.or(profile.email), locale.or(profile.locale));
    let reader = subject.zip(email);
    Ok(reader.map(|(subject, email)| Reader { subject, email, name, locale, lines }))
}

/// An address as it stands on a parcel.
fn label(address: &PostalAddress) -> Vec<String> {
    let PostalAddress { name, company, lines, postcode, city, region, country, .. } = address;
    let town = [postcode.as_ref(), Some(city), region.as_ref()];
    let town = town.into_iter().flatten().map(Label::as_str).collect::<Vec<_>>().join(" ");
    let street = [Some(name), company.as_ref()].into_iter().flatten().chain(lines);
    let street = street.map(|line| line.as_str().to_owned());
    street.chain([town, String::from(country.clone())]).collect()
}

/// What is said beside what is always said.
fn with(common: Value, more: Value) -> Value {
    let (Value::Object(mut common), Value::Object(more)) = (common, more) else {
        return Value::Null;
    };
    common.extend(more);
    Value::Object(common)
}

/// How a parcel that is on its way is followed, and what is in it: of the order's parcels the one
/// whose stream was read.
fn on_its_way(
    order: &Document,
    common: Value,
    carrier: &impl Serialize,
    tracking: &impl Serialize,
) -> Value {
    let parcel = order.fulfilments.first().map(|parcel| parcel.lines.as_slice());
    let lines = lines(order, parcel);
    with(common, json!({ "carrier": carrier, "tracking": tracking, "lines": lines }))
}

/// Lines of an order, as mails list them: all, or what is in a parcel.
fn lines(order: &Document, parcel: Option<&[Units]>) -> Value {
    let line = |line: &order::OrderLine| {
        let bought = &line.line;
        let quantity = match parcel {
            None => bought.quantity.get(),
            Some(units) => units.iter().find(|of| of.sku == bought.sku)?.quantity.get(),
        };
        let (title, total) = (bought.title.as_str(), bought.total.amount().to_string());
        let options = bought.options.as_slice().iter().map(|option| option.value.as_str());
        let options = options.collect::<Vec<_>>().join(", ");
        // What the shop calls the variant; what sets it apart, where it has no name of its own.
        let variant = bought.variant_title.as_ref().map(Label::as_str);
        Some(json!({ "quantity": quantity, "title": title, "variant": variant,
                     "options": options, "total": total }))
    };
    order.lines.iter().filter_map(line).collect()
}
