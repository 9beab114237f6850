//! The `midwatch` binary: parses the command line and turns the end into an exit code.

use std::process::ExitCode;

use clap::Parser;
use midwatch::cli::Cli;
use midwatch::start::USAGE;

fn main() -> ExitCode {
    // Errors are told in our own words; this is for what nobody expected.
    let report = color_eyre::config::HookBuilder::default()
        .display_env_section(false)
        .install();
    if report.is_err() {
        return ExitCode::FAILURE;
    }
    match Cli::try_parse() {
        Ok(cli) => ExitCode::from(midwatch::start::run(&cli)),
        Err(answer) => {
            // Help and version come this way too. A closed pipe leaves nobody to tell.
            let _ = answer.print();
            // Not clap's own 2, which a caller of `check` would take for critical.
            ExitCode::from(if answer.use_stderr() { USAGE } else { 0 })
        }
    }
}
