//! Snapshots back into drives of the simulator: what is there afterwards, what is reported, what a kill
//! leaves.

mod bench;
mod collisions;
mod faults;
mod kill;
mod names;
mod round_trip;
