//! Bars on a terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::report::message::Status;

const KNOWN: &str =
    "{spinner} {bar:24} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";
const UNKNOWN: &str = "{spinner} {elapsed} {binary_bytes}, {binary_bytes_per_sec}";

/// A bar of bytes, a line of counts, and what is being worked on.
pub struct Bars {
    all: MultiProgress,
    bytes: ProgressBar,
    counts: ProgressBar,
    current: ProgressBar,
}

impl Bars {
    /// Draws them for the first time.
    pub fn new(all: &MultiProgress) -> Bars {
        let line = || all.add(ProgressBar::no_length().with_style(style("  {wide_msg}")));
        let bytes = all.add(ProgressBar::no_length().with_style(style(UNKNOWN)));
        Bars { all: all.clone(), bytes, counts: line(), current: line() }
    }

    /// Shows how far things are.
    pub fn update(&mut self, status: &Status) {
        if self.bytes.length().is_none() && status.bytes_total.is_some() {
            self.bytes.set_style(style(KNOWN));
        }
        if let Some(total) = status.bytes_total {
            self.bytes.set_length(total);
        }
        self.bytes.set_position(status.bytes_done);
        self.bytes.tick();
        self.counts.set_message(status.to_string());
        let current = status.current.as_ref().map(ToString::to_string);
        self.current.set_message(current.unwrap_or_default());
    }

    /// Takes them off the screen.
    pub fn clear(&mut self) {
        self.all.clear().ok();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants above; a mistake in one shows in the first test that draws it.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_well_formed() {
        for template in [KNOWN, UNKNOWN] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
