//! `config`: the effective settings.

use super::args::ConfigCommand;
use super::exit::{self, Failure};
use super::table::layout;
use super::{output, panel};
use crate::config::{self, Inputs};

pub fn run(command: ConfigCommand, inputs: &Inputs) -> Result<u8, Failure> {
    match command {
        ConfigCommand::Show => {
            let rows: Vec<Vec<String>> = config::load(inputs)?
                .report
                .into_iter()
                .map(|row| vec![row.name.into_owned(), row.value, row.source])
                .collect();
            output::print(&layout(&["SETTING", "VALUE", "SOURCE"], &rows))?;
            Ok(exit::DONE)
        }
        ConfigCommand::Check => {
            let mut problems: Vec<String> = config::check(inputs)
                .iter()
                .map(ToString::to_string)
                .collect();
            if problems.is_empty() {
                let settings = config::load(inputs)?;
                for warning in &settings.warnings {
                    output::print(&format!("warning: {warning}"))?;
                }
                problems = panel::problems(&settings);
            }
            for problem in &problems {
                output::complain(problem);
            }
            if !problems.is_empty() {
                return Ok(exit::USAGE);
            }
            output::print("the configuration is valid")?;
            Ok(exit::DONE)
        }
        ConfigCommand::Path => {
            output::data(&config::file_path(inputs).display().to_string())?;
            Ok(exit::DONE)
        }
    }
}
