//! How somebody is found by a word about them that is sealed: by keyed digests of the words, under
//! a key of its own. Who has that key finds whom they can name, and reads nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::text::Note;
use ring::hmac;
use service::config::{Secret, Wrong};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::digest::{KEY_BYTES, digest};
use crate::email::Email;
use crate::phone::Phone;

/// Words of a name that are looked at.
const WORDS_MAX: usize = 8;

/// The ring of keys by which words are found.
pub struct WordIndex {
    /// Of the first, words are written; by each, they are found.
    keys: Vec<([u8; KEY_BYTES], hmac::Key)>,
}

/// A word about somebody.
#[derive(Clone, PartialEq, Eq)]
pub struct Word {
    kind: &'static [u8],
    text: String,
    /// As programs before this one may have written it.
    before: Vec<String>,
}

impl Word {
    /// An e-mail address, whole.
    pub fn email(email: &Email) -> Self {
        let before = email.foldings().split_off(1);
        Self { kind: b"e-mail\0", text: email.folded(), before }
    }

    /// A phone number, by its end: how it begins depends on from where it is called.
    pub fn phone(phone: &Phone) -> Self {
        Self::new(b"phone\0", phone.ending())
    }

    /// What was written about a stream, whole.
    pub(crate) fn note(stream: &str, note: &Note) -> Self {
        Self::new(b"note\0", format!("{stream}\0{}", note.as_str()))
    }

    /// The same, of what is for the shop alone.
    pub(crate) fn shop_note(stream: &str, note: &Note) -> Self {
        Self::new(b"shop note\0", format!("{stream}\0{}", note.as_str()))
    }

    /// One that says nothing: under what it is written tells which key words are written by.
    pub(crate) fn check() -> Self {
        Self::new(b"check\0", String::new())
    }

    /// The words of a name, without regard to capitals and marks.
    pub fn name(name: &str) -> Vec<Self> {
        let folded: String = name.nfkd().filter(|letter| !is_combining_mark(*letter)).collect();
        let folded = folded.to_lowercase();
        let words = folded.split(|letter: char| !letter.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty()).take(WORDS_MAX);
        words.map(|word| Self::new(b"name\0", word.to_owned())).collect()
    }

    fn new(kind: &'static [u8], text: String) -> Self {
        Self { kind, text, before: Vec::new() }
    }
}

impl WordIndex {
    pub(crate) fn new(keys: Vec<[u8; KEY_BYTES]>) -> Self {
        let key = |bytes: [u8; KEY_BYTES]| (bytes, hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        Self { keys: keys.into_iter().map(key).collect() }
    }

    /// Out of what a process was told that finds and does not read: as [`Self::told`] has it.
    ///
    /// # Errors
    /// It is something else. What it is is not said.
    pub fn read(text: &Secret) -> Result<Self, Wrong> {
        let wrong = || Wrong::new("INDEX_KEY", "is not what `command-api index-key` prints");
        let read = |one: &str| {
            let bytes = STANDARD.decode(one.trim()).map_err(|_| wrong())?;
            bytes.try_into().map_err(|_| wrong())
        };
        Ok(Self::new(text.expose().split(',').map(read).collect::<Result<_, _>>()?))
    }

    /// As such a process is told it.
    pub fn told(&self) -> String {
        let keys = self.keys.iter().map(|(bytes, _)| STANDARD.encode(bytes));
        keys.collect::<Vec<_>>().join(",")
    }

    /// Under what a word is written.
    pub fn written(&self, word: &Word) -> Vec<u8> {
        // A ring is never empty.
        digest(&self.keys[0].1, word.kind, word.text.as_bytes()).to_vec()
    }

    /// Under what a word may stand.
    pub fn found(&self, word: &Word) -> Vec<Vec<u8>> {
        let texts = || std::iter::once(&word.text).chain(&word.before);
        let each = self.keys.iter().flat_map(|(_, key)| texts().map(move |text| (key, text)));
        each.map(|(key, text)| digest(key, word.kind, text.as_bytes()).to_vec()).collect()
    }
}

impl std::fmt::Debug for WordIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WordIndex(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Master;

    #[test]
    fn a_name_is_found_however_it_is_written() {
        let words = |name: &str| -> Vec<String> {
            Word::name(name).into_iter().map(|word| word.text).collect()
        };
        assert_eq!(words("  Jörg   MÜLLER-Łuk "), ["jorg", "muller", "łuk"]);
        assert_eq!(words("O'Neil"), ["o", "neil"]);
        assert_eq!(words("李 小龍"), ["李", "小龍"]);
        assert_eq!(words("-"), [""; 0]);
    }

    #[test]
    fn who_finds_has_a_key_of_their_own() {
        let master = Master::read(&Secret::from(Master::generate().as_str())).unwrap();
        let told = master.index().told();
        let finder = WordIndex::read(&Secret::from(told.as_str())).unwrap();
        let word = &Word::name("Ann")[0];
        assert_eq!(finder.found(word), [master.index().written(word)]);
        let email = Word::email(&Email::try_from("ann@shop.example".to_owned()).unwrap());
        assert_ne!(finder.written(&email), finder.written(word));
        assert!(Master::read(&Secret::from(told.as_str())).unwrap().index().told() != told);
        for text in ["", "hunter2", "aHVudGVyMg=="] {
            assert!(WordIndex::read(&Secret::from(text)).is_err());
        }
        assert!(!format!("{finder:?}").contains(char::is_numeric));
    }
}
