//! `cargo xtask new projection`: a read model of one kind of stream, as its neighbours are.

use anyhow::{Context as _, Result};

use super::{Draft, Name, among, before};

/// The files beside the migration, and what they are made of.
const FILES: [(&str, &str); 2] = [
    ("projector/src/projections/quince.rs", include_str!("templates/projection.rs")),
    ("projector/tests/it/quince.rs", include_str!("templates/projection_test.rs")),
];
/// The migration.
const MIGRATION: &str = include_str!("templates/projection.sql");
/// Where migrations are.
const MIGRATIONS: &str = "migrations";

/// Draws it, and says what is to do by hand.
pub fn draw(draft: &mut Draft, name: &Name, kind: &Name) -> Result<Vec<String>> {
    draft.must_have(&format!("domain/src/{}/document.rs", kind.snake))?;
    let fill = |template: &str| kind.fill_beside(&name.fill(template));
    let number = next_number(draft)?;
    for (file, template) in FILES {
        draft.add(fill(file), fill(template))?;
    }
    draft.add(format!("{MIGRATIONS}/{number:04}_{}.sql", name.snake), fill(MIGRATION))?;
    draft.change("domain/src/read_model.rs", |text| {
        let line = fill("    /// One document a damson.\n    Quince = \"quince\",\n");
        before(text, "\nread_models! {\n", "}\n", &line)
    })?;
    draft.change("projector/src/projections/mod.rs", |text| {
        let text = among(text, "mod ", &fill("mod quince;"))?;
        before(&text, "pub static ALL:", "];\n", &fill("    &quince::PROJECTION,\n"))
    })?;
    draft.change("projector/tests/it/main.rs", |text| among(text, "mod ", &fill("mod quince;")))?;
    draft.change("xtask/src/tidy/tables.rs", |text| {
        let rows = fill("            \"quince_rows\",\n");
        let text = before(text, "\"carts_rows\",\n", "        ],\n", &rows)?;
        let view = fill("            \"quince\",\n");
        before(&text, "// Of the builds that readers see.\n", "        ],\n", &view)
    })?;
    Ok(NEXT.iter().map(|step| fill(step)).collect())
}

/// What no program can do.
const NEXT: [&str; 5] = [
    "tell in projector/tests/it/quince.rs what happens to a damson, and what its row says then",
    "give the rows the columns to filter and sort by, in the migration and as `columns`",
    "`cargo xtask sqlx` and `cargo xtask schema`, and commit what they write",
    "`cargo xtask new route damson --of quince` has it read",
    "docs/adding/projection.md has the whole list",
];

/// One more than the last migration's number.
fn next_number(draft: &Draft) -> Result<u32> {
    let names = std::fs::read_dir(draft.root.join(MIGRATIONS)).context("no migrations")?;
    let names = names.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let last = names.filter_map(|name| name.split_once('_')?.0.parse::<u32>().ok()).max();
    Ok(last.context("no migrations")? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new::tests::drawn;

    #[test]
    fn it_finds_its_places_and_leaves_no_placeholder() {
        let files = drawn(|draft| {
            let (name, kind) = ("wishes".parse().unwrap(), "cart".parse().unwrap());
            draw(draft, &name, &kind)
        });
        assert_eq!(files.len(), 7);
        assert!(files["domain/src/read_model.rs"].contains("Wishes = \"wishes\",\n}"));
        let list = &files["projector/src/projections/mod.rs"];
        assert!(list.contains("    &wishes::PROJECTION,\n];"));
    }
}
