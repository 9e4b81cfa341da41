//! The two streams: results on stdout, chatter on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use super::Message;
use super::message::{ItemFailure, Warning};

/// How this run speaks. Shared by threads; each line is written at once.
#[derive(Debug, Clone)]
pub struct Output {
    json: bool,
    quiet: bool,
    /// Bars, which lines on stderr have to step around.
    bars: indicatif::MultiProgress,
}

impl Output {
    /// Speaks JSON or text; `quiet` drops notes.
    pub fn new(json: bool, quiet: bool) -> Output {
        Output { json, quiet, bars: indicatif::MultiProgress::new() }
    }

    /// Whether lines are JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Where bars are drawn.
    pub fn bars(&self) -> &indicatif::MultiProgress {
        &self.bars
    }

    /// Prints a result: the message in JSON, or as it looks as text.
    ///
    /// # Errors
    /// What stdout answers; a reader that went away is among it.
    pub fn result(&self, message: &Message, text: impl Display) -> io::Result<()> {
        if self.json { self.line(message) } else { self.text(text) }
    }

    /// Prints a message that text output does not have.
    ///
    /// # Errors
    /// What stdout answers.
    pub fn json_only(&self, message: &Message) -> io::Result<()> {
        if self.json { self.line(message) } else { Ok(()) }
    }

    /// Prints text that JSON output does not have.
    ///
    /// # Errors
    /// What stdout answers.
    pub fn text_only(&self, text: impl Display) -> io::Result<()> {
        if self.json { Ok(()) } else { self.text(text) }
    }

    /// Writes bytes to stdout as they are.
    ///
    /// # Errors
    /// What stdout answers.
    pub fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        io::stdout().lock().write_all(bytes)
    }

    /// Says on stderr what is going on, unless told to be quiet. Not part of the JSON.
    pub fn note(&self, text: impl Display) {
        if !self.quiet && !self.json {
            self.chat(&text.to_string());
        }
    }

    /// Warns on stderr.
    pub fn warn(&self, message: String) {
        if self.json {
            self.chat_json(&Message::Warning(Warning { message }));
        } else {
            self.chat(&format!("warning: {message}"));
        }
    }

    /// Reports an item that failed or was skipped.
    pub fn item_failure(&self, failure: ItemFailure) {
        if self.json {
            self.chat_json(&Message::Error(failure));
        } else {
            self.chat(&failure.to_string());
        }
    }

    /// Writes a JSON line to stderr.
    pub fn chat_json(&self, message: &Message) {
        if let Ok(line) = serde_json::to_string(message) {
            self.chat(&line);
        }
    }

    /// Writes a line to stderr, past any bars. Nobody can be told that stderr is gone.
    pub fn chat(&self, line: &str) {
        self.bars.suspend(|| writeln!(io::stderr().lock(), "{line}").ok());
    }

    fn line(&self, message: &Message) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.bars.suspend(|| io::stdout().lock().write_all(&line))
    }

    fn text(&self, text: impl Display) -> io::Result<()> {
        self.bars.suspend(|| writeln!(io::stdout().lock(), "{text}"))
    }
}
