//! How fast we may go: one bucket for each budget of the service.
//!
//! A call names its [`Workload`] and its price in resource units, and is admitted by the [`Gate`] of
//! that workload's [`Bucket`]: not before the fence, not faster than the rate, not more at a time than
//! the service bears. What the service answers moves all three. Knows nothing of HTTP.

mod bucket;
mod day;
mod gate;
mod gradient;
mod retries;
mod seats;
#[cfg(test)]
mod tests;

pub use bucket::{Advice, Bucket, Limits};
pub use day::DaySpent;
pub use gate::{Gate, Permit, Priority, Standing};
pub use seats::Seat;

/// Budgets that the service keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Workload {
    /// The token endpoint.
    SignIn,
    /// Users and groups.
    Directory,
    /// OneDrive and SharePoint, pages and contents alike.
    Files,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::SignIn, Self::Directory, Self::Files];

    /// How it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Directory => "directory",
            Self::Files => "files",
        }
    }
}

/// Prices in resource units, as Microsoft documents them for files.
pub mod price {
    /// An item, a page of a delta with a token, a download.
    pub const ITEM: u32 = 1;
    /// A list, a delta without a token, a change.
    pub const LIST: u32 = 2;
    /// Anything about permissions.
    pub const PERMISSIONS: u32 = 5;
}
