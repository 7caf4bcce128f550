//! A command as the domain knows it, out of what was sent over HTTP. Written from the API's
//! description and not with its code, so that a slip there shows.

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use domain::command::product as products;
use domain::command::{cart, fulfilment, location, order, payment, return_, stock};
use domain::location::{MAIN, RETURNS, Set};
use domain::order::{PaymentMethod, Units};
use domain::payment::{CapturePolicy, Finding, Start};
use domain::product::{Changed, Details, VariantSet};
use domain::text::GatewayName;
use domain::{
    CartId, Command, Event, FulfilmentId, Location, OrderId, Owner, PaymentId, ProductId, ReturnId,
    Sku,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::log::{Entry, Kept};
use crate::history::Command as Sent;

/// Why a line became smaller, and why a payment was given up, where nobody says.
const NO_REASON: &str = "no reason was given";
const GIVEN_UP: &str = "the customer gave it up";

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
        "order" => order(what, sent, &body),
        "payment" => payment(what, sent, &body, made),
        "return" => return_(what, sent, &body),
        _ => fulfilment(what, sent, &body, made),
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

/// What a command is about: named by its route, or where that makes something by its body.
fn named_or_made<T: DeserializeOwned>(sent: &Sent, body: &Map<String, Value>) -> anyhow::Result<T> {
    if sent.id.is_some() { named(sent) } else { field(body, "id") }
}

fn product(what: &str, sent: &Sent, mut body: Map<String, Value>) -> anyhow::Result<Command> {
    let id: ProductId = named_or_made(sent, &body)?;
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
        "change_variant" => {
            let change = serde_json::from_value(Value::Object(body))?;
            products::Command::ChangeVariant(sku()?, change)
        }
        "set_prices" => products::Command::SetPrices(sku()?, field(&body, "prices")?),
        "publish" => products::Command::Publish,
        "unpublish" => products::Command::Unpublish,
        "archive" => products::Command::Archive(field(&body, "skus")?),
        "restore" => products::Command::Restore,
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
    let id: CartId = named_or_made(sent, body)?;
    let sku =
        || -> anyhow::Result<Sku> { Ok(serde_json::from_value(Value::from(sent.sku.clone()))?) };
    let command = match what {
        "create" => {
            cart::Command::Create { currency: field(body, "currency")?, owner: Owner::default() }
        }
        "assign" => {
            let (customer_id, guest_id) = (field(body, "customer_id")?, None);
            cart::Command::Assign { customer_id, guest_id }
        }
        "merge" => cart::Command::Merge { from: field(body, "from")?, guest_id: None },
        "add_line" => {
            cart::Command::AddLine { sku: field(body, "sku")?, quantity: field(body, "quantity")? }
        }
        "change_line" => {
            cart::Command::ChangeLine { sku: sku()?, quantity: field(body, "quantity")? }
        }
        "remove_line" => cart::Command::RemoveLine { sku: sku()? },
        "reopen" => cart::Command::Reopen,
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
                address_id: None,
            }
        }
        _ => bail!("there is no {}", sent.name),
    };
    Ok(Command::Cart(id, command))
}

fn order(what: &str, sent: &Sent, body: &Map<String, Value>) -> anyhow::Result<Command> {
    let command = match what {
        "assign" => {
            let (customer_id, guest_id) = (field(body, "customer_id")?, None);
            order::Command::Assign { customer_id, guest_id }
        }
        "cancel" => order::Command::Cancel { reason: field(body, "reason")?, lines: lines(body)? },
        "change_line" | "remove_line" => order::Command::ShrinkLine {
            sku: serde_json::from_value(Value::from(sent.sku.clone()))?,
            quantity: if what == "remove_line" { 0 } else { field(body, "quantity")? },
            reason: NO_REASON.parse()?,
        },
        "change_address" => {
            order::Command::ChangeAddress { address_id: field(body, "address_id")? }
        }
        "add_note" => order::Command::AddNote { note: field(body, "note")? },
        _ => bail!("there is no {}", sent.name),
    };
    Ok(Command::Order(named(sent)?, command))
}

/// Units that a body names; none means all.
fn lines(body: &Map<String, Value>) -> anyhow::Result<Vec<Units>> {
    if body.contains_key("lines") { field(body, "lines") } else { Ok(vec![]) }
}

fn payment(
    what: &str,
    sent: &Sent,
    body: &Map<String, Value>,
    made: &[&Entry],
) -> anyhow::Result<Command> {
    let at = asked_at(made);
    let id: PaymentId = named_or_made(sent, body)?;
    let command = match what {
        "start" => {
            let order_id: OrderId = field(body, "order_id")?;
            payment::Command::Start { order_id, start: start(body)? }
        }
        "abort" => payment::Command::Abort { reason: GIVEN_UP.parse()?, at },
        "capture" => payment::Command::Capture { amount: field(body, "amount")? },
        "void" => payment::Command::Void,
        "refund" => payment::Command::Refund {
            amount: field(body, "amount")?,
            reason: field(body, "reason")?,
            by_hand: field::<Option<bool>>(body, "by_hand")?.unwrap_or_default(),
            at,
        },
        "complete_action" => payment::Command::CompleteAction,
        "resolve" => payment::Command::Resolve {
            request: field(body, "request")?,
            finding: Finding::Done { reference: None, expires_at: None, amount: None },
            note: field(body, "note")?,
            at,
        },
        "collect" => payment::Command::Collect { amount: field(body, "amount")?, at },
        "correct_collection" => payment::Command::CorrectCollection {
            amount: field(body, "amount")?,
            reason: field(body, "reason")?,
            at,
        },
        "remit" => payment::Command::Remit {
            amount: field(body, "amount")?,
            written_off: field(body, "write_off")?,
        },
        "correct_remittance" => payment::Command::CorrectRemittance {
            amount: field(body, "amount")?,
            written_off: field(body, "written_off")?,
            reason: field(body, "reason")?,
        },
        "correct_refund" => payment::Command::CorrectRefund {
            amount: field(body, "amount")?,
            reason: field(body, "reason")?,
            at,
        },
        "uncollect" => payment::Command::Uncollect { reason: field(body, "reason")?, at },
        _ => bail!("there is no {}", sent.name),
    };
    Ok(Command::Payment(id, command))
}

/// The service's clock made it; only the events tell.
fn asked_at(made: &[&Entry]) -> DateTime<Utc> {
    let at = made.iter().find_map(|entry| match &entry.event {
        Event::Order(domain::order::Event::Unsecured(of)) => {
            Some(of.reserved_until - domain::order::PAY_AGAIN_WITHIN)
        }
        _ => None,
    });
    at.unwrap_or_else(Utc::now)
}

/// By card, captured when goods leave unless the body says otherwise. Stripe takes money once.
fn start(body: &Map<String, Value>) -> anyhow::Result<Start> {
    let method: PaymentMethod = field(body, "method")?;
    let by_card = method == PaymentMethod::Card;
    let capture = match body.get("capture") {
        Some(_) => field(body, "capture")?,
        None if by_card => CapturePolicy::AtShipment,
        None => CapturePolicy::ByHand,
    };
    let gateway: Option<GatewayName> = field(body, "gateway")?;
    let once = gateway.as_ref().is_some_and(|gateway| gateway.as_str() == "stripe");
    Ok(Start { method, gateway, token: field(body, "token")?, capture, once, return_url: None })
}

fn return_(what: &str, sent: &Sent, body: &Map<String, Value>) -> anyhow::Result<Command> {
    let id: ReturnId = named_or_made(sent, body)?;
    let command = match what {
        "request" => return_::Command::Request {
            order_id: field(body, "order_id")?,
            lines: lines(body)?,
            reason: field(body, "reason")?,
        },
        "approve" => return_::Command::Approve,
        "reject" => return_::Command::Reject { reason: field(body, "reason")? },
        "receive" => {
            let (lines, withheld) = (field(body, "lines")?, field(body, "withheld")?);
            return_::Command::Receive { lines, withheld }
        }
        "correct_receipt" => return_::Command::CorrectReceipt {
            lines: field(body, "lines")?,
            withheld: field(body, "withheld")?,
            reason: field(body, "reason")?,
        },
        "withdraw" => return_::Command::Withdraw,
        "close" => return_::Command::Close,
        _ => bail!("there is no {}", sent.name),
    };
    Ok(Command::Return(id, command))
}

fn fulfilment(
    what: &str,
    sent: &Sent,
    body: &Map<String, Value>,
    made: &[&Entry],
) -> anyhow::Result<Command> {
    let at = asked_at(made);
    let id: FulfilmentId = named_or_made(sent, body)?;
    let command = match what {
        "create" => fulfilment::Command::Create {
            order_id: field(body, "order_id")?,
            lines: lines(body)?,
            location: None,
        },
        "pack" => fulfilment::Command::Pack,
        "ship" => fulfilment::Command::Ship {
            carrier: field(body, "carrier")?,
            tracking: field(body, "tracking")?,
        },
        "deliver" => fulfilment::Command::Deliver { lines: lines(body)? },
        "fail" => fulfilment::Command::Fail { reason: field(body, "reason")? },
        "lose" => fulfilment::Command::Lose { reason: field(body, "reason")?, at },
        "return" => {
            // Where it is put unless somebody says otherwise.
            let send_again = field::<Option<bool>>(body, "send_again")?.unwrap_or_default();
            let unsaid = if send_again { MAIN } else { RETURNS };
            let location = match field::<Option<Location>>(body, "location")? {
                Some(location) => location,
                None => unsaid.parse()?,
            };
            let what = fulfilment::Returned::AllTo(location);
            fulfilment::Command::Return { what, send_again, at }
        }
        "cancel" => fulfilment::Command::Cancel,
        _ => bail!("there is no {}", sent.name),
    };
    Ok(Command::Fulfilment(id, command))
}
