//! What packagers ship: completions and the manual page.

use super::exit::{self, Failure};
use super::{args, output};

pub fn shell(shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "pipeline-tui", &mut script);
    output::data(&String::from_utf8_lossy(&script))?;
    Ok(exit::DONE)
}

pub fn man() -> Result<u8, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(args::command()).render(&mut page)?;
    output::data(&String::from_utf8_lossy(&page))?;
    Ok(exit::DONE)
}
