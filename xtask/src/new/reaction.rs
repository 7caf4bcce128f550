//! `cargo xtask new reaction`: what happens by itself after the events of one kind of stream.

use anyhow::Result;

use super::{Draft, Name, among, before};

/// What is written anew.
const FILE: (&str, &str) =
    ("reactor/src/reactions/quince.rs", include_str!("templates/reaction.rs"));

/// Draws it, and says what is to do by hand.
pub fn draw(draft: &mut Draft, name: &Name, kind: &Name) -> Result<Vec<String>> {
    draft.must_have(&format!("domain/src/{}/mod.rs", kind.snake))?;
    let fill = |template: &str| kind.fill_beside(&name.fill(template));
    draft.add(fill(FILE.0), fill(FILE.1))?;
    draft.change("reactor/src/reactions/mod.rs", |text| {
        let text = among(text, "mod ", &fill("mod quince;"))?;
        let line = fill("    Registered::of::<quince::Quince>(),\n");
        before(&text, "pub static ALL:", "];\n", &line)
    })?;
    Ok(NEXT.iter().map(|step| fill(step)).collect())
}

/// What no program can do.
const NEXT: [&str; 3] = [
    "say in reactor/src/reactions/quince.rs what is due, when, and what settles it; and do it",
    "given/then for each of its events; a test in reactor/tests/it for what it does",
    "docs/adding/reaction.md has the whole list",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new::tests::drawn;

    #[test]
    fn it_finds_its_places_and_leaves_no_placeholder() {
        let files = drawn(|draft| {
            let (name, kind) = ("abandon_cart".parse().unwrap(), "cart".parse().unwrap());
            draw(draft, &name, &kind)
        });
        assert_eq!(files.len(), 2);
        let list = &files["reactor/src/reactions/mod.rs"];
        assert!(list.contains("    Registered::of::<abandon_cart::AbandonCart>(),\n];"));
    }
}
