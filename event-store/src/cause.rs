//! An error with all that caused it, in one line: a log in JSON shows the first of them alone.

use std::error::Error;

/// The error and its causes, the outermost first.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some say what their cause says.
        let text = error.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        cause = error.source();
    }
    texts.join(": ")
}
