//! `cargo xtask new aggregate`: a kind of stream in `domain`, as its neighbours are.

use anyhow::Result;

use super::{Draft, Name, among, before};

/// The files, and what they are made of.
const FILES: [(&str, &str); 6] = [
    ("domain/src/quince/mod.rs", include_str!("templates/aggregate/mod.rs")),
    ("domain/src/quince/event.rs", include_str!("templates/aggregate/event.rs")),
    ("domain/src/quince/rules.rs", include_str!("templates/aggregate/rules.rs")),
    ("domain/src/quince/document.rs", include_str!("templates/aggregate/document.rs")),
    ("domain/src/command/quince.rs", include_str!("templates/aggregate/command.rs")),
    ("domain/tests/it/quince.rs", include_str!("templates/aggregate/test.rs")),
];

/// Draws it, and says what is to do by hand.
pub fn draw(draft: &mut Draft, name: &Name) -> Result<Vec<String>> {
    for (path, template) in FILES {
        draft.add(name.fill(path), name.fill(template))?;
    }
    register(draft, name)?;
    register_tests(draft, name)?;
    Ok(NEXT.iter().map(|step| name.fill(step)).collect())
}

/// What no program can do.
const NEXT: [&str; 4] = [
    "say in domain/src/quince/mod.rs what a medlar is, and give it its own events and rules",
    "`INSTA_UPDATE=always cargo test -p domain` twice, and read the snapshots that it writes",
    "four matches name every kind: `cargo check --workspace --all-targets` leads to three of \
     them, `cargo check` of the fuzz targets to the fourth",
    "docs/adding/aggregate.md has the whole list",
];

/// The lines that make it part of the domain.
fn register(draft: &mut Draft, name: &Name) -> Result<()> {
    let line = |line: &str| name.fill(line);
    draft.change("domain/src/lib.rs", |text| {
        let text = among(text, "pub mod ", &line("pub mod quince;"))?;
        let text = before(&text, "pub use ids::{", ",\n}", &line(", QuinceId"))?;
        let kind =
            line("    /// A medlar.\n    Quince = \"quince\", quince::Quince of QuinceId;\n");
        before(&text, "\naggregates! {\n", "}\n", &kind)
    })?;
    draft.change("domain/src/ids.rs", |text| {
        Some(format!("{text}{}", line("id! {\n    /// A medlar.\n    QuinceId\n}\n")))
    })?;
    draft.change("domain/src/by.rs", |text| {
        let arm = line(
            "        Command::Quince(..) => return Err(crate::quince::Error::NotFound.into()),\n",
        );
        before(text, "// Of no shopper.\n", "        Command::Product(..)", &arm)
    })?;
    draft.change("domain/src/command/mod.rs", |text| {
        among(text, "pub mod ", &line("pub mod quince;"))
    })
}

/// The lines that make it part of what tests hold of every kind.
fn register_tests(draft: &mut Draft, name: &Name) -> Result<()> {
    let line = |line: &str| name.fill(line);
    draft.change("domain/tests/it/main.rs", |text| among(text, "mod ", &line("mod quince;")))?;
    draft.change("domain/tests/it/examples.rs", |text| {
        let own = line("    all.extend(crate::quince::examples().map(Event::from));\n");
        before(text, "pub fn all()", "    all\n", &own)
    })?;
    draft.change("domain/tests/it/refusal.rs", |text| {
        before(text, "let all = [", "    ];", &line("        crate::quince::refusals(),\n"))
    })?;
    draft.change("domain/tests/it/random/step.rs", |text| {
        let own = line("        1 => crate::quince::steps(),\n");
        before(text, "let command = prop_oneof![\n", "    ];\n", &own)
    })?;
    draft.change("domain/tests/it/event.rs", |text| {
        let arm = line(
            "            Event::Quince(_) => {\n                let id = \
             crate::quince::quince_id(1);\n                (StreamId::Quince(id), \
             id.to_string())\n            }\n",
        );
        before(text, "let (stream, key) = match &event {", "        };\n", &arm)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::new::tests::drawn;

    #[test]
    fn it_finds_its_places_and_leaves_no_placeholder() {
        let files = drawn(|draft| draw(draft, &"price_list".parse().unwrap()));
        assert_eq!(files.len(), FILES.len() + 9);
        let list = &files["domain/src/lib.rs"];
        assert!(list.contains("PriceList = \"price_list\", price_list::PriceList of PriceListId;"));
        assert!(list.contains("ReturnId, PriceListId,\n}"), "no comma follows another");
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert!(draw(&mut Draft::new(root), &"cart".parse().unwrap()).is_err());
    }
}
