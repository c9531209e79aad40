//! What a process uses, as the system counts it: processor time, wake-ups, memory.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

/// Threads that end take their counters with them: they are read this often.
const OFTEN: Duration = Duration::from_millis(500);

/// What a process used each second.
#[derive(Debug)]
pub(crate) struct Rate {
    pub(crate) cpu_ms: f64,
    /// How often one of its threads was woken, after it had given up its processor.
    pub(crate) wakes: f64,
}

/// Watches a process for this long.
pub(crate) fn rate(process: i32, window: Duration) -> Rate {
    let start = Instant::now();
    let first = threads(process);
    let mut last = first.clone();
    while start.elapsed() < window {
        pause(OFTEN.min(window));
        last.extend(threads(process));
    }
    let seconds = start.elapsed().as_secs_f64();
    let mut sum = [0.0; 2];
    for (thread, after) in last {
        let before = first.get(&thread).copied().unwrap_or_default();
        for ((sum, after), before) in sum.iter_mut().zip(after).zip(before) {
            *sum += after - before;
        }
    }
    let [cpu_ms, wakes] = sum.map(|sum| sum / seconds);
    Rate { cpu_ms, wakes }
}

/// Lets time pass.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured lasts so long, or a person waits so long between two keys"
)]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Milliseconds on a processor and voluntary switches, by thread.
fn threads(process: i32) -> HashMap<String, [f64; 2]> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else {
        return HashMap::new();
    };
    tasks
        .flatten()
        .filter_map(|task| {
            let read = |name: &str| fs::read_to_string(task.path().join(name)).ok();
            let scheduled = read("schedstat")?;
            let cpu: f64 = scheduled.split_whitespace().next()?.parse().ok()?;
            let switches = field(&read("status")?, "voluntary_ctxt_switches")?;
            Some((
                task.file_name().to_string_lossy().into_owned(),
                [cpu / 1e6, switches],
            ))
        })
        .collect()
}

/// Resident memory in MiB: all of it (RSS), and with shared pages divided (PSS).
pub(crate) fn resident(process: i32) -> [f64; 2] {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    ["Rss", "Pss"].map(|name| field(&rollup, name).unwrap() / 1024.0)
}

/// The most that was resident at once, in MiB.
pub(crate) fn most_resident(process: i32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    field(&status, "VmHWM").unwrap() / 1024.0
}

/// Seconds for which the first thread of a process was ready and all processors were busy.
pub(crate) fn waited(process: i32) -> f64 {
    let scheduled = fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap();
    let nanoseconds: f64 = scheduled
        .split_whitespace()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap();
    nanoseconds / 1e9
}

fn field(text: &str, name: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
