//! Where an option's value comes from if no flag gives it: the environment, then the configuration
//! file's settings.
//!
//! One rule instead of an attribute per option: `--some-option` is `CORSO_SOME_OPTION`, and
//! `some-option` in the file. Only what asks for something once has neither.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, ValueParser};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::{Cli, GraphArgs, SecretArgs};

/// Options that say what to do this once, rather than how things are done here.
const REQUESTS: [&str; 56] = [
    "help",
    "version",
    "at",
    "accept-rollback",
    "all",
    "dry-run",
    "force",
    "keep",
    "label",
    "long",
    "name",
    "new-recovery-key",
    "recursive",
    "snapshot",
    "target",
    "ignore-case",
    "alerts",
    "archive",
    "backup",
    "backups",
    "device-code",
    "failed-items",
    "file",
    "file-created-after",
    "file-created-before",
    "file-modified-after",
    "file-modified-before",
    "folder",
    "purpose",
    "quick",
    "recovered-errors",
    "skipped-items",
    "user",
    "exclude-user",
    "users",
    "items",
    "destination",
    "to-resource",
    "start-over",
    "yes",
    "source",
    "forgotten",
    "policy",
    "yes-really",
    "keep-last",
    "keep-hourly",
    "keep-daily",
    "keep-weekly",
    "keep-monthly",
    "keep-yearly",
    "keep-within",
    "keep-tag",
    "keep-none",
    "to",
    "delete",
    "check",
];

/// The command whose options all are requests: what it is told is kept for everybody.
const ASKS_ONLY: &str = "policy";

/// The settings of a configuration file: option name, without the dashes, to value.
pub type Settings = BTreeMap<String, String>;

/// Parses a command line, with `settings` where neither flag nor environment says otherwise.
///
/// # Errors
/// clap's, which knows how to print itself; help and version are among them.
pub fn parse(arguments: &[OsString], settings: &Settings) -> Result<Cli, clap::Error> {
    let command = with_settings(with_environment(Cli::command()), settings);
    let matches = command.try_get_matches_from(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    keep_strongest(&mut cli.global.secret, innermost(&matches));
    if let Some(graph) = cli.command.graph_mut() {
        keep_strongest_credential(graph, innermost(&matches));
    }
    Ok(cli)
}

/// What has to be known before the command line can be parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peek {
    /// The configuration file, if one is named.
    pub config: Option<PathBuf>,
    /// Whether even a wrong command line is answered in JSON.
    pub json: bool,
}

/// Reads what a command line says about the configuration file and the form of answers, however
/// wrong the rest may be.
pub fn peek(arguments: &[OsString]) -> Peek {
    let command = lenient(with_environment(Cli::command())).ignore_errors(true);
    let Ok(matches) = command.try_get_matches_from(arguments) else { return Peek::default() };
    let matches = innermost(&matches);
    Peek { config: matches.get_one("config").cloned(), json: matches.get_flag("json") }
}

/// Takes any value for every option: what follows a wrong one is not looked at otherwise.
fn lenient(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_action() {
        ArgAction::Set | ArgAction::Append if arg.get_id() != "config" => {
            arg.value_parser(ValueParser::os_string())
        }
        _ => arg,
    });
    command.mut_subcommands(lenient)
}

/// Gives every option of `command` that is a setting its environment variable.
pub fn with_environment(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_long() {
        Some(long) if is_setting(long) => {
            let variable = variable_of(long);
            let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
            // A command that prints a secret may hold one, and help is no place for it.
            let arg = arg.env(variable).hide_env_values(true);
            // CORSO_JSON=1 and =yes switch on, =0 and an empty value do not.
            if is_switch { arg.value_parser(FalseyValueParser::new()) } else { arg }
        }
        _ => arg,
    });
    command.mut_subcommands(|inner| if asks_only(&inner) { inner } else { with_environment(inner) })
}

fn asks_only(command: &Command) -> bool {
    command.get_name() == ASKS_ONLY
}

fn with_settings(command: Command, settings: &Settings) -> Command {
    let command = command.mut_args(|arg| {
        let setting = arg.get_long().filter(|long| is_setting(long)).and_then(|long| settings.get(long));
        match setting {
            Some(value) => arg.required(false).default_value(value.clone()),
            None => arg,
        }
    });
    command.mut_subcommands(|inner| if asks_only(&inner) { inner } else { with_settings(inner, settings) })
}

/// Whether an option may be set outside the command line.
pub fn is_setting(long: &str) -> bool {
    !REQUESTS.contains(&long)
}

/// The environment variable of an option.
pub fn variable_of(long: &str) -> String {
    format!("CORSO_{}", long.to_uppercase().replace('-', "_"))
}

/// Names of all settings there are.
pub fn all_settings() -> Vec<String> {
    fn collect(command: &Command, into: &mut Vec<String>) {
        let longs = command.get_arguments().filter_map(|arg| arg.get_long());
        into.extend(longs.filter(|long| is_setting(long)).map(str::to_owned));
        command.get_subcommands().filter(|inner| !asks_only(inner)).for_each(|inner| collect(inner, into));
    }
    let mut all = Vec::new();
    collect(&Cli::command(), &mut all);
    all.sort_unstable();
    all.dedup();
    all
}

fn innermost(matches: &ArgMatches) -> &ArgMatches {
    match matches.subcommand() {
        Some((_, inner)) => innermost(inner),
        None => matches,
    }
}

/// A source of the secret that was typed beats one of the environment, which beats one of the
/// file: only those of the strongest kind stay.
fn keep_strongest(secret: &mut SecretArgs, matches: &ArgMatches) {
    let source = |id: &str| matches.value_source(id);
    let ids = ["passphrase_file", "passphrase_command", "key_file", "recovery_key_file"];
    let strongest = ids.iter().filter_map(|id| source(id)).max_by_key(strength);
    let weaker = |id: &str| source(id).map(|it| strength(&it)) < strongest.map(|it| strength(&it));
    if weaker("passphrase_file") {
        secret.passphrase_file = None;
    }
    if weaker("passphrase_command") {
        secret.passphrase_command = None;
    }
    if weaker("key_file") {
        secret.key_file = None;
    }
    if weaker("recovery_key_file") {
        secret.recovery_key_file = None;
    }
    secret.origin = strongest;
}

/// The same for what proves who the application is.
fn keep_strongest_credential(graph: &mut GraphArgs, matches: &ArgMatches) {
    let sources = [
        ("client_secret_file", &mut graph.client_secret_file as &mut Option<_>),
        ("client_certificate_file", &mut graph.client_certificate_file),
        ("federated_token_file", &mut graph.federated_token_file),
    ];
    let given = |id: &str| matches.value_source(id).as_ref().map(strength);
    let others = [given("client_secret_command"), graph.device_code.then_some(2)];
    let strongest = sources.iter().map(|(id, _)| given(id)).chain(others).max().flatten();
    for (id, value) in sources {
        if given(id) < strongest {
            *value = None;
        }
    }
    if given("client_secret_command") < strongest {
        graph.client_secret_command = None;
    }
}

fn strength(source: &ValueSource) -> u8 {
    match source {
        ValueSource::CommandLine => 2,
        ValueSource::EnvVariable => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command as Parsed, PolicyCommand};

    fn parsed(line: &str, settings: &[(&str, &str)]) -> Result<Cli, clap::Error> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let settings = settings.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        parse(&arguments, &settings)
    }

    #[test]
    fn a_setting_of_the_file_holds_unless_a_flag_says_otherwise() {
        let settings = [("retries", "3"), ("no-cache", "true"), ("endpoint", "http://localhost:1")];
        let cli = parsed("corso repo status", &settings).unwrap();
        assert!(cli.global.no_cache);
        assert_eq!(cli.global.storage.retries, 3);
        let cli = parsed("corso repo status --retries 5", &settings).unwrap();
        assert_eq!(cli.global.storage.retries, 5);
    }

    #[test]
    fn a_setting_is_not_written_into_a_policy() {
        let settings = [("compression", "max"), ("exclude", "*.tmp")];
        let cli = parsed("corso policy set --global --keep-last 3", &settings).unwrap();
        let Parsed::Policy(PolicyCommand::Set(args)) = cli.command else { panic!("{:?}", cli.command) };
        assert!(args.fields.compression.is_none() && args.fields.exclude.is_empty());
        let cli = parsed("corso policy list --retries 3", &[("no-cache", "true")]).unwrap();
        assert!(cli.global.no_cache, "how things are done here holds for it as well");
    }

    #[test]
    fn help_shows_no_value_of_the_environment() {
        let check = |command: &Command| command.get_arguments().all(|arg| arg.is_hide_env_values_set());
        let command = with_environment(Cli::command());
        let settings = command.clone().mut_args(|arg| match arg.get_env() {
            Some(_) => arg,
            None => arg.hide_env_values(true),
        });
        assert!(check(&settings));
    }

    #[test]
    fn a_wrong_command_line_is_still_peeked_into() {
        let peeked = |line: &str| peek(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        let both = Peek { config: Some("c.toml".into()), json: true };
        assert_eq!(peeked("corso snapshot restore --config c.toml --json"), both);
        assert_eq!(peeked("corso --json repo status --config c.toml"), both);
        assert_eq!(peeked("corso repo status --retries many --config c.toml --json"), both);
        assert_eq!(peeked("corso policy set --keep-last -1 --config c.toml --json"), both);
        assert_eq!(peeked("corso repo init s3"), Peek::default());
    }

    #[test]
    fn a_typed_secret_source_beats_one_of_the_file() {
        let settings = [("passphrase-file", "/from/config")];
        let secret = |line| parsed(line, &settings).unwrap().global.secret;
        assert!(secret("corso repo status").passphrase_file.is_some());
        let typed = secret("corso repo status --key-file k");
        assert!(typed.passphrase_file.is_none() && typed.key_file.is_some());
    }

    #[test]
    fn every_option_is_a_setting_or_a_request() {
        let all = all_settings();
        for request in REQUESTS {
            assert!(!all.iter().any(|setting| setting == request));
        }
        assert!(all.contains(&"checkpoint-interval".to_owned()));
        assert_eq!(variable_of("checkpoint-interval"), "CORSO_CHECKPOINT_INTERVAL");
    }
}
