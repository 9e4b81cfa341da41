//! What an upload session answers.

use super::Moment;
use super::object::object;
use crate::secret::Secret;

object! {
    /// A session: made, or asked how far it is.
    pub struct UploadStatus {
        /// Its bearer may write the file. Only the reply that makes the session has it.
        upload_url: Option<Secret> = "uploadUrl",
        expires: Option<Moment> = "expirationDateTime",
        /// `26-`, or `12345-55232`.
        expected: Vec<String> = "nextExpectedRanges",
    }
}

impl UploadStatus {
    /// The first byte that the service has not got; `None` if it does not say.
    pub fn next(&self) -> Option<u64> {
        let starts = self.expected.iter().map(|range| range.split('-').next().unwrap_or(range));
        starts.filter_map(|start| start.trim().parse().ok()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_missing_byte_is_told_in_each_spelling() {
        let next = |expected: &[&str]| {
            let expected = expected.iter().map(|range| (*range).to_owned()).collect();
            UploadStatus { expected, ..UploadStatus::default() }.next()
        };
        assert_eq!(next(&["26-"]), Some(26));
        assert_eq!(next(&["77829-99375", "12345-55232"]), Some(12_345));
        assert_eq!(next(&["2097152"]), Some(2_097_152));
        assert_eq!(next(&[]), None);
        assert_eq!(next(&["-"]), None);
    }
}
