//! Reading one month of 1min bars: ours, the idiom of Rust, Python and pandas.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use pipeline_tui::pipeline::sources::alpha_vantage::read;
use serde_json::json;

use crate::idiom::idiom;
use crate::month::{self, BARS, answer, ask};
use crate::python::Peer;
use crate::table::{cell, head, median, number, row};
use crate::work::own_cpu;

const ROUNDS: usize = 11;

struct Variant<'a> {
    name: &'static str,
    run: Box<dyn FnMut() -> [f64; 2] + 'a>,
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

fn variant<'a>(name: &'static str, run: impl FnMut() -> [f64; 2] + 'a) -> Variant<'a> {
    Variant {
        name,
        run: Box::new(run),
        wall: vec![],
        cpu: vec![],
    }
}

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let (document, table) = (month::json(), csv());
    std::fs::write(folder.path().join("month.json"), &document).unwrap();
    std::fs::write(folder.path().join("month.csv"), &table).unwrap();
    let peer = std::cell::RefCell::new(Peer::start("parse.py"));
    peer.borrow_mut()
        .order(json!({"task": "load", "folder": folder.path()}));
    let (indented, tabular) = (answer(document.clone()), answer(table));
    let (ask_json, ask_csv) = (ask("json"), ask("csv"));
    let python = |task: &str| {
        let took = peer.borrow_mut().order(json!({ "task": task }));
        assert_eq!(took.value, BARS);
        [took.wall, took.cpu]
    };
    let mut variants = [
        variant("Python: json, strptime, Decimal", || python("idiom")),
        variant("pandas: json, from_dict, to_datetime; floats", || {
            python("frame")
        }),
        variant("`serde_json::Value`, `parse_from_str`, `Decimal`", || {
            timed(|| idiom(&document).len())
        }),
        variant("**ours, JSON**", || {
            timed(|| read(&ask_json, &indented).unwrap().bars.len())
        }),
        variant("pandas: read_csv; floats", || python("csv")),
        variant("**ours, CSV**", || {
            timed(|| read(&ask_csv, &tabular).unwrap().bars.len())
        }),
    ];
    for _ in 0..ROUNDS {
        for variant in &mut variants {
            let [wall, cpu] = (variant.run)();
            variant.wall.push(wall);
            variant.cpu.push(cpu);
        }
    }
    let reference = variants
        .first()
        .map_or(f64::NAN, |python| median(&python.cpu));
    println!("\n### Reading a month: 19,000 1min bars, medians of {ROUNDS} rounds");
    head(&["", "wall ms", "CPU ms", "million bars/s", "× Python, CPU"]);
    for variant in &variants {
        let cpu = median(&variant.cpu);
        let cells = [
            median(&variant.wall),
            cpu,
            number(BARS) / cpu / 1e3,
            reference / cpu,
        ];
        row(variant.name, &cells.map(cell));
    }
}

/// Wall and CPU milliseconds of this process.
fn timed(work: impl Fn() -> usize) -> [f64; 2] {
    let (wall, cpu) = (Instant::now(), own_cpu());
    assert_eq!(black_box(work()), BARS);
    [wall.elapsed().as_secs_f64() * 1e3, own_cpu() - cpu]
}

fn csv() -> String {
    let mut text = String::from("timestamp,open,high,low,close,volume\r\n");
    for (label, values) in month::rows() {
        let _ = write!(text, "{label},{}\r\n", values.join(","));
    }
    text
}
