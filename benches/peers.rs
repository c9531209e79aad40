//! Ours compared with what a person would use instead, on one machine in one run, as Markdown tables.
//!
//! The peers are long-running Python programs that take commands, so that all variants run in turn in
//! every round and other load disturbs them equally. The argument `parse`, `sources`, `store` (or
//! `store-postgres`, `store-sqlite`), `end-to-end`, `pages` or `dagster` runs only that part. Nothing
//! here is a test: it only measures.

#![expect(clippy::print_stdout, reason = "the tables are the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a bench that cannot go on must fail loudly, and so must the terminal that it uses"
)]

#[path = "../tests/pty/support/allowed.rs"]
#[expect(unused, reason = "it carries its own tests")]
mod allowed;
#[path = "../tests/suite/support/cluster.rs"]
mod cluster;
#[path = "peers/dagster.rs"]
mod dagster;
#[path = "peers/end_to_end.rs"]
mod end_to_end;
#[path = "support/ended.rs"]
mod ended;
#[path = "support/gauge.rs"]
#[expect(dead_code, reason = "one process is not all that is measured here")]
mod gauge;
#[path = "support/idiom.rs"]
mod idiom;
#[path = "../tests/pty/support/keys.rs"]
mod keys;
#[path = "support/limits.rs"]
mod limits;
#[path = "../tests/pty/support/modes.rs"]
#[expect(unused, reason = "it carries its own tests")]
mod modes;
#[path = "support/month.rs"]
mod month;
#[path = "peers/pages.rs"]
mod pages;
#[path = "peers/parse.rs"]
mod parse;
#[path = "support/percentile.rs"]
mod percentile;
#[path = "../tests/suite/support/program.rs"]
#[expect(dead_code, reason = "only the desk is needed here")]
mod program;
#[path = "peers/python.rs"]
mod python;
#[path = "../tests/pty/support/record.rs"]
mod record;
#[path = "peers/sources.rs"]
mod sources;
#[path = "peers/store.rs"]
mod store;
#[path = "peers/table.rs"]
mod table;
#[path = "../tests/pty/support/terminal.rs"]
#[expect(dead_code, reason = "tests need more of it")]
mod terminal;
#[path = "../tests/pty/support/tokens.rs"]
#[expect(unused, reason = "it carries its own tests")]
mod tokens;
#[path = "peers/tree.rs"]
mod tree;
#[path = "support/work.rs"]
mod work;
#[path = "peers/worker.rs"]
mod worker;

use std::time::Instant;

use tokio::runtime::Runtime;

const PARTS: [&str; 7] = [
    "parse",
    "sources",
    "store-postgres",
    "store-sqlite",
    "end-to-end",
    "pages",
    "dagster",
];

fn main() {
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    let runtime = Runtime::new().unwrap();
    if let Some(("worker", order)) = named
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        println!("{}", runtime.block_on(worker::work(order)));
        return;
    }
    if let Some(unknown) = named
        .iter()
        .find(|name| !PARTS.iter().any(|part| is_part(part, name)))
    {
        println!("unknown part {unknown}; use {}", PARTS.join(", "));
        return;
    }
    if let Err(missing) = python::program("python") {
        println!("{missing}");
        return;
    }
    for part in PARTS {
        if !named.is_empty() && !named.iter().any(|name| is_part(part, name)) {
            continue;
        }
        let start = Instant::now();
        match part {
            "parse" => parse::run(),
            "sources" => sources::run(),
            "store-postgres" => runtime.block_on(store::postgres()),
            "store-sqlite" => runtime.block_on(store::sqlite()),
            "end-to-end" => runtime.block_on(end_to_end::run()),
            "pages" => runtime.block_on(pages::run()),
            _ => dagster::run(&runtime),
        }
        println!("\n({part}: {:.0} s)", start.elapsed().as_secs_f64());
    }
}

/// Whether a part has this name, or one that begins with it: `store` is both of its parts.
fn is_part(part: &str, name: &str) -> bool {
    part.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
