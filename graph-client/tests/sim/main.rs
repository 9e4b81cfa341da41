//! The client against the simulator: faults on, nothing lost, no rule broken.

mod budget;
mod enumerate;
mod pages;
mod refresh;
mod secure;
#[path = "../shared/tenant.rs"]
mod tenant;
mod write;
