//! The client against the simulator: faults on, nothing lost, no rule broken.

mod budget;
mod enumerate;
mod secure;
mod tenant;
mod write;
