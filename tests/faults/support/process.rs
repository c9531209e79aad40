//! The program as a process: started, read, and waited for.

use std::fs::OpenOptions;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use super::product::Product;

/// The longest that a process may take to end by itself; far more than it ever needs.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Starts the binary; its output is appended to a file.
pub fn start(product: &Product, base_url: &str, arguments: &[String]) -> Child {
    start_as(product, product.command(base_url), arguments)
}

/// The same, started through another program.
pub fn start_as(product: &Product, mut command: Command, arguments: &[String]) -> Child {
    let file = product.data().with_file_name("said");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .unwrap();
    command
        .args(arguments)
        .stdout(file.try_clone().unwrap())
        .stderr(file);
    command.spawn().unwrap()
}

pub fn said(product: &Product) -> String {
    std::fs::read_to_string(product.data().with_file_name("said")).unwrap()
}

/// Waits until a process has ended by itself.
pub async fn finish(child: &mut Child) -> ExitStatus {
    let ended = async {
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.unwrap_or_else(|_| {
        child.kill().unwrap();
        panic!("the process did not end within {} s", PATIENCE.as_secs())
    })
}
