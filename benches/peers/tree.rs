//! What a process and all its descendants use, as the system counts it.

use std::collections::HashMap;
use std::fs;

/// Clock ticks a second of `/proc/PID/stat`, fixed by Linux for all its users.
const TICKS: f64 = 100.0;

/// The process and its descendants that are alive.
pub(crate) fn of(root: i32) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let process = entry.file_name().to_string_lossy().parse::<i32>();
        if let Ok(process) = process
            && let Some(parent) = fields(process).and_then(|fields| fields.first()?.parse().ok())
        {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(process) = found.get(at).copied() {
        found.extend(children.remove(&process).unwrap_or_default());
        at += 1;
    }
    found
}

/// The fields of `/proc/PID/stat` that come after the state: the parent is the first.
fn fields(process: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.split(' ').skip(1).map(str::to_owned).collect())
}

/// CPU milliseconds so far, including descendants that have ended.
pub(crate) fn cpu(root: i32) -> f64 {
    of(root).into_iter().map(cpu_of_one).sum()
}

/// CPU milliseconds of a process and of those of its children that it has seen end. This works
/// until someone has waited for the process.
pub(crate) fn cpu_of_one(process: i32) -> f64 {
    let fields = fields(process).unwrap_or_default();
    let times = fields.get(10..14).unwrap_or_default();
    let ticks = times.iter().filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() * 1e3 / TICKS
}

/// Resident memory in MiB: all of it (RSS), and with shared pages divided (PSS).
pub(crate) fn resident(root: i32) -> [f64; 2] {
    let mut sum = [0.0; 2];
    for process in of(root) {
        let path = format!("/proc/{process}/smaps_rollup");
        let text = fs::read_to_string(path).unwrap_or_default();
        for (sum, name) in sum.iter_mut().zip(["Rss:", "Pss:"]) {
            *sum += field(&text, name) / 1024.0;
        }
    }
    sum
}

/// Bytes written to disk so far, including by descendants that have ended.
pub(crate) fn written(root: i32) -> f64 {
    let of_one = |process| {
        let text = fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
        field(&text, "write_bytes:") - field(&text, "cancelled_write_bytes:")
    };
    of(root).into_iter().map(of_one).sum()
}

/// The most that was resident at once so far, in MiB; 0 once the process has ended.
pub(crate) fn peak(process: i32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    field(&text, "VmHWM:") / 1024.0
}

fn field(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0)
}

/// The process that started another one.
pub(crate) fn parent(process: i32) -> i32 {
    let fields = fields(process).unwrap_or_default();
    fields
        .first()
        .and_then(|parent| parent.parse().ok())
        .unwrap()
}
