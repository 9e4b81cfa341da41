//! Microsoft Graph: from a request to an answer. Knows nothing of sockets.

mod batch;
mod children;
mod delta;
mod download;
mod handle;
mod item_json;
mod optimum;
mod permissions;
mod place;
mod route;
mod substitute;
#[cfg(test)]
mod tests;
mod upload;
mod upload_range;
mod users;
mod versions;
mod write;

pub(crate) use handle::handle;
pub use route::Call;
pub(crate) use upload::UploadSessions;
