//! Microsoft Graph for Corso: sign-in, HTTP with retry and throttling, models, and drives as source and sink.
