//! Drives of the simulator into a repository: what is stored, what is fetched, what is reported.

mod bench;
mod faults;
mod kill;
mod runs;
#[path = "../shared/tenant.rs"]
mod tenant;
