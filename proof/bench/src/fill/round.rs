//! One round of a shop's life, told to the engine's own writer: every kind of thing that happens,
//! in about the mix of a real shop, and every stream left in a state that commands can go on from.
//! What a round leads to is the domain's business; nothing here knows an event.
//!
//! Ids and SKUs begin with the round's time (as version 7 ids do), so that another round is this
//! one with another time.

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use domain::command::product as products;
use domain::command::{cart, fulfilment, order, payment, stock};
use domain::options::VariantOption;
use domain::order::PaymentMethod;
use domain::payment::{CapturePolicy, Start, Verdict};
use domain::product::{Details, VariantSet};
use domain::text::Token;
use domain::{
    CartId, Command, Currency, CustomerId, FulfilmentId, Money, OrderId, Owner, PaymentId,
    ProductId, Sku,
};
use event_store::{Outcome, Request, Writer};
use uuid::{Builder, Uuid};

use super::time;

/// What becomes of a cart. Of a hundred carts in a shop, some twenty are bought.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    LeftOpen,
    GivenUp,
    NeverPaid,
    Declined,
    AwaitsPacking,
    CalledOff,
    Delivered,
    Refunded,
    PaidAtTheDoor,
    CameBack,
}

/// The carts of a round.
const FATES: [Fate; 24] = {
    use Fate as F;
    [
        F::LeftOpen,
        F::Delivered,
        F::GivenUp,
        F::Delivered,
        F::Delivered,
        F::PaidAtTheDoor,
        F::GivenUp,
        F::Declined,
        F::Delivered,
        F::LeftOpen,
        F::Refunded,
        F::GivenUp,
        F::AwaitsPacking,
        F::Delivered,
        F::CalledOff,
        F::GivenUp,
        F::PaidAtTheDoor,
        F::LeftOpen,
        F::Delivered,
        F::NeverPaid,
        F::GivenUp,
        F::CameBack,
        F::Delivered,
        F::LeftOpen,
    ]
};
/// Products of a round, and the variants of each.
const PRODUCTS: usize = 2;
const VARIANTS: usize = 2;
/// Units that arrive of each SKU: more than a round sells.
const UNITS: u32 = 500;
/// Seconds between two commands of the round.
const COMMAND_SECONDS: i64 = 4;

/// A cart and what it becomes.
struct Deal {
    fate: Fate,
    cart: CartId,
    order: OrderId,
    payment: PaymentId,
    parcel: FulfilmentId,
}

struct Round<'a> {
    writer: &'a Writer,
    ids: u64,
    commands: i64,
}

/// Some of what stands in the round, to be read and gone on with.
pub struct Told {
    /// A product that is for sale.
    pub product: ProductId,
    /// One of its SKUs.
    pub sku: Sku,
    /// A cart that is still open.
    pub cart: CartId,
    /// An order that was paid and delivered.
    pub order: OrderId,
}

/// Tells the writer all that happens in a round.
pub async fn tell(writer: &Writer) -> anyhow::Result<Told> {
    let mut round = Round { writer, ids: 0, commands: 0 };
    let (product, skus) = round.stock_the_shop().await?;
    let deals: Vec<Deal> = FATES
        .iter()
        .map(|fate| Deal {
            fate: *fate,
            cart: CartId(round.id()),
            order: OrderId(round.id()),
            payment: PaymentId(round.id()),
            parcel: FulfilmentId(round.id()),
        })
        .collect();
    // Shoppers shop at the same time: step by step over all carts, not cart by cart.
    for (number, deal) in deals.iter().enumerate() {
        round.fill_cart(number, deal, &skus).await?;
    }
    for deal in &deals {
        round.end_cart(deal).await?;
    }
    for deal in &deals {
        round.pay(deal).await?;
    }
    for deal in &deals {
        round.send(deal).await?;
    }
    for deal in &deals {
        round.settle(deal).await?;
    }
    let of = |fate| deals.iter().find(|deal| deal.fate == fate).context("a round has every fate");
    Ok(Told {
        product,
        sku: skus[0].clone(),
        cart: of(Fate::LeftOpen)?.cart,
        order: of(Fate::Delivered)?.order,
    })
}

impl Round<'_> {
    fn id(&mut self) -> Uuid {
        self.ids += 1;
        // Spread like random bits, so that ids of one time lie apart as real ones do.
        let spread = self.ids.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&spread);
        Builder::from_unix_timestamp_millis(time::milliseconds(0), &tail).into_uuid()
    }

    fn now(&self) -> DateTime<Utc> {
        time::of(0) + TimeDelta::seconds(self.commands * COMMAND_SECONDS)
    }

    /// What has to be done by then is not due while anybody measures.
    fn much_later(&self) -> DateTime<Utc> {
        self.now() + TimeDelta::days(36_500)
    }

    async fn ask(&mut self, command: Command) -> anyhow::Result<()> {
        self.commands += 1;
        let request = Request {
            key: Some(format!("c:{}", self.id())),
            fingerprint: self.id(),
            correlation_id: Some(self.id()),
            ..Request::new(command.clone(), self.now())
        };
        match self.writer.submit(request).await?.outcome {
            Outcome::Accepted { .. } => Ok(()),
            Outcome::Refused(refusal) => bail!("{command:?} was refused: {refusal}"),
        }
    }

    async fn stock_the_shop(&mut self) -> anyhow::Result<(ProductId, Vec<Sku>)> {
        let mut skus = Vec::new();
        let first = ProductId(self.id());
        for number in 0..PRODUCTS {
            let id = if number == 0 { first } else { ProductId(self.id()) };
            let mut variants = Vec::new();
            for number in 0..VARIANTS {
                let sku: Sku = format!("{}-{}", time::prefix(0), skus.len()).parse()?;
                variants.push(variant(&sku, number)?);
                skus.push(sku);
            }
            self.ask(Command::Product(
                id,
                products::Command::Create { details: details()?, variants },
            ))
            .await?;
            self.ask(Command::Product(id, products::Command::Publish)).await?;
        }
        for sku in &skus {
            // Of a location that is there from the start: rounds are copied, and it is one for all.
            let (location, quantity) = ("main".parse()?, UNITS.try_into()?);
            let receive = stock::Command::Receive { location, quantity, reference: None };
            self.ask(Command::Stock(sku.clone(), receive)).await?;
        }
        let (location, reason) = ("main".parse()?, "two were broken".parse()?);
        let adjust = stock::Command::Adjust { location, delta: -2, reason };
        self.ask(Command::Stock(skus[0].clone(), adjust)).await?;
        Ok((first, skus))
    }

    async fn fill_cart(&mut self, number: usize, deal: &Deal, skus: &[Sku]) -> anyhow::Result<()> {
        // Every third shopper is a guest.
        let customer_id = (!number.is_multiple_of(3)).then(|| CustomerId(self.id()));
        let currency = currency()?;
        let owner = Owner { customer_id, guest_id: None };
        self.cart(deal, cart::Command::Create { currency, owner }).await?;
        for (line, quantity) in (0..=number % 3).zip(1_u32..) {
            let sku = skus[(number + line) % skus.len()].clone();
            let add = cart::Command::AddLine { sku, quantity: quantity.try_into()? };
            self.cart(deal, add).await?;
        }
        let sku = skus[number % skus.len()].clone();
        match number % 6 {
            1 => self.cart(deal, cart::Command::ChangeLine { sku, quantity: 3.try_into()? }).await,
            2 => self.cart(deal, cart::Command::RemoveLine { sku }).await,
            _ => Ok(()),
        }
    }

    async fn end_cart(&mut self, deal: &Deal) -> anyhow::Result<()> {
        let reserved_until = self.much_later();
        match deal.fate {
            Fate::LeftOpen => Ok(()),
            Fate::GivenUp => self.cart(deal, cart::Command::Abandon).await,
            _ => {
                let (order_id, address_id) = (deal.order, None);
                let check_out = cart::Command::CheckOut { order_id, reserved_until, address_id };
                self.cart(deal, check_out).await
            }
        }
    }

    async fn pay(&mut self, deal: &Deal) -> anyhow::Result<()> {
        let by_card = match deal.fate {
            Fate::LeftOpen | Fate::GivenUp | Fate::NeverPaid => return Ok(()),
            Fate::PaidAtTheDoor => false,
            _ => true,
        };
        let start = start(by_card)?;
        self.payment(deal, payment::Command::Start { order_id: deal.order, start }).await?;
        match deal.fate {
            Fate::PaidAtTheDoor => Ok(()),
            Fate::Declined => {
                self.record(deal, 1, Verdict::Declined("the card was declined".parse()?)).await
            }
            _ => {
                let (reference, expires_at) = (reference(deal, 1)?, self.much_later());
                self.record(deal, 1, Verdict::Authorized { reference, expires_at }).await
            }
        }
    }

    async fn send(&mut self, deal: &Deal) -> anyhow::Result<()> {
        use fulfilment::Command as C;
        match deal.fate {
            Fate::CalledOff => {
                let reason = "ordered by mistake".parse()?;
                let cancel = order::Command::Cancel { reason, lines: vec![] };
                self.ask(Command::Order(deal.order, cancel)).await?;
                return self.record(deal, 2, Verdict::Voided).await;
            }
            Fate::Delivered | Fate::Refunded | Fate::PaidAtTheDoor | Fate::CameBack => {}
            _ => return Ok(()),
        }
        let (order_id, lines, location) = (deal.order, vec![], None);
        self.parcel(deal, C::Create { order_id, lines, location }).await?;
        self.parcel(deal, C::Pack).await?;
        let carrier = Some("Parcels & Sons".parse()?);
        let tracking = Some(format!("PS{}", deal.parcel).parse()?);
        self.parcel(deal, C::Ship { carrier, tracking }).await?;
        if deal.fate != Fate::PaidAtTheDoor {
            // Asked for as it left.
            let reference = Some(reference(deal, 2)?);
            self.record(deal, 2, Verdict::Captured { reference, amount: None, fee: None }).await?;
        }
        if deal.fate == Fate::CameBack {
            self.parcel(deal, C::Fail { reason: "nobody was there".parse()? }).await?;
            let what = fulfilment::Returned::AllTo("main".parse()?);
            return self.parcel(deal, C::Return { what, send_again: false, at: self.now() }).await;
        }
        self.parcel(deal, C::Deliver { lines: vec![] }).await
    }

    async fn settle(&mut self, deal: &Deal) -> anyhow::Result<()> {
        use payment::Command as C;
        match deal.fate {
            Fate::PaidAtTheDoor => {
                self.payment(deal, C::Collect { amount: None, at: self.now() }).await?;
                return self.payment(deal, C::Remit { amount: None, written_off: None }).await;
            }
            Fate::Refunded => {
                let (amount, reason) = (Some(money("5.00")?), Some("a scratch".parse()?));
                self.payment(deal, C::Refund { amount, reason, by_hand: false, at: self.now() })
                    .await?;
            }
            // The money of what came back is being given back.
            Fate::CameBack => {}
            _ => return Ok(()),
        }
        let reference = Some(reference(deal, 3)?);
        self.record(deal, 3, Verdict::Refunded { reference, amount: None }).await
    }

    /// What the gateway answered to a request.
    async fn record(&mut self, deal: &Deal, request: u32, verdict: Verdict) -> anyhow::Result<()> {
        let at = self.now();
        self.payment(deal, payment::Command::Record { request, verdict, at }).await
    }

    async fn cart(&mut self, deal: &Deal, command: cart::Command) -> anyhow::Result<()> {
        self.ask(Command::Cart(deal.cart, command)).await
    }

    async fn payment(&mut self, deal: &Deal, command: payment::Command) -> anyhow::Result<()> {
        self.ask(Command::Payment(deal.payment, command)).await
    }

    async fn parcel(&mut self, deal: &Deal, command: fulfilment::Command) -> anyhow::Result<()> {
        self.ask(Command::Fulfilment(deal.parcel, command)).await
    }
}

fn start(by_card: bool) -> anyhow::Result<Start> {
    Ok(Start {
        method: if by_card { PaymentMethod::Card } else { PaymentMethod::CashOnDelivery },
        gateway: by_card.then(|| "sandbox".parse()).transpose()?,
        token: by_card.then(|| "tok_success".parse()).transpose()?,
        capture: CapturePolicy::AtShipment,
        once: false,
        return_url: None,
    })
}

fn reference(deal: &Deal, request: u32) -> anyhow::Result<Token> {
    Ok(format!("sandbox:{}-{request}", deal.payment).parse()?)
}

fn currency() -> anyhow::Result<Currency> {
    "EUR".parse().context("EUR is a currency")
}

fn money(amount: &str) -> anyhow::Result<Money> {
    Ok(Money::new(amount.parse()?, currency()?)?)
}

fn details() -> anyhow::Result<Details> {
    let description = "A bag of vegetable-tanned leather that holds what a day needs, with a \
                       pocket inside, a strap that can be taken off, and seams that are sewn by \
                       hand.";
    Ok(Details {
        title: format!("Tote of {}", time::prefix(0)).parse()?,
        description: Some(description.parse()?),
        brand: Some("Saddler & Daughters".parse()?),
        category: vec!["Bags".parse()?, "Totes".parse()?],
        attributes: [("material".parse()?, "leather".parse()?)].into(),
        media: vec![],
    })
}

fn variant(sku: &Sku, number: usize) -> anyhow::Result<VariantSet> {
    let colour = ["brown", "black"][number % VARIANTS];
    Ok(VariantSet {
        sku: sku.clone(),
        title: None,
        options: vec![VariantOption { name: "Colour".parse()?, value: colour.parse()? }]
            .try_into()?,
        prices: vec![money(["129.00", "139.00"][number % VARIANTS])?],
        barcode: None,
    })
}
