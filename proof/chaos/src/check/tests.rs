//! Each check can fail: a history that is true passes all of them, and one that was tampered with
//! is found out by the check it is meant for.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::command::payment as pay;
use domain::payment::Verdict as Said;
use domain::{Command, Event, OrderId, PaymentId, StreamId};
use serde_json::{Value, json};

use super::decided::{self, States, command};
use super::log::{CLIENT, Entry, Kept, Log};
use super::{Verdict, fresh, holds, linear, money, once, owed, realtime, stock};
use crate::history::{Answer, Asked, Attempt, Command as Sent, History, Read, Seen};

/// A shop in memory: commands are decided by the domain and recorded as a round records them.
struct Shop {
    states: States,
    entries: Vec<Entry>,
    kept: HashMap<String, Kept>,
    history: History,
    now: u64,
}

const PRODUCT: &str = "00000000-0000-4000-8000-000000000001";
const CART: &str = "00000000-0000-4000-8000-000000000002";
const ORDER: &str = "00000000-0000-4000-8000-000000000003";
const PAYMENT: &str = "00000000-0000-4000-8000-000000000004";
const LATE: &str = "00000000-0000-4000-8000-000000000005";
const PARCEL: &str = "00000000-0000-4000-8000-000000000006";

impl Shop {
    /// One in which something was sold and something refused.
    fn open() -> Self {
        let history = History { tag: "t".to_owned(), ..History::default() };
        let mut shop = Self {
            states: States::default(),
            entries: vec![],
            kept: HashMap::new(),
            history,
            now: 0,
        };
        let price = json!([{"amount": "5.00", "currency": "EUR"}]);
        let product =
            json!({"id": PRODUCT, "title": "T", "variants": [{"sku": "S", "prices": price}]});
        shop.ask("product.create", None, &product);
        shop.ask("product.publish", Some(PRODUCT), &json!({}));
        shop.ask("stock.receive", Some("S"), &json!({"location": "main", "quantity": 3}));
        shop.ask("cart.create", None, &json!({"id": CART, "currency": "EUR"}));
        shop.ask("cart.add_line", Some(CART), &json!({"sku": "S", "quantity": 2}));
        shop.ask("cart.checkout", Some(CART), &json!({"order_id": ORDER}));
        shop.ask("cart.create", None, &json!({"id": LATE, "currency": "EUR"}));
        shop.ask("cart.add_line", Some(LATE), &json!({"sku": "S", "quantity": 2}));
        shop.ask("cart.checkout", Some(LATE), &json!({"order_id": LATE}));
        let start = json!({"id": PAYMENT, "order_id": ORDER, "method": "card",
                   "gateway": "sandbox", "token": "tok_success"});
        shop.ask("payment.start", None, &start);
        let (reference, expires_at) = ("r".parse().unwrap(), Utc::now());
        shop.gateway(1, Said::Authorized { reference, expires_at });
        shop.ask("payment.capture", Some(PAYMENT), &json!({}));
        shop.gateway(2, Said::Captured { reference: None, amount: None, fee: None });
        shop
    }

    fn ask(&mut self, name: &'static str, id: Option<&str>, body: &Value) {
        let key = format!("t-{}", self.history.commands.len());
        let sent = Sent {
            name,
            id: id.map(str::to_owned),
            sku: None,
            if_match: None,
            body: body.to_string(),
            key: key.clone(),
        };
        let before = Kept { outcome: Value::Null, position: 0 };
        let command = command::of(&sent, &before, &[]).unwrap();
        let (kept, answer) = self.append(&command, &format!("{CLIENT}{key}"));
        if !answer.is_passing() {
            self.kept.insert(format!("{CLIENT}{key}"), kept);
        }
        let attempt = Attempt {
            api: 0,
            sent: self.now + 1,
            ended: self.now + 2,
            answer: Some(answer),
            lost: None,
        };
        self.now += 2;
        let attempts = vec![attempt];
        self.history.commands.push(Asked { client: 0, command: sent, reuses_key: false, attempts });
    }

    fn append(&mut self, command: &Command, key: &str) -> (Kept, Answer) {
        let (status, body, outcome) = match self.states.decide(command, None).unwrap() {
            Ok(events) => {
                for (stream, event) in events {
                    let entry = Entry {
                        position: self.entries.len() as i64 + 1,
                        version: self.states.version(&stream) + 1,
                        stream,
                        occurred_at: DateTime::UNIX_EPOCH,
                        event,
                        key: key.to_owned(),
                    };
                    self.states.apply(&entry);
                    self.entries.push(entry);
                }
                let (id, version) =
                    (command.subject().key(), self.states.version(&command.subject()));
                let body = json!({"id": id, "version": version, "position": self.entries.len()});
                (200, body, json!({"accepted": {"id": id, "version": version}}))
            }
            Err(refusal) => {
                let told = domain::RefusalRecord::from(&refusal);
                let mut body = json!({"code": told.code().0, "passing": told.passes(),
                                      "position": self.entries.len()});
                for (name, value) in told.figures() {
                    body[name] = value.clone();
                }
                (409, body, json!({"refused": told}))
            }
        };
        let position = self.entries.len() as i64;
        (Kept { outcome, position }, Answer { status, body, replayed: false, log_id: None })
    }

    /// The reactor hears what the gateway says.
    fn gateway(&mut self, request: u32, verdict: Said) {
        let record = pay::Command::Record { request, verdict, at: Utc::now() };
        let id: PaymentId = PAYMENT.parse().unwrap();
        self.append(&Command::Payment(id, record), &format!("p:{request}"));
    }

    fn log(&self) -> Log {
        let head = self.entries.len() as i64;
        Log::new(self.entries.clone(), self.kept.clone(), head)
    }

    fn answer(&mut self, command: usize) -> &mut Answer {
        self.history.commands[command].attempts[0].answer.as_mut().unwrap()
    }

    /// The promises that one of the checks finds broken.
    fn broken(&self) -> Vec<&'static str> {
        let mut log = self.log();
        let (history, log) = (&log.settle(&self.history), &log);
        let verdicts: Vec<(&'static str, Verdict)> = vec![
            ("once", once::check(history, log)),
            ("realtime", realtime::check(history, log)),
            ("decided", decided::check(history, log)),
            ("stock", stock::check(log)),
            ("holds", holds::check(log)),
            ("owed", owed::check(log)),
            ("carts", linear::carts(history, log)),
            ("skus", linear::stock(history, log)),
            ("fresh", fresh::check(history, log, false)),
        ];
        let broken = verdicts.into_iter().filter(|(_, verdict)| !verdict.violations.is_empty());
        broken.map(|(name, _)| name).collect()
    }

    fn read(&mut self, stream: &str, version: i64, document: Option<Value>, min_position: i64) {
        self.history.reads.push(Read {
            path: format!("/{stream}"),
            stream: Some(stream.to_owned()),
            min_position: Some(min_position),
            ended: 1,
            status: Some(200),
            seen: vec![Seen { stream: stream.to_owned(), version }],
            document,
            ..Read::default()
        });
    }
}

const CHECKOUT: usize = 5;
const REFUSED: usize = 8;

#[test]
fn a_true_history_breaks_no_promise() {
    let mut shop = Shop::open();
    shop.read(&format!("cart-{CART}"), 2, None, 7);
    assert_eq!(shop.history.commands[REFUSED].answer().unwrap().code(), "checkout_refused");
    assert_eq!(shop.broken(), Vec::<&str>::new());
    let (accounts, wrong) = money::accounts(&shop.log());
    assert!(wrong.is_empty() && accounts.len() == 1);
}

#[test]
fn an_acknowledged_command_that_the_log_lost() {
    let mut shop = Shop::open();
    shop.kept.remove("c:anyone:t-4");
    shop.entries.retain(|entry| entry.key != "c:anyone:t-4");
    assert!(shop.broken().contains(&"once"), "{:?}", shop.broken());
}

#[test]
fn a_command_that_took_effect_twice() {
    let mut shop = Shop::open();
    let mut again = shop.entries.iter().find(|entry| entry.key == "c:anyone:t-2").unwrap().clone();
    again.position = shop.entries.len() as i64 + 1;
    again.version = 10;
    shop.entries.push(again);
    assert!(shop.broken().contains(&"once"), "{:?}", shop.broken());
}

#[test]
fn a_refused_command_with_events_and_a_key_used_twice() {
    let mut shop = Shop::open();
    let mut entry = shop.entries.last().unwrap().clone();
    entry.key = format!("c:anyone:t-{REFUSED}");
    *shop.entries.last_mut().unwrap() = entry;
    assert!(shop.broken().contains(&"once"));
    let mut shop = Shop::open();
    shop.history.commands[CHECKOUT].reuses_key = true;
    assert!(shop.broken().contains(&"once"), "accepted under another command's key");
}

#[test]
fn an_answer_that_is_not_what_stands_there() {
    let mut shop = Shop::open();
    shop.answer(4).body["version"] = json!(7);
    assert_eq!(shop.broken(), ["once", "carts"]);
    let mut shop = Shop::open();
    shop.answer(REFUSED).body["lines"][0]["available"] = json!(0);
    assert_eq!(shop.broken(), ["decided", "skus"]);
    let mut shop = Shop::open();
    shop.kept.get_mut("c:anyone:t-4").unwrap().outcome["accepted"]["version"] = json!(7);
    shop.answer(4).body["version"] = json!(7);
    assert_eq!(shop.broken(), ["decided", "carts"]);
}

#[test]
fn a_refusal_that_was_no_longer_true() {
    let mut shop = Shop::open();
    // Three more had arrived, and whoever sent them knew it, before the checkout was sent.
    shop.ask("stock.receive", Some("S"), &json!({"location": "main", "quantity": 3}));
    shop.ask("cart.checkout", Some(LATE), &json!({"order_id": LATE}));
    let last = shop.history.commands.len() - 1;
    shop.answer(last).status = 409;
    let before = shop.answer(REFUSED).body.clone();
    shop.answer(last).body = before.clone();
    let key = format!("c:anyone:t-{last}");
    shop.kept.remove(&key);
    shop.entries.retain(|entry| entry.key != key);
    shop.answer(last).body["position"] = json!(shop.entries.len());
    assert_eq!(shop.broken(), ["decided", "skus"]);
    // Said to have been decided before they arrived, it comes after what had been answered.
    shop.answer(last).body = before;
    assert!(shop.broken().contains(&"realtime"), "{:?}", shop.broken());
}

#[test]
fn what_was_refused_for_now_may_take_effect_later() {
    let mut shop = Shop::open();
    let refused = shop.history.commands[REFUSED].attempts[0].clone();
    shop.ask("stock.receive", Some("S"), &json!({"location": "main", "quantity": 3}));
    shop.ask("cart.checkout", Some(LATE), &json!({"order_id": LATE}));
    let mut again = shop.history.commands.pop().unwrap();
    again.attempts.insert(0, refused.clone());
    assert!(again.answer().unwrap().is_accepted());
    shop.history.commands.push(again.clone());
    shop.history.commands.remove(REFUSED);
    assert!(shop.broken().is_empty(), "{:?}", shop.broken());
    // Nobody heard that it did.
    again.attempts[1].answer = None;
    *shop.history.commands.last_mut().unwrap() = again;
    assert!(shop.broken().is_empty(), "{:?}", shop.broken());
}

#[test]
fn more_sold_than_there_was_and_a_hold_for_nobody() {
    let mut shop = Shop::open();
    for entry in &mut shop.entries {
        if let Event::Stock(domain::stock::Event::Received(received)) = &mut entry.event {
            received.quantity = 1.try_into().unwrap();
        }
    }
    assert_eq!(shop.broken(), ["decided", "stock", "skus"]);
    let mut shop = Shop::open();
    let order: OrderId = ORDER.parse().unwrap();
    shop.entries.retain(|entry| entry.stream != StreamId::Order(order));
    assert!(shop.broken().contains(&"holds"), "{:?}", shop.broken());
}

#[test]
fn an_order_that_is_off_and_still_holds_its_units() {
    let mut shop = Shop::open();
    shop.ask("order.cancel", Some(ORDER), &json!({"reason": "no"}));
    assert!(shop.broken().is_empty(), "{:?}", shop.broken());
    let released = |entry: &Entry| entry.event.kind().0 == "stock.released";
    shop.entries.retain(|entry| !released(entry));
    assert!(shop.broken().contains(&"holds"), "{:?}", shop.broken());
}

#[test]
fn what_came_back_is_the_orders_until_it_goes_out_again() {
    let sent = |shop: &mut Shop, parcel: &str| {
        shop.ask("fulfilment.create", None, &json!({"id": parcel, "order_id": ORDER}));
        for step in ["fulfilment.pack", "fulfilment.ship"] {
            shop.ask(step, Some(parcel), &json!({}));
        }
    };
    let came_back = || {
        let mut shop = Shop::open();
        sent(&mut shop, PARCEL);
        shop.ask("fulfilment.fail", Some(PARCEL), &json!({"reason": "nobody at home"}));
        let again = json!({"location": "main", "send_again": true});
        shop.ask("fulfilment.return", Some(PARCEL), &again);
        shop
    };
    let mut shop = came_back();
    assert!(shop.broken().is_empty(), "{:?}", shop.broken());
    sent(&mut shop, LATE);
    shop.ask("fulfilment.deliver", Some(LATE), &json!({}));
    assert!(shop.broken().is_empty(), "{:?}", shop.broken());
    assert!(shop.entries.iter().any(|entry| entry.event.kind().0 == "order.completed"));
    // It is for sale again, though it is owed to somebody.
    let mut shop = came_back();
    for entry in &mut shop.entries {
        if let Event::Stock(domain::stock::Event::Received(received)) = &mut entry.event
            && let domain::stock::Source::Parcel { again, .. } = &mut received.source
        {
            *again = false;
        }
    }
    assert_eq!(shop.broken(), ["decided", "holds"]);
}

#[test]
fn money_that_is_kept_and_not_owed() {
    let mut shop = Shop::open();
    shop.ask("order.cancel", Some(ORDER), &json!({"reason": "no"}));
    assert!(shop.broken().is_empty(), "it is being given back: {:?}", shop.broken());
    let asked = shop.entries.iter().rposition(|it| it.event.kind().0 == "payment.requested");
    shop.entries.remove(asked.unwrap());
    assert!(shop.broken().contains(&"owed"), "{:?}", shop.broken());
}

#[test]
fn a_cart_that_shows_an_older_state() {
    let mut shop = Shop::open();
    shop.read(&format!("cart-{CART}"), 1, None, 7);
    assert_eq!(shop.broken(), ["fresh"]);
    let mut shop = Shop::open();
    let document = json!({"id": CART, "version": 2, "position": 7, "lines": []});
    shop.read(&format!("cart-{CART}"), 2, Some(document), 7);
    assert_eq!(shop.broken(), ["fresh"], "as new as it should be, and not what was written");
    let mut shop = Shop::open();
    shop.read(&format!("cart-{CART}"), 2, None, 7);
    shop.history.reads[0].status = Some(404);
    assert_eq!(shop.broken(), ["fresh"]);
}

#[test]
fn two_carts_answers_that_no_order_explains() {
    let mut shop = Shop::open();
    shop.ask("cart.create", None, &json!({"id": PRODUCT, "currency": "EUR"}));
    shop.ask("cart.add_line", Some(PRODUCT), &json!({"sku": "S", "quantity": 1}));
    shop.ask("cart.add_line", Some(PRODUCT), &json!({"sku": "S", "quantity": 1}));
    let last = shop.history.commands.len() - 1;
    // At once, each may be the first; one after the other, they may not.
    let (first, second) = (shop.answer(last - 1).clone(), shop.answer(last).clone());
    shop.answer(last - 1).body["version"] = second.body["version"].clone();
    shop.answer(last).body["version"] = first.body["version"].clone();
    assert_eq!(shop.broken(), ["once", "carts"]);
    shop.history.commands[last].attempts[0].sent = shop.history.commands[last - 1].sent();
    assert_eq!(shop.broken(), ["once"], "the cart alone could have done it in either order");
}

#[test]
fn money_that_the_gateway_and_the_log_do_not_agree_on() {
    let shop = Shop::open();
    let (accounts, _) = money::accounts(&shop.log());
    let id: PaymentId = PAYMENT.parse().unwrap();
    let booked = |request, operation: &str, amount: &str| {
        (id, request, operation.to_owned(), amount.to_owned(), "EUR".to_owned())
    };
    let right = vec![booked(1, "authorize", "10.00"), booked(2, "capture", "10.00")];
    assert!(money::wrong_books(&accounts, &right).is_empty());
    assert_eq!(money::wrong_books(&accounts, &right[..1]).len(), 1, "not taken");
    let more = [right.clone(), vec![booked(3, "capture", "1.00")]].concat();
    assert_eq!(money::wrong_books(&accounts, &more).len(), 1, "taken and not told");
    let other = vec![right[0].clone(), booked(2, "capture", "9.00")];
    assert_eq!(money::wrong_books(&accounts, &other).len(), 1, "another amount");
    let account = &accounts[&id];
    assert!(money::wrong_sums(account).is_none());
    let shown = |captured: &str| {
        let money = |amount| json!({"amount": amount, "currency": "EUR"});
        let (captured, refunded) = (money(captured), money("0.00"));
        json!({"payments": [{"id": PAYMENT, "captured": captured, "refunded": refunded}]})
    };
    assert!(money::misread(&accounts, &[id], &shown("10.00")).is_none());
    assert!(money::misread(&accounts, &[id], &shown("9.00")).is_some());
    assert!(money::misread(&accounts, &[id], &json!({"payments": []})).is_some());
}
