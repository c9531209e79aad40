//! Text that attacks a terminal, a log or a spreadsheet, from every source that is not ours (F67, T14).
//!
//! The corpus is built from the parts of such attacks. What is drawn on a terminal is in `tests/pty`.

mod corpus;
mod outside;

use bytes::Bytes;
use pipeline_tui::config::{self, Inputs, Secret};
use pipeline_tui::model::{Answer, Interval, Request, SeriesKey};
use pipeline_tui::pipeline::source::{Source, SymbolReading, SymbolSource as _, SymbolWish, Wish};
use pipeline_tui::pipeline::sources::{self, alpha_vantage::AlphaVantage};
use pipeline_tui::time::Clock;
use serde_json::json;

use self::corpus::{assert_harmless, strings};
use crate::support::{in_a_process_of_its_own, rounds};

/// How many strings each source is given.
fn count() -> usize {
    rounds("HOSTILE", 1_000)
}

fn source() -> AlphaVantage {
    let nowhere = "http://127.0.0.1:9/query".parse().unwrap();
    AlphaVantage::new(nowhere, Secret::public("any"), false, Clock::system()).unwrap()
}

fn ask(source: &AlphaVantage) -> Request {
    let series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
    source.plan(&[Wish::newest(series)]).requests.remove(0)
}

fn answer(body: impl Into<Bytes>) -> Answer {
    Answer {
        status: 200,
        content_type: None,
        body: body.into(),
        received_at: Clock::system().now(),
        elapsed_ms: 1,
        stated: None,
    }
}

/// A daily answer with the text in one of its fields.
fn document(place: &str, text: &str) -> String {
    let at = |name: &str, usual: &'static str| if place == name { text } else { usual };
    let mut row = serde_json::Map::new();
    for (field, name) in ["open", "high", "low", "close"].iter().zip(1..) {
        row.insert(format!("{name}. {field}"), at(field, "1.0").into());
    }
    row.insert("5. volume".into(), at("volume", "1").into());
    row.insert(at("field", "6. extra").into(), "1".into());
    json!({
        at("root", "Meta Data"): {
            "1. Information": at("information", "Daily Prices (open, high, low, close) and Volumes"),
            "2. Symbol": at("symbol", "IBM"),
            "3. Last Refreshed": at("refreshed", "2024-02-21"),
            "4. Output Size": "Compact",
            "5. Time Zone": at("zone", "US/Eastern")
        },
        at("series", "Time Series (Daily)"): { at("label", "2024-02-20"): row }
    })
    .to_string()
}

#[test]
fn an_answer_is_read_without_letting_a_control_character_in() {
    let source = source();
    let ask = ask(&source);
    let mut told = 0;
    for text in strings(1, count()) {
        for name in ["Information", "Error Message", "Note", "message", "detail"] {
            let refused = Source::read(&source, &ask, &answer(json!({ name: text }).to_string()));
            assert_harmless(name, &refused.unwrap_err().text);
        }
        for place in [
            "open",
            "close",
            "volume",
            "field",
            "label",
            "symbol",
            "zone",
            "series",
            "root",
            "information",
            "refreshed",
        ] {
            match Source::read(&source, &ask, &answer(document(place, &text))) {
                Ok(page) => {
                    for row in page.parts.iter().flat_map(|(_, reading)| &reading.rejected) {
                        for part in [&row.label, &row.content, &row.reason] {
                            assert_harmless(place, part);
                        }
                        told += 1;
                    }
                }
                Err(refusal) => {
                    assert_harmless(place, &refusal.text);
                    told += 1;
                }
            }
        }
    }
    assert!(told > count(), "{told} texts were reported");
}

#[test]
fn what_is_no_json_and_what_lists_symbols_is_harmless_too() {
    let source = source();
    let ask = ask(&source);
    let [list, search] = [SymbolWish::List, SymbolWish::Search("x".into())]
        .map(|wish| source.ask_symbols(&wish).unwrap());
    let mut listed = 0;
    let mut read = |question, body: String| match source.read_symbols(question, &answer(body)) {
        Err(refusal) => assert_harmless("symbols", &refusal.text),
        Ok(SymbolReading::Listed(found) | SymbolReading::Found(found)) => {
            for listing in found {
                for part in [&listing.name, &listing.exchange, &listing.kind] {
                    assert_harmless("a listing", part);
                }
                listed += 1;
            }
        }
    };
    for text in strings(2, count()) {
        if let Err(refusal) = Source::read(&source, &ask, &answer(text.clone())) {
            assert_harmless("a body", &refusal.text);
        }
        let quoted = text.replace('"', "\"\"");
        let head = "symbol,name,exchange,assetType,ipoDate,delistingDate,status";
        let row = format!("IBM,\"{quoted}\",\"{quoted}\",\"{quoted}\",1962-01-02,null,Active");
        read(&list, format!("{head}\n{row}\n"));
        let found = json!({ "bestMatches": [{
            "1. symbol": "IBM", "2. name": text, "3. type": text, "4. region": text,
            "5. marketOpen": "09:30", "6. marketClose": "16:00", "7. timezone": text,
            "8. currency": text, "9. matchScore": "1.0000"
        }] });
        read(&search, found.to_string());
    }
    assert!(listed > count(), "{listed} listings");
}

/// Every variable and every line of both files; each complaint is one line.
#[test]
fn settings_that_are_wrong_are_quoted_without_harm() {
    const NAMES: [&str; 13] = [
        "ALPHA_VANTAGE_API_KEY",
        "ALPHA_VANTAGE_API_KEY_FILE",
        "ALPHA_VANTAGE_BASE_URL",
        "ALPHA_VANTAGE_ALLOW_HTTP",
        "ALPHA_VANTAGE_PLAN",
        "DATABASE_URL",
        "POSTGRES_HOST",
        "POSTGRES_PORT",
        "POSTGRES_SSLMODE",
        "PIPELINE_SYMBOLS",
        "PIPELINE_INTERVAL",
        "PIPELINE_CONFIG",
        "PIPELINE_DATA_DIR",
    ];
    // Some of the texts become secrets, which the whole process masks from then on.
    if !in_a_process_of_its_own(
        "hostile::settings_that_are_wrong_are_quoted_without_harm",
        "HOSTILE",
    ) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut told = 0;
    let mut check = |place: &str, inputs: &Inputs| {
        for problem in config::check(inputs) {
            assert_harmless(place, &problem.to_string());
            told += 1;
        }
        for row in config::load(inputs)
            .into_iter()
            .flat_map(|settings| settings.report)
        {
            assert_harmless(place, &format!("{} {}", row.value, row.source));
        }
    };
    for (number, text) in strings(3, count()).enumerate() {
        let mut inputs = Inputs::isolated(folder.path(), sources::SETTINGS);
        let name = NAMES[number % NAMES.len()];
        inputs.environment.insert(name.to_owned(), text.clone());
        inputs
            .environment
            .insert(format!("PIPELINE_{text}"), text.clone());
        check(name, &inputs);
        // The files are read from disk: one string in ten is enough.
        if number % 10 == 0 {
            let mut inputs = Inputs::isolated(folder.path(), sources::SETTINGS);
            std::fs::create_dir_all(&inputs.folders.config).unwrap();
            let lines = format!("{text}\nPOSTGRES_PORT={text}\nPIPELINE_INTERVAL='{text}'\n");
            std::fs::write(folder.path().join(".env"), lines).unwrap();
            let quoted = toml_edit::Value::from(text.as_str());
            let lines = format!(
                "interval = {quoted}\n[sources.alpha_vantage]\nplan = {quoted}\n{text} = 1\n"
            );
            std::fs::write(inputs.folders.config.join("config.toml"), lines).unwrap();
            inputs.flags.database_url = Some(text);
            check("a file", &inputs);
            std::fs::remove_file(folder.path().join(".env")).unwrap();
            std::fs::remove_file(inputs.folders.config.join("config.toml")).unwrap();
        }
    }
    assert!(told > count(), "{told} problems were reported");
}
