//! What several targets share: requests as text, a runtime to read them with, and what
//! holds for every refusal and every command. No target's own checks.

use std::cell::RefCell;

use axum::body::Body;
use axum::http::{Request, Uri};
use domain::command::payment;
use domain::command::product as products;
use domain::command::return_;
use domain::{Command, Currency, Money};
use import::{Report, TableError};
use kit::Shop;
use service::Problem;
use tokio::runtime::{Builder, Runtime};

/// The largest refusal, in bytes of JSON: three texts that may repeat what was sent, each cut to
/// `TEXT_BYTES_MAX` and with six bytes for each of theirs at worst, and what is of fixed size.
const REFUSAL_BYTES_MAX: usize = 3 * 6 * service::problem::TEXT_BYTES_MAX + 1024;

/// A request written as HTTP/1.1 has it, without a version and with bare line feeds: `POST
/// /v1/carts`, a header a line, an empty line, the body. `None` for what no HTTP server would let
/// through.
pub fn request(text: &[u8]) -> Option<Request<Body>> {
    let (head, body) = match text.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => (&text[..end], &text[end + 2..]),
        None => (text, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut words = lines.next()?.splitn(2, |byte| *byte == b' ');
    let (method, uri) = (words.next()?, Uri::try_from(words.next()?).ok()?);
    let mut request = Request::builder().method(method).uri(uri);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    request.body(Body::from(body.to_vec())).ok()
}

/// Runs a future to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: RefCell<Runtime> =
            RefCell::new(Builder::new_current_thread().enable_time().build().expect("a runtime"));
    }
    RUNTIME.with_borrow_mut(|runtime| runtime.block_on(future))
}

/// A refusal is the caller's fault, tells a program why, and is short however much was sent.
pub fn check_refusal(problem: &Problem) {
    assert!(problem.status().is_client_error(), "{problem:?}");
    assert!(!problem.code().is_empty(), "{problem:?}");
    let length = serde_json::to_vec(problem).expect("a problem is JSON").len();
    assert!(length <= REFUSAL_BYTES_MAX, "{length} bytes: {problem:?}");
}

/// All money that a command names has the decimals of its currency and is within bounds.
pub fn check_amounts(command: &Command) {
    let amounts: Vec<Money> = match command {
        Command::Product(_, products::Command::Create { variants, .. }) => {
            variants.iter().flat_map(|variant| variant.prices.clone()).collect()
        }
        Command::Product(_, products::Command::SetVariant(variant)) => variant.prices.clone(),
        Command::Payment(
            _,
            payment::Command::Capture { amount }
            | payment::Command::Refund { amount, .. }
            | payment::Command::Collect { amount, .. }
            | payment::Command::Remit { amount, .. },
        ) => amount.iter().copied().collect(),
        Command::Payment(
            _,
            payment::Command::CorrectCollection { amount, .. }
            | payment::Command::CorrectRefund { amount, .. }
            | payment::Command::CorrectRemittance { amount, .. },
        ) => vec![*amount],
        Command::Return(_, return_::Command::CorrectReceipt { withheld, .. }) => {
            withheld.iter().copied().collect()
        }
        _ => vec![],
    };
    for money in amounts {
        assert_eq!(money.amount().scale(), money.currency().decimals(), "{money}");
        assert!(money.amount() >= 0.into(), "{money}");
        assert!(money.amount() <= Money::MAJOR_UNITS_MAX.into(), "{money}");
    }
}

/// The longest message about a row or a file, in bytes.
const MESSAGE_BYTES_MAX: usize = 32 * 1024;

/// Reads a file and decides what it asks of an empty shop. The currency, of two, no or three
/// decimals, follows from the length.
pub fn check_file(
    data: &[u8],
    read: impl Fn(Vec<u8>, Currency) -> Result<(Vec<Command>, Report), TableError>,
) {
    let code = ["EUR", "JPY", "BHD"][data.len() % 3];
    let currency: Currency = code.parse().expect("a currency");
    let (commands, report) = match read(data.to_vec(), currency) {
        Ok(read) => read,
        Err(error) => return assert!(error.to_string().len() <= MESSAGE_BYTES_MAX, "{error}"),
    };
    let ends = data.iter().filter(|byte| matches!(**byte, b'\n' | b'\r')).count() as u64;
    assert!(report.rows() <= ends, "{} rows after a header, {ends} line ends", report.rows());
    assert!(report.rows_skipped() <= report.rows());
    for (line, message) in report.reasons().iter().chain(report.remarks()) {
        assert!((1..=ends + 1).contains(line), "line {line} of {}: {message}", ends + 1);
        assert!(message.len() <= MESSAGE_BYTES_MAX, "{message}");
    }
    assert!(report.rows() > report.rows_skipped() || commands.is_empty(), "{commands:?}");
    let (again, _) = read(data.to_vec(), currency).expect("it could be read before");
    assert_eq!(again, commands, "an import that is repeated asks for the same");
    let mut shop = Shop::default();
    for command in &commands {
        check_amounts(command);
        let _ = shop.ask(command);
    }
    shop.check_states();
}
