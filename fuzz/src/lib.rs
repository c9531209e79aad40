//! libFuzzer's targets: those of the program's own tests, which say what each one promises.

#[path = "../../tests/faults"]
mod faults {
    pub mod cron;
    pub mod targets;
}

/// Checks one input with the target of this name.
pub fn judge(name: &str, data: &[u8]) {
    let target = faults::targets::ALL.iter().find(|(known, _)| *known == name);
    target.expect("a target of the table").1(data);
}
