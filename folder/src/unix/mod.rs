//! What is particular to Unix: descriptors, metadata, attributes, owners.

pub(crate) mod facts;
pub(crate) mod holes;
pub(crate) mod open;
pub(crate) mod owners;
pub(crate) mod pool;
pub(crate) mod xattrs;
