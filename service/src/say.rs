//! Telling whoever gave a command line what it came to, on standard output.

use std::fmt::Display;
use std::io::Write as _;

/// Says a line. Whoever reads may have heard enough, as `head` does: that is no reason to leave
/// work half done, or to say that it failed.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
