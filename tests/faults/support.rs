//! What the fault tests share: the program as a process, its database, its provider, and checks.

pub mod canary;
#[path = "../suite/support/cluster.rs"]
pub mod cluster;
pub mod engine;
pub mod gate;
#[path = "../suite/support/lane.rs"]
pub mod lane;
pub mod ledger;
pub mod market;
#[path = "../suite/support/mount.rs"]
#[expect(dead_code, reason = "here no file system is read-only")]
pub mod mount;
pub mod oracle;
pub mod peer;
pub mod process;
pub mod product;
#[path = "../suite/support/program.rs"]
pub mod program;
pub mod promise;
pub mod proxy;
pub mod rig;
pub mod server;
pub mod sources;
#[path = "../suite/support/wall.rs"]
pub mod wall;

pub use self::cluster::skipped;

/// How often something is tried: from a variable, or this often in every run of the tests.
pub fn rounds(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}"))
    })
}

/// Randomness that can be repeated: the seed is printed, and comes from a variable or is random.
pub fn chance(variable: &str) -> fastrand::Rng {
    let seed =
        std::env::var(variable).map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    cluster::notice(&format!("{variable}={seed}"));
    fastrand::Rng::with_seed(seed)
}

/// Whether this machine allows tracing a process.
pub fn may_trace() -> bool {
    let traced = std::process::Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .output();
    match traced {
        Ok(done) if done.status.success() => return true,
        // A machine may forbid tracing: then there is nothing to install.
        Ok(_) => cluster::notice(
            "skipped: strace may not trace here, so no system call can be made to fail",
        ),
        Err(_) => skipped("strace is missing; nothing fails the calls of the kernel"),
    }
    false
}

/// Runs the test of this path in a separate process: there it returns `true`, here the outcome is
/// asserted and the lines that hold `tell` are printed again.
pub fn in_a_process_of_its_own(path: &str, tell: &str) -> bool {
    in_a_process_with(&[], path, tell)
}

/// The same in a process that also has these variables.
pub fn in_a_process_with(variables: &[(&str, String)], path: &str, tell: &str) -> bool {
    const ALONE: &str = "FAULTS_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", path, "--nocapture"])
        .env(ALONE, "1")
        .envs(variables.iter().cloned())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    for line in said.lines().filter(|line| line.contains(tell)) {
        cluster::notice(line);
    }
    false
}
