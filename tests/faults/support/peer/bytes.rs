//! Answers as bytes: right ones, and the parts of wrong ones.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress, Status};

/// A status line, headers of choice (each ending a line), and the empty line.
pub fn head(status: u16, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Whatever\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

/// A whole answer.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer = head(status, &format!("Content-Length: {length}\r\n{headers}"));
    answer.extend_from_slice(body);
    answer
}

/// One chunk of a chunked body.
pub fn chunked(body: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", body.len()).into_bytes();
    chunk.extend_from_slice(body);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// Bars of 5 minutes as the provider sends them, so many, for the default request.
pub fn bars(symbol: &str, count: usize) -> Vec<u8> {
    let mut text = format!(
        "{{\"Meta Data\": {{\"1. Information\": \"Intraday (5min) open, high, low, close prices and volume\", \
         \"2. Symbol\": \"{symbol}\", \"3. Last Refreshed\": \"2026-11-20 15:55:00\", \"4. Interval\": \"5min\", \
         \"5. Output Size\": \"Compact\", \"6. Time Zone\": \"US/Eastern\"}}, \"Time Series (5min)\": {{"
    );
    for bar in 0..count {
        let (hour, minute) = (15 - bar / 12, 55 - bar % 12 * 5);
        let comma = if bar == 0 { "" } else { ", " };
        let _ = write!(
            text,
            "{comma}\"2026-11-20 {hour:02}:{minute:02}:00\": {{\"1. open\": \"10.0000\", \"2. high\": \"11.0000\", \
             \"3. low\": \"9.0000\", \"4. close\": \"10.5000\", \"5. volume\": \"{bar}00\"}}"
        );
    }
    text.push_str("}}");
    text.into_bytes()
}

pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// About a kilobyte of gzip for each mebibyte of zeros: one block, again and again.
pub fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(1 << 16);
    let mut deflate = Compress::new(Compression::best(), false);
    let zeros = vec![0; 1 << 20];
    let status = deflate
        .compress_vec(&zeros, &mut block, FlushCompress::Full)
        .unwrap();
    assert_eq!((status, deflate.total_in()), (Status::Ok, 1 << 20));
    // The head of a gzip stream without a name or a time; its end is never reached.
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for _ in 0..mebibytes {
        gzip.extend_from_slice(&block);
    }
    gzip
}
