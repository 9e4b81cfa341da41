//! Objects: streams of any length as one content, or a list of them (OBJ-1 to OBJ-3).

mod reference;

pub use reference::ObjectRef;
