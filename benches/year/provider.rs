//! A stand-in for Alpaca that costs next to nothing: its pages are cut out of one text.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use url::Url;

use super::market::Year;

/// Bars of a page.
const PAGE: usize = 10_000;

/// The year as pages are cut from it.
struct Pages {
    minutes: Vec<DateTime<Utc>>,
    text: String,
    begins: Vec<usize>,
}

/// Answers until the process ends; returns its address.
pub(crate) fn start(year: &Year) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let pages = Arc::new(Pages {
        minutes: year.minutes.clone(),
        text: year.text.clone(),
        begins: year.begins.clone(),
    });
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let pages = Arc::clone(&pages);
            std::thread::spawn(move || pages.serve(&stream));
        }
    });
    format!("http://{address}")
}

impl Pages {
    /// Answers the requests of a connection.
    fn serve(&self, mut stream: &TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut lines = BufReader::new(stream).lines();
        loop {
            let request = lines.next()?.ok()?;
            while !lines.next()?.ok()?.is_empty() {}
            let target = request.split(' ').nth(1)?;
            let url = Url::parse("http://provider").ok()?.join(target).ok()?;
            let body = match url.path() {
                "/v2/stocks/bars" => self.page(&url),
                _ => r#"{"corporate_actions":{},"next_page_token":null}"#.to_owned(),
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).ok()?;
            stream.write_all(body.as_bytes()).ok()?;
        }
    }

    /// One page: symbol by symbol, each by time; the token counts the bars of earlier pages.
    fn page(&self, url: &Url) -> String {
        let value = |name: &str| {
            let found = url.query_pairs().find(|(known, _)| known == name);
            found.map(|(_, value)| value.into_owned())
        };
        let at = |name| value(name).unwrap().parse::<DateTime<Utc>>().unwrap();
        let (start, end) = (at("start"), at("end"));
        let first = self.minutes.partition_point(|minute| *minute < start);
        let last = self.minutes.partition_point(|minute| *minute <= end);
        let of_each = last - first;
        let symbols = value("symbols").unwrap();
        let symbols: Vec<&str> = symbols.split(',').collect();
        let before = value("page_token").map_or(0, |token| token.parse().unwrap());
        let all = symbols.len() * of_each;
        let end = all.min(before + PAGE);
        let (mut body, mut done) = (String::from("{\"bars\":{"), before);
        while done < end {
            let (symbol, offset) = (symbols[done / of_each], done % of_each);
            let taken = (of_each - offset).min(end - done);
            let comma = if done == before { "" } else { "," };
            let from = self.begins[first + offset] + ",".len();
            let rows = &self.text[from..self.begins[first + offset + taken]];
            let _ = write!(body, "{comma}\"{symbol}\":[{rows}]");
            done += taken;
        }
        let token = if end < all {
            format!("\"{end}\"")
        } else {
            "null".to_owned()
        };
        let _ = write!(body, "}},\"next_page_token\":{token}}}");
        body
    }
}
