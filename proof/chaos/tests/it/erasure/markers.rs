//! Words that stand nowhere else, and whether they are found in something, however written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Words to look for, each with what it is.
#[derive(Clone, Default)]
pub struct Markers(Vec<(&'static str, String)>);

/// Letters that no other run of a test has, nor a word.
pub fn unmistakable(begin: &str) -> String {
    let letters: String = std::iter::repeat_with(fastrand::lowercase).take(10).collect();
    format!("{begin}{letters}")
}

/// As many digits, the first of them no zero.
pub fn digits(count: usize) -> String {
    let others: String = std::iter::repeat_with(|| fastrand::digit(10)).take(count - 1).collect();
    format!("7{others}")
}

impl Markers {
    /// Looks for this too.
    pub fn add(&mut self, what: &'static str, word: impl Into<String>) -> String {
        let word = word.into();
        assert!(word.len() >= 6 && word.is_ascii(), "{what} is found by chance: {word}");
        self.0.push((what, word.clone()));
        word
    }

    /// Both.
    pub fn and(&self, others: &Self) -> Self {
        Self(self.0.iter().chain(&others.0).cloned().collect())
    }

    /// All others.
    pub fn but(&self, what: &str) -> Self {
        Self(self.0.iter().filter(|(it, _)| *it != what).cloned().collect())
    }

    /// All spellings of all of it: those that are found in capitals and small letters, and those
    /// that are something else in others.
    pub fn spellings(&self) -> [Vec<String>; 2] {
        let words = || self.0.iter().map(|(_, word)| word);
        let insensitive = words().flat_map(|word| folded(word).into_iter().map(|(_, it)| it));
        [insensitive.collect(), words().flat_map(|word| in_base64(word)).collect()]
    }

    /// Which are found in a text, and how written.
    pub fn found(&self, text: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(text);
        let lower = text.to_lowercase();
        let all = self.0.iter().flat_map(|(what, word)| {
            let insensitive = folded(word).into_iter().map(|(how, it)| (how, lower.contains(&it)));
            let exact = in_base64(word).into_iter().map(|it| ("base64", text.contains(&it)));
            let hits: Vec<_> = insensitive.chain(exact).filter(|(_, hit)| *hit).collect();
            hits.into_iter().map(move |(how, _)| format!("{what} ({how})"))
        });
        all.collect()
    }

    /// Nothing of it is in any of these places.
    #[track_caller]
    pub fn must_not_be_in(&self, places: &[(String, Vec<u8>)]) {
        let found: Vec<_> = places
            .iter()
            .map(|(place, text)| (place, self.found(text)))
            .filter(|(_, found)| !found.is_empty())
            .collect();
        assert!(found.is_empty(), "they hold what nobody is to see: {found:#?}");
    }

    /// All of it is in there.
    #[track_caller]
    pub fn must_be_in(&self, place: &str, text: &str) {
        for (what, word) in &self.0 {
            assert!(text.contains(word.as_str()), "{place} lacks {what}: {text}");
        }
    }
}

/// As it is, as a URL has it, in UTF-16 of both orders, and in hexadecimal; in small letters.
fn folded(word: &str) -> Vec<(&'static str, String)> {
    let lower = word.to_lowercase();
    let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| {
        String::from_utf8(text.encode_utf16().flat_map(bytes).collect()).unwrap()
    };
    let mut all = vec![
        ("plain", lower.clone()),
        ("in a URL", url_encoded(&lower)),
        ("UTF-16, little end first", wide(&lower, u16::to_le_bytes)),
        ("UTF-16, big end first", wide(&lower, u16::to_be_bytes)),
    ];
    let hex =
        |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    for spelling in [word, &lower] {
        all.push(("hexadecimal", hex(spelling)));
        all.push(("UTF-16, in hexadecimal", hex(&wide(spelling, u16::to_le_bytes))));
    }
    all
}

fn url_encoded(word: &str) -> String {
    let one = |c: char| match c {
        ' ' => "%20".to_owned(),
        '@' => "%40".to_owned(),
        '+' => "%2b".to_owned(),
        c => c.to_string(),
    };
    word.chars().map(one).collect()
}

/// In base64, wherever it begins in what was written so: what stands for it whole, in the usual
/// alphabet and in that of URLs.
fn in_base64(word: &str) -> Vec<String> {
    let lower = word.to_lowercase();
    let spellings = [word, &lower].into_iter().flat_map(|word| {
        (0..3).map(move |before| {
            let bytes = [&vec![0; before], word.as_bytes()].concat();
            let whole = STANDARD.encode(&bytes);
            let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
            whole[from..to].to_owned()
        })
    });
    spellings.flat_map(|it| [it.replace('+', "-").replace('/', "_"), it]).collect()
}

#[test]
fn a_word_is_found_however_it_is_written() {
    let mut markers = Markers::default();
    let word = markers.add("word", "Zibbertatz Quorv");
    let hits = |text: &[u8]| !markers.found(text).is_empty();
    for before in 0..4 {
        let longer = format!("{}{word} and more", "x".repeat(before));
        assert!(hits(STANDARD.encode(&longer).as_bytes()), "{longer}");
    }
    let hex = word.bytes().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat();
    let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for text in [format!("a{hex}b").as_bytes(), &wide, b"?q=zibbertatz%20quorv", word.as_bytes()] {
        assert!(hits(text));
    }
    assert!(!hits(b"Zibbertatz and Quorv"));
}
