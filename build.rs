//! Rebuilds when a migration changes: `migrate!` reads the folder, which cargo does not watch by itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
