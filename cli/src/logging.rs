//! Logging: what the layers below trace, to stderr or a file.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::{GlobalArgs, LogFormat};
use crate::exit::CliError;
use crate::report::Output;

/// Starts logging as the options say.
///
/// # Errors
/// `Usage` for a filter that is malformed, `File` for a log file that cannot be written.
pub fn start(global: &GlobalArgs, output: &Output) -> Result<(), CliError> {
    let lines = match &global.log_file {
        None => Lines::Stderr(output.clone()),
        Some(path) => {
            let file = File::options().create(true).append(true).open(path);
            let named = |source| CliError::File { path: path.display().to_string(), source };
            Lines::File(Arc::new(Mutex::new(file.map_err(named)?)))
        }
    };
    let to_stderr = global.log_file.is_none();
    // Stderr is JSON lines or text, never both.
    let format = global.log_format.unwrap_or(match output.is_json() && to_stderr {
        true => LogFormat::Json,
        false => LogFormat::Text,
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter(global)?).with_writer(lines);
    let started = match format {
        LogFormat::Json => builder.json().finish().try_init(),
        LogFormat::Text => builder.with_ansi(false).finish().try_init(),
    };
    started.map_err(|error| usage(format!("logging cannot be started: {error}")))
}

fn filter(global: &GlobalArgs) -> Result<EnvFilter, CliError> {
    let chosen = match (&global.log_level, global.verbose) {
        (Some(filter), _) => filter.clone(),
        (None, 0) => std::env::var("RUST_LOG").unwrap_or_else(|_| match global.quiet {
            true => "error".to_owned(),
            false => "warn".to_owned(),
        }),
        (None, 1) => "warn,corso=info,repo_format=info,folder=info".to_owned(),
        (None, 2) => "info,corso=debug,repo_format=debug,folder=debug".to_owned(),
        (None, _) => "debug,corso=trace,repo_format=trace,folder=trace".to_owned(),
    };
    EnvFilter::try_new(&chosen).map_err(|_| usage(format!("{chosen:?} is no log filter")))
}

fn usage(what: String) -> CliError {
    CliError::Usage { what, hint: "use a level (error, warn, info, debug, trace) or TARGET=LEVEL,…" }
}

/// Where log lines go.
enum Lines {
    Stderr(Output),
    File(Arc<Mutex<File>>),
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { to: self, text: Vec::new() }
    }
}

/// One line, written when it is complete.
struct Line<'a> {
    to: &'a Lines,
    text: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        match self.to {
            Lines::Stderr(output) => output.chat(String::from_utf8_lossy(&self.text).trim_end()),
            Lines::File(file) => {
                if let Ok(mut file) = file.lock() {
                    // A log that cannot be written must not stop a backup.
                    file.write_all(&self.text).ok();
                }
            }
        }
    }
}
