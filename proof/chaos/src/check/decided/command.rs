//! A command as the domain knows it, out of what was sent over HTTP. Written from the API's
//! description and not with its code, so that a slip there shows.

use anyhow::{Context, bail};
use chrono::Utc;
use domain::command::product as products;
use domain::command::{cart, fulfilment, location, order, payment, stock};
use domain::location::Set;
use domain::product::{Changed, Details, VariantSet};
use domain::text::Note;
use domain::{CartId, Command, Event, FulfilmentId, OrderId, PaymentId, ProductId, Sku};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::log::{Entry, Kept};
use crate::history::Command as Sent;

/// Where a returned parcel's units are put unless somebody says otherwise.
const RETURNS: &str = "returns";

/// What was sent, with the id that its outcome names, or any if it was refused.
pub fn of(sent: &Sent, kept: &Kept, made: &[&Entry]) -> anyhow::Result<Command> {
    let mut body: Map<String, Value> = serde_json::from_str(&sent.body)?;
    let given = kept.outcome["accepted"]["id"].as_str().map(|id| Value::from(id.to_owned()));
    let nobody = Value::from(uuid::Uuid::nil().to_string());
    let own = if sent.name == "cart.checkout" { "order_id" } else { "id" };
    if sent.id.is_none() || sent.name == "cart.checkout" {
        body.entry(own).or_insert(given.unwrap_or(nobody));
    }
    let (kind, what) = sent.name.split_once('.').context("a command has a kind")?;
    match kind {
        "product" => product(what, sent, body),
        "stock" => {
            let command = match what {
                "receive" => stock::Command::Receive {
                    location: field(&body, "location")?,
                    quantity: field(&body, "quantity")?,
                    reference: field(&body, "reference")?,
                },
                "adjust" => stock::Command::Adjust {
                    location: field(&body, "location")?,
                    delta: field(&body, "delta")?,
                    reason: field(&body, "reason")?,
                },
                "transfer" => stock::Command::Transfer {
                    from: field(&body, "from")?,
                    to: field(&body, "to")?,
                    quantity: field(&body, "quantity")?,
                    reason: field(&body, "reason")?,
                },
                "count" => stock::Command::Count {
                    location: field(&body, "location")?,
                    on_hand: field(&body, "on_hand")?,
                    reason: field(&body, "reason")?,
                },
                "set_policy" => {
                    stock::Command::SetPolicy { backorder_max: field(&body, "backorder_max")? }
                }
                "set_threshold" => {
                    stock::Command::SetThreshold { threshold: field(&body, "threshold")? }
                }
                _ => bail!("there is no {}", sent.name),
            };
            Ok(Command::Stock(named(sent)?, command))
        }
        "location" => {
            let (sellable, name) = (field(&body, "sellable")?, field(&body, "name")?);
            let address_ref = field(&body, "address_ref")?;
            let command = location::Command::Set(Set { sellable, name, address_ref });
            Ok(Command::Location(named(sent)?, command))
        }
        "cart" => cart(what, sent, &body, made),
        "order" => {
            let reason: Note = field(&body, "reason")?;
            Ok(Command::Order(named(sent)?, order::Command::Cancel { reason }))
        }
        "payment" => payment(what, sent, &body),
        _ => fulfilment(what, sent, &body),
    }
}

fn field<T: DeserializeOwned>(body: &Map<String, Value>, name: &str) -> anyhow::Result<T> {
    let value = body.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).with_context(|| format!("the field {name}"))
}

/// What the command is for.
fn named<T: DeserializeOwned>(sent: &Sent) -> anyhow::Result<T> {
    Ok(serde_json::from_value(Value::from(sent.id.clone()))?)
}

fn product(what: &str, sent: &Sent, mut body: Map<String, Value>) -> anyhow::Result<Command> {
    let id: ProductId = if sent.id.is_some() { named(sent)? } else { field(&body, "id")? };
    let sku =
        || -> anyhow::Result<Sku> { Ok(serde_json::from_value(Value::from(sent.sku.clone()))?) };
    let command = match what {
        "create" => {
            let variants: Vec<VariantSet> = field(&body, "variants")?;
            body.retain(|name, _| name != "id" && name != "variants");
            let details: Details = serde_json::from_value(Value::Object(body))?;
            products::Command::Create { details, variants }
        }
        "change" => {
            products::Command::Change(serde_json::from_value::<Changed>(Value::Object(body))?)
        }
        "set_variant" => {
            body.insert("sku".to_owned(), Value::from(sent.sku.clone()));
            products::Command::SetVariant(serde_json::from_value(Value::Object(body))?)
        }
        "remove_variant" => products::Command::RemoveVariant(sku()?),
        "publish" => products::Command::Publish,
        "archive" => products::Command::Archive,
        _ => bail!("there is no {}", sent.name),
    };
    Ok(Command::Product(id, command))
}

fn cart(
    what: &str,
    sent: &Sent,
    body: &Map<String, Value>,
    made: &[&Entry],
) -> anyhow::Result<Command> {
    let id: CartId = if sent.id.is_some() { named(sent)? } else { field(body, "id")? };
    let sku =
        || -> anyhow::Result<Sku> { Ok(serde_json::from_value(Value::from(sent.sku.clone()))?) };
    let command = match what {
        "create" => cart::Command::Create { currency: field(body, "currency")?, customer_id: None },
        "add_line" => {
            cart::Command::AddLine { sku: field(body, "sku")?, quantity: field(body, "quantity")? }
        }
        "change_line" => {
            cart::Command::ChangeLine { sku: sku()?, quantity: field(body, "quantity")? }
        }
        "remove_line" => cart::Command::RemoveLine { sku: sku()? },
        "abandon" => cart::Command::Abandon,
        "checkout" => {
            // The service's clock made it; only the events tell.
            let until = made.iter().find_map(|entry| match &entry.event {
                Event::Order(domain::order::Event::Placed(placed)) => Some(placed.reserved_until),
                _ => None,
            });
            cart::Command::CheckOut {
                order_id: field(body, "order_id")?,
                reserved_until: until.unwrap_or_else(Utc::now),
            }
        }
        _ => bail!("there is no {}", sent.name),
    };
    Ok(Command::Cart(id, command))
}

fn payment(what: &str, sent: &Sent, body: &Map<String, Value>) -> anyhow::Result<Command> {
    let id: PaymentId = if sent.id.is_some() { named(sent)? } else { field(body, "id")? };
    let command = match what {
        "start" => {
            let order_id: OrderId = field(body, "order_id")?;
            payment::Command::Start { order_id, token: field(body, "token")? }
        }
        "capture" => payment::Command::Capture { amount: field(body, "amount")? },
        "void" => payment::Command::Void,
        "refund" => payment::Command::Refund { amount: field(body, "amount")? },
        "complete_action" => payment::Command::CompleteAction,
        "collect" => payment::Command::Collect,
        "remit" => payment::Command::Remit,
        _ => bail!("there is no {}", sent.name),
    };
    Ok(Command::Payment(id, command))
}

fn fulfilment(what: &str, sent: &Sent, body: &Map<String, Value>) -> anyhow::Result<Command> {
    let id: FulfilmentId = if sent.id.is_some() { named(sent)? } else { field(body, "id")? };
    let command = match what {
        "create" => {
            let lines = if body.contains_key("lines") { field(body, "lines")? } else { vec![] };
            fulfilment::Command::Create { order_id: field(body, "order_id")?, lines }
        }
        "pack" => fulfilment::Command::Pack,
        "ship" => fulfilment::Command::Ship {
            carrier: field(body, "carrier")?,
            tracking: field(body, "tracking")?,
        },
        "deliver" => fulfilment::Command::Deliver,
        "fail" => fulfilment::Command::Fail { reason: field(body, "reason")? },
        "return" => fulfilment::Command::Return { location: RETURNS.parse()? },
        "cancel" => fulfilment::Command::Cancel,
        _ => bail!("there is no {}", sent.name),
    };
    Ok(Command::Fulfilment(id, command))
}
