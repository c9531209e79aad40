//! Looks for a secret in what the program leaves behind, in every form in which a library might write it.
//!
//! It shares nothing with the program's redactor: what the redactor misses must be found here.

use std::fmt::Write as _;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How many characters of a secret in a row are too many.
const PIECE: usize = 8;

/// The provider's key. It is as awkward as a key may be: each way of writing it differs.
pub const KEY: &str = "kQ7Zv\"9x\\W4p+Lm%T8/r=J2&dé6Yc";
/// A password of a database, likewise.
pub const PASSWORD: &str = "hB3s wX8@nR:5t/K?q1#Vf\"6\\Mz%9é";

/// Both values of a key that travels in headers, which carry ASCII alone. Its id begins as its provider's do.
pub const KEY_ID: &str = "PKj5Xc\"2n\\B7s+Fw%Y4/t=D9&hU3q";
/// The other.
pub const KEY_SECRET: &str = "gN6R/vT1+zK8=a\"Lm\\4E%o&C0pJ5iWbQ";

/// All forms of one secret.
pub struct Searcher {
    forms: Vec<(&'static str, Vec<u8>)>,
    /// For each two bytes whether a form begins with them: most places in a text need no closer look.
    begins: Vec<bool>,
}

impl Searcher {
    fn new(forms: Vec<(&'static str, Vec<u8>)>) -> Self {
        let mut begins = vec![false; 1 << 16];
        for (_, form) in &forms {
            begins[pair(form[0], form[1])] = true;
        }
        Self { forms, begins }
    }

    /// The form in which the secret occurs in bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<&'static str> {
        let mut rest = bytes;
        while let [first, second, ..] = rest {
            if self.begins[pair(*first, *second)] {
                let mut forms = self.forms.iter();
                if let Some((name, _)) = forms.find(|(_, form)| rest.starts_with(form)) {
                    return Some(name);
                }
            }
            rest = &rest[1..];
        }
        None
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(u16::from_be_bytes([first, second]))
}

/// Every form of a secret that is looked for.
pub fn forms(secret: &str) -> Searcher {
    let bytes = secret.as_bytes();
    let mut forms = vec![
        ("raw", secret.to_owned()),
        ("percent-encoded", percent(bytes, "%20", false)),
        ("percent-encoded as a form", percent(bytes, "+", false)),
        ("percent-encoded in lower case", percent(bytes, "%20", true)),
        ("JSON-escaped", json(secret)),
        ("JSON-escaped in ASCII", ascii_json(secret)),
        ("Debug-escaped", secret.escape_debug().to_string()),
        (
            "Debug-escaped in ASCII",
            secret.escape_default().to_string(),
        ),
        ("reversed case", reversed_case(secret)),
        ("lower case", secret.to_lowercase()),
        ("upper case", secret.to_uppercase()),
        ("reversed", secret.chars().rev().collect()),
        ("hexadecimal", hex(bytes)),
        ("hexadecimal in upper case", hex(bytes).to_uppercase()),
    ];
    forms.extend(base64(bytes).map(|text| ("base64", text)));
    forms.extend(pieces(secret).map(|text| ("a piece", text)));
    let folded = secret.to_lowercase();
    forms.extend(pieces(&folded).map(|text| ("a piece in lower case", text)));
    // None of the above sees UTF-16 as text.
    let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let texts = forms
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()));
    Searcher::new(texts.chain([("UTF-16", wide)]).collect())
}

/// Asserts that a sink holds none of the secrets above, whole or in part, in any form.
#[track_caller]
pub fn assert_no_secret(sink: &str, bytes: &[u8]) {
    static SEARCHERS: OnceLock<[(&str, Searcher); 4]> = OnceLock::new();
    let searchers = SEARCHERS.get_or_init(|| {
        [
            ("the key", forms(KEY)),
            ("the password", forms(PASSWORD)),
            ("the id of a key", forms(KEY_ID)),
            ("the secret of a key", forms(KEY_SECRET)),
        ]
    });
    for (what, searcher) in searchers {
        if let Some(form) = searcher.find(bytes) {
            let text = String::from_utf8_lossy(bytes);
            let line = text
                .lines()
                .find(|line| searcher.find(line.as_bytes()).is_some());
            panic!(
                "{sink} holds {what}: {form}\n{}",
                line.unwrap_or("(no line of text)")
            );
        }
    }
}

fn pieces(secret: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = secret.chars().collect();
    let count = characters.len().saturating_sub(PIECE - 1);
    (0..count).map(move |at| characters[at..at + PIECE].iter().collect())
}

fn percent(bytes: &[u8], space: &str, is_lower: bool) -> String {
    let mut text = String::new();
    for &byte in bytes {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                write!(text, "{}", char::from(byte))
            }
            b' ' => write!(text, "{space}"),
            _ if is_lower => write!(text, "%{byte:02x}"),
            _ => write!(text, "%{byte:02X}"),
        };
    }
    text
}

fn json(secret: &str) -> String {
    let quoted = serde_json::to_string(secret).unwrap();
    quoted.trim_matches('"').to_owned()
}

fn ascii_json(secret: &str) -> String {
    let mut text = String::new();
    for unit in json(secret).encode_utf16() {
        let _ = match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => write!(text, "{}", char::from(byte)),
            _ => write!(text, "\\u{unit:04x}"),
        };
    }
    text
}

fn reversed_case(secret: &str) -> String {
    secret
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What base64 makes of the secret wherever it stands in a longer text, without the digits that it
/// shares with its neighbours.
fn base64(bytes: &[u8]) -> impl Iterator<Item = String> {
    (0..3).flat_map(move |before| {
        let padded = [&vec![0; before][..], bytes].concat();
        // Each digit is six bits: those of what stands before are left out, and the last, which
        // holds bits of what follows.
        let from = (before * 8).div_ceil(6);
        [
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
        ]
        .map(|text| text.get(from..padded.len() * 8 / 6).unwrap().to_owned())
    })
}

#[test]
fn a_secret_is_found_in_each_form_and_nothing_is_found_in_other_text() {
    let searcher = forms(KEY);
    let url: String = url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect();
    let packed = |text: String| STANDARD_NO_PAD.encode(text);
    for (form, text) in [
        ("raw", KEY.to_owned()),
        ("in a URL", url),
        ("in JSON", serde_json::json!({ "key": KEY }).to_string()),
        ("by Debug", format!("{:?}", Some(KEY))),
        ("in base64, first", packed(format!("{KEY}@host"))),
        ("in base64, second", packed(format!("a{KEY}@host"))),
        ("in base64, third", packed(format!("ab{KEY}@host"))),
        (
            "in base64 for URLs",
            URL_SAFE_NO_PAD.encode(format!("abcd{KEY}")),
        ),
        ("in hexadecimal", hex(KEY.as_bytes())),
        ("as a host", KEY.to_lowercase()),
        ("cut", KEY.chars().skip(5).take(PIECE).collect()),
    ] {
        assert!(
            searcher.find(format!("<{text}>").as_bytes()).is_some(),
            "{form}: {text}"
        );
    }
    let innocent = include_str!("../../../README.md");
    assert_eq!(searcher.find(innocent.as_bytes()), None);
    for secret in [PASSWORD, KEY_ID, KEY_SECRET] {
        assert_eq!(forms(secret).find(innocent.as_bytes()), None);
    }
}
