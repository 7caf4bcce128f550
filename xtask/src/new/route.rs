//! `cargo xtask new route`: a read model of one kind of stream served, as a list and one by one.
//! A command's route is a line beside its body: docs/adding/command.md.

use anyhow::Result;

use super::{Draft, Name, among, before};

/// The files, and what they are made of.
const FILES: [(&str, &str); 2] = [
    ("query-api/src/resources/quince.rs", include_str!("templates/route.rs")),
    ("query-api/tests/it/quince.rs", include_str!("templates/route_test.rs")),
];
/// Who may call it, until somebody says who else may: one of `identity::Access`.
const ACCESS: &str = "StaffOrAnalyst";

/// Draws it, and says what is to do by hand.
pub fn draw(draft: &mut Draft, kind: &Name, model: &Name) -> Result<Vec<String>> {
    draft.must_have(&format!("domain/src/{}/document.rs", kind.snake))?;
    let path = format!("/v1/{}", model.snake.replace('_', "-"));
    let fill = |template: &str| {
        let template = template.replace("/v1/damson", &path).replace("Access", ACCESS);
        model.fill_beside(&kind.fill(&template))
    };
    for (file, template) in FILES {
        draft.add(fill(file), fill(template))?;
    }
    draft.change("query-api/src/resources/mod.rs", |text| {
        let text = among(text, "pub mod ", &fill("pub mod quince;"))?;
        before(&text, "fn routes()", "    ]\n", &fill(ROUTES))
    })?;
    // A router whose document does not know all of it does not start in tests.
    draft.change("query-api/src/described.rs", |text| {
        let text = before(text, "\nfn lists(", "}\n\n", &fill(LIST))?;
        let text = before(&text, "\nfn singles(", "    let (id, sku, code) =", &fill(SCHEMA))?;
        before(&text, "    for (path, name, tag, text", "    ] {\n", &fill(SINGLE))
    })?;
    draft.change("query-api/tests/it/main.rs", |text| among(text, "mod ", &fill("mod quince;")))?;
    Ok(NEXT.iter().map(|step| fill(step)).collect())
}

/// The lines of the routes.
const ROUTES: &str = "        (\"/v1/damson\", Access, get(list_of::<quince::Damson>)),
        (\"/v1/damson/{id}\", Access, get(one::<quince::Quince>)),
";
/// The lines that describe them.
const LIST: &str = "    let of_quince = document.output::<domain::quince::document::Document>();
    list::<resources::quince::Damson>(
        document,
        \"/v1/damson\",
        (\"quince\", SHOPPING),
        \"Those of which each is a medlar.\",
        &of_quince,
    );
";
const SCHEMA: &str = "    let quince = document.output::<domain::quince::document::Document>();\n";
const SINGLE: &str =
    "        (\"/v1/damson/{id}\", \"quince.read\", SHOPPING, \"A medlar.\", &id, quince),\n";

/// What no program can do.
const NEXT: [&str; 6] = [
    "say in query-api/src/resources/mod.rs who may call it: as it is drawn, `Access`",
    "say in the list! of query-api/src/resources/quince.rs what may be filtered by",
    "say in query-api/src/described.rs what it is and in which group, then `cargo xtask api`: \
     a route that is not described stops every test of query-api at its start",
    "`cargo xtask sqlx`, and commit what it writes",
    "a test for each filter in query-api/tests/it/quince.rs, a line in the fuzz target `query`",
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
        let test = &files["query-api/tests/it/price_list.rs"];
        assert!(test.contains("\"/v1/gift-cards\"") && test.contains("INTO gift_cards_rows"));
        let routes = &files["query-api/src/resources/mod.rs"];
        let line = "get(one::<price_list::PriceList>)),\n    ]";
        assert!(routes.contains(&format!("(\"/v1/gift-cards/{{id}}\", {ACCESS}, {line}")));
        let described = &files["query-api/src/described.rs"];
        assert!(described.contains("        &of_price_list,\n    );\n}\n\nfn lists_of_orders("));
        assert!(described.contains("SHOPPING, \"A price list.\", &id, price_list),\n    ] {"));
    }

    #[test]
    fn whom_it_lets_in_there_is_and_is_named_where_the_lines_go() {
        let accesses = include_str!("../../../identity/src/access.rs");
        assert!(accesses.contains(&format!("        Self::{ACCESS},\n")), "{ACCESS}");
        let routes = include_str!("../../../query-api/src/resources/mod.rs");
        let (_, uses) = routes.split_once("use identity::Access::{").expect("accesses are named");
        let (uses, _) = uses.split_once("};").expect("it ends");
        assert!(uses.contains(&format!("{ACCESS},")), "{ACCESS}");
    }
}
