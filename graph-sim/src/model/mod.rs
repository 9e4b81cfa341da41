//! The tenant as it truly is: users, drives, items, contents. Knows nothing of HTTP.

pub mod drive;
pub mod edit;
pub mod ids;
pub mod item;
pub mod mutate;
pub mod names;
pub mod pool;
pub mod quickxor;
pub mod tenant;
pub mod tree;
pub mod truth;
pub mod uploads;
