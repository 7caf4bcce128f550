//! `cargo xtask schema`: `migrations/schema.sql`, the database as the migrations have made it, for
//! those who read it. Nothing runs it.
//!
//! Read from the catalogue of a throwaway Postgres that has the migrations, by a query of our own:
//! what `pg_dump` writes depends on its version.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::layout::Layout;
use crate::servers::postgres;
use crate::{migrations, progress};

/// Where it lies, from the root of the workspace.
const FILE: &str = "migrations/schema.sql";
/// What stands before everything.
const HEADER: &str = "\
-- The database as the migrations have made it, to be read. Made by `cargo xtask schema`, never
-- edited, and run by nobody; the migrations say why things are as they are.
";
/// What the catalogue is asked.
const CATALOGUE: &str = include_str!("catalog.sql");

/// Options of `schema`.
#[derive(clap::Args)]
pub struct Args {
    /// Change nothing; fail when the committed file is not what the migrations make
    #[arg(long)]
    check: bool,
}

/// Writes the file, or compares it.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let database = migrations::database(layout)?;
    let statements = postgres::ask(&database.program, &database.url, CATALOGUE)?;
    let wanted = text(&statements);
    let file = layout.root.join(FILE);
    let committed = fs::read_to_string(&file).unwrap_or_default();
    if committed == wanted {
        progress::step("Finished", &format!("{FILE} is what the migrations make"));
        return Ok(ExitCode::SUCCESS);
    }
    if args.check {
        let line = committed.lines().zip(wanted.lines()).take_while(|(a, b)| a == b).count() + 1;
        bail!(
            "{FILE} is not what the migrations make, from line {line} on: run `cargo xtask schema` \
             and commit the result"
        );
    }
    fs::write(&file, wanted).with_context(|| format!("cannot write {}", file.display()))?;
    progress::step("Finished", &format!("{FILE} has changed"));
    Ok(ExitCode::SUCCESS)
}

/// The file, of the catalogue's statements: an empty line before each that is of a thing of its
/// own.
fn text(statements: &str) -> String {
    let mut text = HEADER.to_owned();
    let mut rights = false;
    let mut view = String::new();
    for line in statements.lines() {
        let of_rights =
            ["GRANT", "REVOKE", "ALTER DEFAULT"].iter().any(|word| line.starts_with(word));
        let begins = ["CREATE TABLE", "CREATE VIEW", "CREATE FUNCTION", "CREATE EXTENSION"];
        if begins.iter().any(|begin| line.starts_with(begin)) || of_rights && !rights {
            text.push('\n');
        }
        rights |= of_rights;
        if line.starts_with("CREATE VIEW") || !view.is_empty() {
            view.push_str(line);
            view.push('\n');
            if line.ends_with(';') {
                text.push_str(&unqualified(&view));
                view.clear();
            }
            continue;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A view of one table without that table before its columns: Postgres 15 writes it there, and 16
/// does not.
fn unqualified(view: &str) -> String {
    let mut lines = view.lines().skip_while(|line| !line.starts_with("   FROM "));
    let Some(table) = lines.next().and_then(|line| line.strip_prefix("   FROM ")) else {
        return view.to_owned();
    };
    let table = table.trim_end_matches(';');
    let alone = lines.next().is_none_or(|line| line.starts_with("  WHERE "));
    let name = |letter: char| letter.is_alphanumeric() || letter == '_';
    if !alone || !table.chars().all(name) {
        return view.to_owned();
    }
    view.replace(&format!("{table}."), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_reads_alike_whichever_version_tells_it() {
        let of = |before: &str| {
            [
                "CREATE VIEW carts AS".to_owned(),
                format!(" SELECT {before}id,"),
                format!("    {before}document"),
                "   FROM carts_rows".to_owned(),
                format!("  WHERE {before}build = (( SELECT projections.active_build"),
                "           FROM projections));\n".to_owned(),
            ]
            .join("\n")
        };
        assert_eq!(unqualified(&of("carts_rows.")), of(""));
        assert_eq!(unqualified(&of("")), of(""));
        let joined =
            " SELECT p.name\n   FROM projections p\n     JOIN projection_slots s USING (a);\n";
        assert_eq!(unqualified(joined), joined);
    }

    #[test]
    fn each_thing_stands_by_itself_with_what_belongs_to_it() {
        let made = text(
            "CREATE TABLE a (\n    b bigint\n);\nCREATE INDEX c ON a (b);\nCREATE FUNCTION d();\n\
             GRANT SELECT ON a TO e;\nGRANT SELECT ON a TO f;\n",
        );
        let expected = "\nCREATE TABLE a (\n    b bigint\n);\nCREATE INDEX c ON a (b);\n\n\
                        CREATE FUNCTION d();\n\nGRANT SELECT ON a TO e;\nGRANT SELECT ON a TO f;\n";
        assert_eq!(made.strip_prefix(HEADER), Some(expected));
    }
}
