//! The sign-in side: tokens for an app, device codes, discovery, and the check of tokens.

mod access;
mod assertion;
mod certificate;
mod device;
mod discovery;
mod grant;

pub(crate) use access::authorize;
pub(crate) use device::{DeviceCodes, device_code};
pub(crate) use discovery::discovery;
pub(crate) use grant::{error, token};
