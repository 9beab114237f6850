//! The `midwatch` binary: parses the command line and turns the end into an exit code.

use std::process::ExitCode;

use clap::Parser;
use midwatch::cli::Cli;

fn main() -> ExitCode {
    // Errors are told in our own words; this is for what nobody expected.
    let report = color_eyre::config::HookBuilder::default()
        .display_env_section(false)
        .install();
    if report.is_err() {
        return ExitCode::FAILURE;
    }
    ExitCode::from(midwatch::start::run(&Cli::parse()))
}
