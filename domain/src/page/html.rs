//! Plain text out of HTML, for searching. Not a sanitiser: what it gives is never shown as HTML.

/// Elements whose content is no text.
const SILENT: [&str; 2] = ["script", "style"];

/// The text of `html`: tags gone, the common entities read, white space folded.
pub(super) fn strip(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if !opens_tag(rest) {
            text.push('<');
            rest = &rest[1..];
            continue;
        }
        // A tag parts words, as <p> and <br> do; folding takes away what was one too many.
        text.push(' ');
        let end = if rest.starts_with("<!--") { "-->" } else { ">" };
        let (tag, after) = split_after(rest, end);
        rest = silent(tag).map_or(after, |name| skip_element(after, name));
    }
    text.push_str(rest);
    fold_space(&entities(&text))
}

fn opens_tag(text: &str) -> bool {
    text[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!')
}

fn split_after<'a>(text: &'a str, end: &str) -> (&'a str, &'a str) {
    text.find(end).map_or((text, ""), |at| text.split_at(at + end.len()))
}

fn silent(tag: &str) -> Option<&'static str> {
    let name = tag[1..].split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    SILENT.into_iter().find(|silent| name.eq_ignore_ascii_case(silent))
}

fn skip_element<'a>(text: &'a str, name: &str) -> &'a str {
    let lower = text.to_ascii_lowercase();
    lower.find(&format!("</{name}")).map_or("", |at| split_after(&text[at..], ">").1)
}

fn entities(text: &str) -> String {
    // `&amp;` last, so that `&amp;lt;` is the text `&lt;`.
    [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (entity, meant)| text.replace(entity, meant))
}

fn fold_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
