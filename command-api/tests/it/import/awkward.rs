//! Anything at all as a file: what it comes to is a report or a clear error, never a panic, and
//! importing it again changes nothing.

use command_api::import::import;
use event_store::read;
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

#[sqlx::test(migrations = "../migrations")]
async fn any_file_is_reported_and_none_panics(db: PgPool) {
    let mut runner = TestRunner::deterministic();
    let files = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..400),
        3 => table("Handle,Title,Option1 Value,SKU,Price,Inventory quantity,Tags,Status"),
        3 => table("Order ID,Order Date,Ship Date,Customer ID,Product ID,Quantity,Sales,Currency"),
    ];
    let mut used = 0;
    for _ in 0..FILES {
        let bytes = files.new_tree(&mut runner).unwrap().current();
        for args in [products(file(&bytes)), orders(file(&bytes))] {
            let Ok(first) = import(args.clone(), db.clone()).await else { continue };
            used += first.rows() - first.rows_skipped();
            let head = read::head(&db).await.unwrap();
            let again = import(args, db.clone()).await.unwrap();
            assert_eq!(first.rows(), again.rows());
            let bytes = String::from_utf8_lossy(&bytes);
            assert_eq!(read::head(&db).await.unwrap(), head, "twice is once: {bytes}");
        }
    }
    assert!(used > 20, "most files had nothing to use: {used} rows used");
}
