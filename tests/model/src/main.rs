//! `corso-model`: checks the model, in small bounds or in large ones.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use corso_model::plan;
use corso_model::run::Run;

/// Checks the model of Corso's commit log and garbage collection.
///
/// One line for each run: whether it came out as expected, configuration, variant, bounds, states, time.
/// Exit code 1 if one did not.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Threads that explore states.
    #[arg(long, global = true, default_value_t = 2)]
    threads: usize,
}

#[derive(Subcommand)]
enum Command {
    /// Small bounds and every broken variant; about a minute.
    Small,
    /// Large bounds; many minutes and several GiB.
    Full,
    /// The small runs whose configuration or variant contains a word, and the steps to each violation.
    Show { word: String },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let small = || plan::good_small().into_iter().chain(plan::broken());
    let runs: Vec<Run> = match &args.command {
        Command::Small => small().collect(),
        Command::Full => plan::good_full(),
        Command::Show { word } => small().filter(|run| run.to_string().contains(word)).collect(),
    };
    let mut all_expected = true;
    let mut states = 0;
    for run in &runs {
        let outcome = run.check(args.threads);
        let expected = outcome.is_expected(run);
        all_expected &= expected;
        states += outcome.states;
        println!("{} {run}: {outcome}", if expected { "expected  " } else { "UNEXPECTED" });
        if !expected || matches!(args.command, Command::Show { .. }) {
            for violation in &outcome.violations {
                println!("  {}:", violation.property);
                violation.steps.iter().for_each(|step| println!("    {step}"));
            }
        }
    }
    println!("{} runs, {states} unique states", runs.len());
    if all_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
