//! Whose each table is. The crate that owns it writes it; others read what stands here, with the
//! reason. What looks on from outside, and tests, may look at all.
//!
//! Which tables there are says `migrations/schema.sql`: a new one needs an owner here. Tables are
//! seen where SQL names them behind a keyword, in capitals as everywhere in this repository; a
//! name that a macro puts into a statement is not.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

/// This file.
const OWN: &str = "xtask/src/tidy/tables.rs";
/// The tables and views of today.
const SCHEMA: &str = "migrations/schema.sql";

/// Tables of one owner.
struct Owned {
    owner: &'static str,
    tables: &'static [&'static str],
    /// Who else reads them, and why.
    readers: &'static [(&'static str, &'static str)],
}

/// Whose each table is.
const TABLES: &[Owned] = &[
    Owned {
        owner: "event-store",
        tables: &["log_head", "log_identity"],
        readers: &[
            (
                "query-api",
                "how far a model is behind, in the statement that reads the model: of one moment",
            ),
            ("webhook", "which log it is and how far it was read, in the statements that go by it"),
        ],
    },
    Owned {
        owner: "event-store",
        tables: &["log_lineage"],
        readers: &[(
            "webhook",
            "whose subscriptions are this log's, in the statement that says so",
        )],
    },
    Owned {
        owner: "event-store",
        tables: &["events"],
        readers: &[
            (
                "query-api",
                "when an event was recorded, and whose parcel it began: of one moment too",
            ),
            ("reactor", "what a task is about, as it is claimed"),
            ("webhook", "which of them somebody is told of, in the statement that lists them"),
        ],
    },
    Owned {
        owner: "event-store",
        tables: &["commands", "commands_sweep", "snapshots"],
        readers: &[],
    },
    Owned {
        owner: "identity",
        tables: &[
            "api_keys",
            "invitations",
            "people",
            "person_codes",
            "registrations",
            "recovery_codes",
            "second_factors",
            "sessions",
            "sign_in_failures",
            "sign_ins",
            "signing_keys",
            "voided_tokens",
        ],
        readers: &[],
    },
    Owned { owner: "vault", tables: &["vault_check", "vault_erased", "vault_keys"], readers: &[] },
    Owned {
        owner: "vault",
        tables: &["vault_index", "vault_records"],
        readers: &[("query-api", "which records a word is in, not what they say")],
    },
    Owned { owner: "mail", tables: &["mails"], readers: &[] },
    Owned {
        owner: "reactor",
        tables: &[
            "gateway_events",
            "reaction_tasks",
            "reaction_waiting",
            "reactions",
            "sandbox_gateway",
        ],
        readers: &[],
    },
    Owned {
        owner: "webhook",
        tables: &["webhook_deliveries", "webhook_readings", "webhook_subscriptions"],
        readers: &[],
    },
    Owned {
        owner: "projector",
        tables: &[
            "carts_rows",
            "fulfilments_rows",
            "locations_rows",
            "orders_rows",
            "parked_messages",
            "payments_rows",
            "products_rows",
            "projection_actions",
            "projection_members",
            "projection_slots",
            "returns_rows",
            "sales_orders_rows",
            "sales_rows",
            "search_stock_rows",
            "skipped_events",
            "stock_rows",
        ],
        readers: &[],
    },
    Owned {
        owner: "projector",
        tables: &[
            // Of the builds that readers see.
            "carts",
            "carts_today",
            "fulfilments",
            "locations",
            "orders",
            "payments",
            "products",
            "projection_positions",
            "returns",
            "sales",
            "search_documents",
            "stock",
            "stock_on_offer",
        ],
        readers: &[("query-api", "what it serves")],
    },
    Owned {
        owner: "projector",
        tables: &["parked_streams", "projection_builds", "projections"],
        readers: &[("query-api", "what readers are told of a projection")],
    },
    Owned {
        owner: "projector",
        tables: &["search_documents_rows"],
        readers: &[("query-api", "from where on Meilisearch may lack something: not in the view")],
    },
];

/// Tables that are named by whom they are none of the business.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut found: Vec<Finding> = tree.file(SCHEMA).into_iter().flat_map(unowned).collect();
    let mut readers: BTreeSet<(&str, &str)> = BTreeSet::new();
    for file in tree.ending(&[".rs", ".sql"]).filter(|file| file.is_of_the_engine()) {
        let own = file.folder();
        for Named { line, table, writes } in named(file) {
            let Some(owned) = TABLES.iter().find(|owned| owned.tables.contains(&table)) else {
                continue;
            };
            let reads = owned.readers.iter().any(|(reader, _)| *reader == own);
            readers.insert((owned.tables[0], own));
            if owned.owner != own && (writes || !reads) {
                let what = if writes { "write" } else { "read" };
                let says = format!("{own} may not {what} `{table}`, which is {}'s", owned.owner);
                found.push(Finding::at(&file.path, line, says));
            }
        }
    }
    // Of a whole tree, and not of a test's.
    if tree.file(OWN).is_some() {
        let named =
            TABLES.iter().flat_map(|it| it.readers.iter().map(|(by, _)| (it.tables[0], *by)));
        let stale = named.filter(|known| !readers.contains(known));
        found.extend(stale.map(|(table, reader)| {
            let says = format!("{reader} reads none of `{table}` and what stands with it");
            Finding::of(OWN, format!("{says}: take it off the list"))
        }));
    }
    found
}

/// Tables and views without an owner, and owned ones that are gone.
fn unowned(schema: &File) -> Vec<Finding> {
    let made = |line: &'_ str| {
        let rest = line.strip_prefix("CREATE TABLE ").or(line.strip_prefix("CREATE VIEW "))?;
        rest.split([' ', '(']).next().map(str::to_owned)
    };
    let there: BTreeSet<String> = schema.text.lines().filter_map(made).collect();
    let owned: BTreeSet<&str> = TABLES.iter().flat_map(|owned| owned.tables).copied().collect();
    let new = there.iter().filter(|table| !owned.contains(table.as_str())).map(|table| {
        Finding::of(SCHEMA, format!("`{table}` has no owner in xtask/src/tidy/tables.rs"))
    });
    let gone = owned
        .iter()
        .filter(|table| !there.contains(**table))
        .map(|table| Finding::of(OWN, format!("there is no table `{table}` any more")));
    new.chain(gone).collect()
}

/// A table that a statement names.
struct Named<'a> {
    line: usize,
    table: &'a str,
    writes: bool,
}

/// The tables that the statements of a file name, as far as it is no test.
fn named(file: &File) -> Vec<Named<'_>> {
    let code = file.lines().take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"));
    let comment = |line: &str| ["//", "--"].iter().any(|mark| line.trim_start().starts_with(mark));
    let code = code.filter(|(_, line)| !comment(line));
    let words = code.flat_map(|(number, line)| {
        let name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        line.split_whitespace().map(move |word| (number, word.trim_matches(|other| !name(other))))
    });
    let (mut before, mut last) = ("", "");
    let mut found = Vec::new();
    for (line, word) in words {
        let deletes = before == "DELETE" && last == "FROM";
        let writes = deletes || ["INTO", "UPDATE", "TABLE", "TRUNCATE", "COPY"].contains(&last);
        if writes || ["FROM", "JOIN", "USING"].contains(&last) {
            found.push(Named { line, table: word, writes });
        }
        (before, last) = (last, word);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|found| found.says).collect()
    }

    #[test]
    fn a_table_is_written_by_its_owner_and_read_by_few() {
        let none: [&str; 0] = [];
        let append = "sqlx::query!(\"INSERT INTO events\n VALUES ($1)\")";
        assert_eq!(says("event-store/src/a.rs", append), none);
        let other = says("query-api/src/a.rs", append);
        assert_eq!(other, ["query-api may not write `events`, which is event-store's"]);
        assert_eq!(says("query-api/src/a.rs", "SELECT position FROM log_head"), none);
        let cut = says("query-api/src/a.rs", "DELETE FROM log_head");
        assert_eq!(cut, ["query-api may not write `log_head`, which is event-store's"]);
        let read =
            says("projector/src/a.sql", "SELECT FROM x\nLEFT JOIN\n  commands c USING (key)");
        assert_eq!(read, ["projector may not read `commands`, which is event-store's"]);
    }

    #[test]
    fn tests_comments_and_what_looks_on_are_let_pass() {
        let none: [&str; 0] = [];
        let text = "// As in DELETE FROM events\n#[cfg(test)]\nmod tests { \"UPDATE events\" }";
        assert_eq!(says("projector/src/a.rs", text), none);
        assert_eq!(says("projector/tests/it/a.rs", "UPDATE events"), none);
        assert_eq!(says("proof/bench/src/a.rs", "INSERT INTO events"), none);
    }

    #[test]
    fn a_reader_that_reads_nothing_is_found() {
        let reads = "SELECT FROM log_head, events JOIN vault_index ON true";
        let tree = Tree::of(&[(OWN, "//! Tables.\n"), ("query-api/src/a.rs", reads)]);
        let found = check(&tree).into_iter().map(|found| found.says);
        let found: Vec<String> = found.filter(|says| says.starts_with("query-api ")).collect();
        assert!(found.iter().any(|says| says.contains("none of `events`")), "{found:?}");
        assert!(!found.iter().any(|says| says.contains("none of `log_head`")), "{found:?}");
    }

    #[test]
    fn a_new_table_needs_an_owner() {
        let found = says(SCHEMA, "CREATE TABLE quinces (\nCREATE VIEW pears AS\n");
        let missing = found.iter().filter(|says| says.contains("has no owner"));
        assert_eq!(missing.count(), 2, "{found:?}");
    }
}
