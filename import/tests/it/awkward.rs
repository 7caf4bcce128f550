//! Anything at all as a file: what it comes to is a report or a clear error, never a panic, and
//! importing it again changes nothing.

use domain::command::product::Command as ProductCommand;
use domain::{Command, Currency};
use event_store::read;
use import::{import, read_orders, read_products};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sqlx::PgPool;

use super::{file, orders, products};

/// Files of each sort.
const FILES: usize = 40;

/// Fields that some row of some shop has.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        2 => "[0-9]{1,3}([.,][0-9]{1,3})?",
        1 => "\"[1-9]([.,]000){1,2}\"",
        2 => "20(14|15)-0[1-9]-[0-2][0-9]",
        1 => "[0-9]{1,2}/[0-9]{1,2}/20[0-9]{2}",
        2 => "[a-c]{1,2}",
        1 => Just("\"".to_owned()),
        1 => "\"[a-z\n\r,]{0,6}\"",
        1 => any::<String>(),
        1 => Just("-5".to_owned()),
        1 => "[ -~]{0,80}",
    ]
}

fn table(header: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let columns = header.split(',').count();
    let row = prop::collection::vec(field(), columns - 2..columns + 2);
    prop::collection::vec(row, 0..12).prop_map(move |rows| {
        let rows = rows.into_iter().map(|row| row.join(",")).collect::<Vec<_>>();
        format!("{header}\n{}", rows.join("\n")).into_bytes()
    })
}

fn files() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..400),
        3 => table("Handle,Title,Option1 Value,SKU,Price,Inventory quantity,Tags,Status"),
        3 => table("Order ID,Order Date,Ship Date,Customer ID,Product ID,Quantity,Sales,Currency"),
    ]
}

/// The longest message about a row, in bytes.
const MESSAGE_BYTES_MAX: usize = 1_000;

proptest! {
    #[test]
    fn what_is_said_of_a_file_fits_its_lines(bytes in files(), code in "EUR|JPY|BHD") {
        let currency: Currency = code.parse().unwrap();
        let ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
        for read in [read_products(bytes.clone(), currency), read_orders(bytes.clone(), currency)] {
            let Ok((commands, report)) = read else { continue };
            prop_assert!(report.rows_skipped() <= report.rows() && report.rows() <= ends);
            prop_assert!(report.rows() > report.rows_skipped() || commands.is_empty());
            for (line, message) in report.reasons().iter().chain(report.remarks()) {
                prop_assert!((1..=ends + 1).contains(line), "{line}: {message}");
                prop_assert!(message.len() <= MESSAGE_BYTES_MAX, "{message}");
            }
            for command in commands {
                if let Command::Product(_, ProductCommand::Create { variants, .. }) = command {
                    for price in variants.iter().flat_map(|variant| &variant.prices) {
                        prop_assert_eq!(price.amount().scale(), price.currency().decimals());
                    }
                }
            }
        }
    }
}

/// Were the rows gone through once more for each of them, this would take minutes.
#[test]
fn an_order_of_very_many_parcels_is_read_at_once() {
    const ROWS: usize = 10_000;
    let row = |n| format!("1,2014-01-03,2014-01-04 00:00:00.{n:06},P{n},1,1\n");
    let header = "Order ID,Order Date,Ship Date,Product ID,Quantity,Sales\n".to_owned();
    let file = (0..ROWS).fold(header, |file, n| file + &row(n));
    let (commands, report) = read_orders(file.into_bytes(), "EUR".parse().unwrap()).unwrap();
    assert_eq!((report.rows(), report.rows_skipped()), (ROWS as u64, 0));
    // The order is recorded, its payment begun and collected; a parcel goes four steps.
    assert_eq!(commands.len(), 3 + 4 * ROWS);
}

#[sqlx::test(migrations = "../migrations")]
async fn any_file_is_reported_and_none_panics(db: PgPool) {
    let mut runner = TestRunner::deterministic();
    let files = files();
    let mut used = 0;
    for _ in 0..FILES {
        let bytes = files.new_tree(&mut runner).unwrap().current();
        for args in [products(file(&bytes)), orders(file(&bytes))] {
            let Ok(first) = import(args.clone(), db.clone(), None).await else { continue };
            used += first.rows() - first.rows_skipped();
            let head = read::head(&db).await.unwrap();
            let again = import(args, db.clone(), None).await.unwrap();
            assert_eq!(first.rows(), again.rows());
            let bytes = String::from_utf8_lossy(&bytes);
            assert_eq!(read::head(&db).await.unwrap(), head, "twice is once: {bytes}");
        }
    }
    assert!(used > 10, "most files had nothing to use: {used} rows used");
}
