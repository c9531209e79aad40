//! What a running process shows of its secrets to others, and what a dead one leaves behind.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use pipeline_tui::simulate::Plan;

use super::{Sinks, prepared, talkative};
use crate::support::cluster;
use crate::support::program::{provider, seen, signal};

/// A program without a limit on core dumps.
const UNBOUND: &str = r#"ulimit -c unlimited 2>/dev/null; exec "$0" "$@""#;

fn unbound(command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", UNBOUND])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(command.get_current_dir().unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    shell
}

fn crashed(mut process: Child) -> ExitStatus {
    // Not SEGV: the runtime handles the first of those itself.
    signal("ABRT", &process);
    process.wait().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_crashes_leaves_no_core_and_shows_no_secret_while_it_lives() {
    let server = provider(Plan::Unlimited, &["stall"]).await;
    let desk = prepared(&server);
    let ordinary = unbound(Command::new("sleep").arg("600").current_dir(desk.folder()))
        .spawn()
        .unwrap();
    wait_for_exec(&ordinary, "sleep");
    if !crashed(ordinary).core_dumped() {
        cluster::notice("this machine writes no core dumps: their test proves little here");
    }
    let before = names(desk.folder());

    let process = unbound(&desk.command(&["fetch", "--symbols", "IBM"]))
        .spawn()
        .unwrap();
    seen(&server, 1).await;
    let proc = Path::new("/proc").join(process.id().to_string());
    let mut sinks = Sinks::default();
    sinks.look(
        "its command line",
        &std::fs::read(proc.join("cmdline")).unwrap(),
    );
    let limits = std::fs::read_to_string(proc.join("limits")).unwrap();
    let cores = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let cores: Vec<&str> = cores.unwrap().split_whitespace().collect();
    assert_eq!(cores[4..6], ["0", "0"], "{cores:?}");
    for task in std::fs::read_dir(proc.join("task")).unwrap().flatten() {
        // A task may end while it is being read.
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        assert_eq!(children, "", "no process is given its environment");
    }
    let status = crashed(process);
    assert!(
        status.signal().is_some() && !status.core_dumped(),
        "{status:?}"
    );
    let after = names(desk.folder());
    assert!(
        after
            .iter()
            .all(|name| before.contains(name) || name == "data"),
        "{after:?}"
    );
    // What SQLite had not yet moved into the file is in files beside it.
    sinks.files(&desk);
    assert!(sinks.0.contains("pipeline.db-wal"), "{:?}", sinks.0);
}

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// A user's other processes may not read this one's memory and environment: in `/proc`, a process that
/// cannot be dumped belongs to root.
#[tokio::test(flavor = "multi_thread")]
async fn another_process_of_the_user_may_not_look_into_it() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    let server = provider(Plan::Unlimited, &["stall"]).await;
    let desk = talkative(&server);
    // Root's processes belong to root anyway: then it runs as nobody, from a place where nobody may run it.
    let program = desk.folder().join("program");
    // Copied by another process: what this one writes cannot be executed while a child of another test
    // still holds it open.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_pipeline-tui"))
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let is_root = rustix::process::geteuid().is_root();
    let start = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.spawn().unwrap()
    };
    if is_root {
        for path in [desk.folder(), &program] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let mut ordinary = start(Command::new("sleep").arg("600"));
    wait_for_exec(&ordinary, "sleep");
    let mut process = start(&mut desk.command_of(&program, &["fetch", "--symbols", "IBM"]));
    seen(&server, 1).await;
    let owner = |process: &Child| {
        let environment = format!("/proc/{}/environ", process.id());
        std::fs::metadata(environment).unwrap().uid()
    };
    assert_ne!(
        owner(&ordinary),
        0,
        "any other process shows its environment to its user"
    );
    assert_eq!(owner(&process), 0);
    for process in [&mut ordinary, &mut process] {
        signal("KILL", process);
        process.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_writes_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = provider(Plan::Unlimited, &[]).await;
    let desk = talkative(&server);
    let mut journal = desk
        .command(&[
            "simulate",
            "--listen",
            "127.0.0.1:0",
            "--journal",
            "journal.jsonl",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut opening = std::io::BufReader::new(journal.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut opening, &mut line).unwrap();
    signal("TERM", &journal);
    journal.wait().unwrap();
    assert_eq!(desk.run(&["fetch", "--symbols", "IBM"]).code, 0);
    assert_eq!(desk.run(&["bars", "IBM", "--output", "bars.csv"]).code, 0);
    let mut seen = vec![];
    let mut folders = vec![desk.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            let expected = if entry.path().is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, expected, "{}: {mode:o}", entry.path().display());
            seen.push(entry.file_name().into_string().unwrap());
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    for name in ["journal.jsonl", "bars.csv", "data", "pipeline.db"] {
        assert!(seen.iter().any(|other| other == name), "{name}: {seen:?}");
    }
    let wide = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(desk.database(), wide).unwrap();
    let told = desk.run(&["doctor"]);
    assert!(
        told.code == 1 && told.stdout.contains("chmod 600"),
        "{told:?}"
    );
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

/// The shell has been replaced by the program.
fn wait_for_exec(process: &Child, name: &str) {
    let path = format!("/proc/{}/comm", process.id());
    while std::fs::read_to_string(&path).unwrap().trim() != name {
        std::thread::yield_now();
    }
}
