//! What each fault does to an answer.

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::{Compress, Compression, Crc, FlushCompress};
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, LOCATION};

use super::super::dialect::{Refused, Twist};
use super::super::reply::{Delivery, Reply};

const MEGABYTE: u32 = 1 << 20;

/// How a fault changes what a request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Effect {
    /// Another answer replaces it; neither key nor limits are checked.
    Answer(Canned),
    /// The provider refuses in its own words.
    Refuse(Refused),
    /// A text comes where bars were expected.
    Notice(&'static str),
    /// The answer contains something wrong.
    Twist(Twist),
    /// The body ends early, complete as HTTP.
    Truncate(usize),
    /// The right answer arrives in a bad way.
    Deliver(Delivery),
}

/// An answer that depends on neither market nor dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Canned {
    Empty,
    Status(u16),
    Html,
    Forbidden,
    Redirect(String),
    Garbage,
    Bomb(u32),
}

/// A text that no provider is known to send.
pub(super) const UNKNOWN: &str =
    "Thank you for using Alpha Vantage! The stars are not right today.";
/// A text that would move the cursor, change colours and the direction of writing.
pub(super) const ESCAPE: &str = "\u{1b}[2J\u{1b}]0;gotcha\u{7}\u{1b}[31mThis request \u{202e}detcejer \
    saw\u{2066} for reasons\r\n\u{9b}1A unknown\u{200b}.";

impl Canned {
    /// The answer.
    pub(in super::super) fn reply(&self) -> Reply {
        let ok = StatusCode::OK;
        match self {
            Self::Empty => Reply::json("", "{}".to_owned()),
            Self::Status(code) => {
                Reply::page("", StatusCode::from_u16(*code).unwrap_or(ok), OUTAGE)
            }
            Self::Html => Reply::page("", ok, BUSY),
            Self::Forbidden => Reply::page("", StatusCode::FORBIDDEN, CHALLENGE),
            Self::Redirect(url) => Reply::page("", StatusCode::FOUND, "").with(LOCATION, url),
            Self::Garbage => Reply::new("", ok, "application/json", GARBAGE),
            Self::Bomb(megabytes) => {
                let mut reply = Reply::new("", ok, "application/json", bomb(*megabytes))
                    .with(CONTENT_ENCODING, "gzip");
                reply.size = u64::from(*megabytes) * u64::from(MEGABYTE);
                reply
            }
        }
    }
}

/// A gzip file that decodes to this many megabytes of spaces.
///
/// One megabyte is compressed once, flushed so that nothing refers back past its start, and repeated.
fn bomb(megabytes: u32) -> Bytes {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    const LAST_BLOCK: [u8; 2] = [3, 0];
    let spaces = vec![b' '; MEGABYTE as usize];
    let mut block = Vec::with_capacity(64 * 1024);
    let mut deflate = Compress::new(Compression::best(), false);
    if deflate
        .compress_vec(&spaces, &mut block, FlushCompress::Full)
        .is_err()
    {
        return Bytes::new();
    }
    let mut one = Crc::new();
    one.update(&spaces);
    let mut sum = Crc::new();
    let mut packed = BytesMut::from(&HEADER[..]);
    for _ in 0..megabytes {
        packed.put_slice(&block);
        sum.combine(&one);
    }
    packed.put_slice(&LAST_BLOCK);
    packed.put_u32_le(sum.sum());
    packed.put_u32_le(sum.amount());
    packed.freeze()
}

const OUTAGE: &str = r#"<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>Application Error</title>
</head>
<body>
<iframe src="//www.herokucdn.com/error-pages/application-error.html"></iframe>
</body>
</html>"#;

const BUSY: &str = "<!DOCTYPE html>
<html>
<head><title>Alpha Vantage</title></head>
<body><h1>We are experiencing high load</h1><p>Please try again in a moment.</p></body>
</html>";

const CHALLENGE: &str = r#"<!DOCTYPE html>
<html lang="en-US">
<head><title>Just a moment...</title><meta name="robots" content="noindex,nofollow"></head>
<body><noscript>Enable JavaScript and cookies to continue</noscript></body>
</html>"#;

/// Not JSON, not CSV, not a page, not even text.
const GARBAGE: &[u8] =
    b"\x00\xff\xfe\x9b31m\x1b[2J\xc3\x28\xf0\x28\x8c\xbc%PDF\x00\x01\x02\r\n\xe2\x80\xae\x7f\x80";

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_bomb_is_one_sound_gzip_member() {
        let packed = bomb(3);
        assert!(packed.len() < 16 * 1024, "{}", packed.len());
        let mut decoded = Vec::new();
        flate2::read::GzDecoder::new(&*packed)
            .read_to_end(&mut decoded)
            .unwrap();
        assert_eq!(decoded.len(), 3 * MEGABYTE as usize);
        assert!(decoded.iter().all(|byte| *byte == b' '));
    }
}
