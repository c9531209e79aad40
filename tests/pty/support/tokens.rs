//! Splits a terminal's stream into text and sequences, without knowing their meaning.

/// A piece of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A character.
    Text(char),
    /// A control character outside a sequence.
    Control(u8),
    /// `ESC`, then this.
    Escape(String),
    /// `ESC [`, parameters and intermediates, a last character.
    Csi(String, char),
    /// `ESC ]`, up to its end.
    Osc(String),
    /// `ESC P`, `X`, `^` or `_`, up to its end.
    Device(char, String),
    /// Bytes that are neither text nor a whole sequence.
    Broken(Vec<u8>),
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Ground,
    Escape(String),
    Csi(String),
    /// The kind, what came, and whether the last byte was an `ESC`.
    Text(u8, Vec<u8>, bool),
}

/// Splits a stream that comes in chunks.
#[derive(Debug, Default)]
pub struct Tokenizer {
    state: State,
    character: Vec<u8>,
}

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

impl Tokenizer {
    /// Calls back for each complete piece.
    pub fn feed(&mut self, bytes: &[u8], mut token: impl FnMut(Token)) {
        for &byte in bytes {
            self.byte(byte, &mut token);
        }
    }

    /// Whether the stream ended inside a character or a sequence.
    pub fn is_inside(&self) -> bool {
        !matches!(self.state, State::Ground) || !self.character.is_empty()
    }

    fn byte(&mut self, byte: u8, token: &mut impl FnMut(Token)) {
        match std::mem::take(&mut self.state) {
            State::Ground => self.ground(byte, token),
            State::Escape(mut text) => match byte {
                b'[' if text.is_empty() => self.state = State::Csi(text),
                b']' | b'P' | b'X' | b'^' | b'_' if text.is_empty() => {
                    self.state = State::Text(byte, vec![], false);
                }
                b' '..=b'/' => {
                    text.push(char::from(byte));
                    self.state = State::Escape(text);
                }
                b'0'..=b'~' => {
                    text.push(char::from(byte));
                    token(Token::Escape(text));
                }
                _ => {
                    token(Token::Broken([&[ESC], text.as_bytes()].concat()));
                    self.byte(byte, token);
                }
            },
            State::Csi(mut body) => match byte {
                b' '..=b'?' => {
                    body.push(char::from(byte));
                    self.state = State::Csi(body);
                }
                b'@'..=b'~' => token(Token::Csi(body, char::from(byte))),
                _ => {
                    token(Token::Broken([b"\x1b[", body.as_bytes()].concat()));
                    self.byte(byte, token);
                }
            },
            State::Text(kind, mut body, after_escape) => match byte {
                b'\\' if after_escape => {
                    body.pop();
                    token(text(kind, &body));
                }
                BEL if kind == b']' => token(text(kind, &body)),
                _ => {
                    body.push(byte);
                    self.state = State::Text(kind, body, byte == ESC);
                }
            },
        }
    }

    fn ground(&mut self, byte: u8, token: &mut impl FnMut(Token)) {
        if byte < b' ' || byte == 0x7f {
            if !self.character.is_empty() {
                token(Token::Broken(std::mem::take(&mut self.character)));
            }
            if byte == ESC {
                self.state = State::Escape(String::new());
            } else {
                token(Token::Control(byte));
            }
            return;
        }
        self.character.push(byte);
        match std::str::from_utf8(&self.character) {
            Ok(text) => {
                text.chars().map(Token::Text).for_each(token);
                self.character.clear();
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => token(Token::Broken(std::mem::take(&mut self.character))),
        }
    }
}

fn text(kind: u8, body: &[u8]) -> Token {
    let body = String::from_utf8_lossy(body).into_owned();
    match kind {
        b']' => Token::Osc(body),
        _ => Token::Device(char::from(kind), body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(stream: &[u8]) -> Vec<Token> {
        let (mut at_once, mut in_bytes) = (vec![], vec![]);
        Tokenizer::default().feed(stream, |token| at_once.push(token));
        let mut tokenizer = Tokenizer::default();
        for byte in stream {
            tokenizer.feed(&[*byte], |token| in_bytes.push(token));
        }
        assert_eq!(at_once, in_bytes, "chunks must not matter");
        at_once
    }

    #[test]
    fn every_kind_of_sequence_is_cut_where_it_ends() {
        let stream =
            "é\r\x1b[?1049h\x1b[2 q\x1b7\x1b(B\x1b]52;c;QQ==\x07\x1b]0;t\x1b\\\x1bPq\x1b\\";
        assert_eq!(
            cut(stream.as_bytes()),
            [
                Token::Text('é'),
                Token::Control(b'\r'),
                Token::Csi("?1049".into(), 'h'),
                Token::Csi("2 ".into(), 'q'),
                Token::Escape("7".into()),
                Token::Escape("(B".into()),
                Token::Osc("52;c;QQ==".into()),
                Token::Osc("0;t".into()),
                Token::Device('P', "q".into()),
            ]
        );
    }

    #[test]
    fn what_is_not_whole_is_told() {
        assert_eq!(
            cut(b"\x1b[1\x1b[m\xc3\n\xff"),
            [
                Token::Broken(b"\x1b[1".to_vec()),
                Token::Csi(String::new(), 'm'),
                Token::Broken(vec![0xc3]),
                Token::Control(b'\n'),
                Token::Broken(vec![0xff]),
            ]
        );
        let mut tokenizer = Tokenizer::default();
        tokenizer.feed(b"x", drop);
        assert!(!tokenizer.is_inside());
        tokenizer.feed(b"\x1b]52;c;", drop);
        assert!(tokenizer.is_inside());
    }
}
