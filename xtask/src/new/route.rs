//! `cargo xtask new route`: a read model of one kind of stream served, as a list and one by one.
//! A command's route is a line beside its body: docs/adding/command.md.

use anyhow::Result;

use super::{Draft, Name, among, before};

/// What is written anew.
const FILE: (&str, &str) =
    ("query-api/src/resources/quince.rs", include_str!("templates/route.rs"));

/// Draws it, and says what is to do by hand.
pub fn draw(draft: &mut Draft, kind: &Name, model: &Name) -> Result<Vec<String>> {
    draft.must_have(&format!("domain/src/{}/document.rs", kind.snake))?;
    let fill = |template: &str| model.fill_beside(&kind.fill(template));
    draft.add(fill(FILE.0), fill(FILE.1))?;
    let path = model.snake.replace('_', "-");
    draft.change("query-api/src/resources/mod.rs", |text| {
        let text = among(text, "pub mod ", &fill("pub mod quince;"))?;
        let list = format!("(\"/v1/{path}\", Guarded, get(list_of::<quince::Damson>)),");
        let one = format!("(\"/v1/{path}/{{id}}\", Guarded, get(one::<quince::Quince>)),");
        let lines = fill(&format!("        {list}\n        {one}\n"));
        before(&text, "fn routes()", "    ]\n", &lines)
    })?;
    Ok(NEXT.iter().map(|step| fill(step)).collect())
}

/// What no program can do.
const NEXT: [&str; 5] = [
    "say in the list! of query-api/src/resources/quince.rs what may be filtered by",
    "say in query-api/src/described.rs what they are asked and answer, then `cargo xtask api`",
    "`cargo xtask sqlx`, and commit what it writes",
    "tests in query-api/tests/it/lists.rs and documents.rs, a line in the fuzz target `query`",
    "docs/adding/route.md has the whole list",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new::aggregate;
    use crate::new::tests::drawn;

    #[test]
    fn it_finds_its_places_and_leaves_no_placeholder() {
        let files = drawn(|draft| {
            let (kind, model) = ("price_list".parse().unwrap(), "gift_cards".parse().unwrap());
            aggregate::draw(draft, &kind)?;
            draw(draft, &kind, &model)
        });
        assert!(files.contains_key("query-api/src/resources/price_list.rs"));
        let routes = &files["query-api/src/resources/mod.rs"];
        let line = "(\"/v1/gift-cards/{id}\", Guarded, get(one::<price_list::PriceList>)),\n    ]";
        assert!(routes.contains(line));
    }
}
