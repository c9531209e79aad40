//! `config`: the effective settings.

use super::args::ConfigCommand;
use super::exit::{self, Failure};
use super::output;
use super::table::layout;
use crate::config::{self, Inputs};

pub fn run(command: ConfigCommand, inputs: &Inputs) -> Result<u8, Failure> {
    match command {
        ConfigCommand::Show => {
            let rows: Vec<Vec<String>> = config::load(inputs)?
                .report
                .into_iter()
                .map(|row| vec![row.name.to_owned(), row.value, row.source])
                .collect();
            output::print(&layout(&["SETTING", "VALUE", "SOURCE"], &rows))?;
            Ok(exit::DONE)
        }
        ConfigCommand::Check => {
            let problems = config::check(inputs);
            for problem in &problems {
                output::complain(&problem.to_string());
            }
            if problems.is_empty() {
                for warning in config::load(inputs)?.warnings {
                    output::print(&format!("warning: {warning}"))?;
                }
                output::print("the configuration is in order")?;
                return Ok(exit::DONE);
            }
            Ok(exit::USAGE)
        }
        ConfigCommand::Path => {
            output::print(&config::load(inputs)?.config_file.display().to_string())?;
            Ok(exit::DONE)
        }
    }
}
