//! What the developer sees: one line a step, in cargo's own form, and the results.
//!
//! The only place that prints. Steps go to stderr beside cargo's, results to stdout. A reader that
//! went away (`| head`) is no reason to stop half way.

use std::io::{self, IsTerminal as _, Write as _};

/// Width of the verb column, the same as cargo's.
const VERB_WIDTH: usize = 12;

/// One step: a verb and what it is done to.
pub fn step(verb: &str, what: &str) {
    say(&format!("{} {what}", styled(&format!("{verb:>VERB_WIDTH$}"), "1;32")));
}

/// What could not be done although the others go on.
pub fn failure(text: &str) {
    say(&format!("{} {text}", styled("error:", "1;31")));
}

/// What this program was asked for.
pub fn result(text: &str) {
    let _reader_gone = writeln!(io::stdout(), "{text}");
}

fn say(line: &str) {
    let _reader_gone = writeln!(io::stderr(), "{line}");
}

fn styled(text: &str, ansi: &str) -> String {
    if io::stderr().is_terminal() { format!("\x1b[{ansi}m{text}\x1b[0m") } else { text.to_owned() }
}
