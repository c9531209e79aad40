//! A program that is measured while it runs to its end.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde_json::Value;

use crate::{gauge, tree};

/// Runs a program to its end: seconds, CPU seconds, the most that was resident, and the document on
/// its stdout. Memory is looked at every few milliseconds, and only ever grows.
pub(crate) fn run_to_end(command: &mut Command) -> (f64, f64, f64, Value) {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let process = child.id().cast_signed();
    let stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || serde_json::from_reader(stdout).unwrap());
    let watcher = std::thread::spawn(move || {
        let mut most = 0.0_f64;
        loop {
            let now = tree::peak(process);
            if now == 0.0 {
                return most;
            }
            most = most.max(now);
            gauge::pause(Duration::from_millis(5));
        }
    });
    let pid = Pid::from_raw(process).unwrap();
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid), options).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let cpu = tree::cpu_of_one(process) / 1e3;
    assert!(child.wait().unwrap().success());
    (
        seconds,
        cpu,
        watcher.join().unwrap(),
        reader.join().unwrap(),
    )
}
