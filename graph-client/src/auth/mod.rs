//! Sign-in: who we are, to which cloud, and the tokens that come of it.
//!
//! Secrets go into the body of a request to the token endpoint, tokens into the `Authorization` header
//! of calls to Graph; neither goes anywhere else.

mod certificate;
mod claims;
mod cloud;
mod credential;
mod source;

pub use claims::Claims;
pub use cloud::Cloud;
pub use credential::{Credential, DevicePrompt, ShowPrompt};
pub use source::{Token, TokenSource};
