//! `corso-model`: checks the model, in small bounds or in large ones.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use corso_model::plan;
use corso_model::run::Violation;

/// Checks the model of Corso's commit log and garbage collection.
///
/// One line for each run: whether it came out as expected, configuration, variant, bounds, states, time.
/// Exit code 1 if one did not.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Only runs whose configuration or variant contains this.
    #[arg(long, global = true, default_value = "")]
    only: String,
    /// Print the steps to each violation, also where one is expected.
    #[arg(long, global = true)]
    steps: bool,
    /// Threads that explore states where nothing is broken.
    #[arg(long, global = true, default_value_t = 2)]
    threads: usize,
}

#[derive(Subcommand)]
enum Command {
    /// Small bounds and every broken variant; less than a minute.
    Small,
    /// Large bounds; some ten minutes.
    Full,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut runs = match &args.command {
        Command::Small => plan::small(),
        Command::Full => plan::full(),
    };
    runs.retain(|run| run.to_string().contains(&args.only));
    let mut all_expected = true;
    let mut states = 0;
    for run in &runs {
        let outcome = run.check(args.threads);
        let expected = outcome.is_expected(run);
        all_expected &= expected;
        states += outcome.states;
        println!("{} {run}: {outcome}", if expected { "expected  " } else { "UNEXPECTED" });
        if args.steps || !expected {
            outcome.violations.iter().for_each(print_steps);
        }
    }
    println!("{} runs, {states} unique states", runs.len());
    if all_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_steps(violation: &Violation) {
    println!("  {}:", violation.property);
    violation.steps.iter().for_each(|step| println!("    {step}"));
}
