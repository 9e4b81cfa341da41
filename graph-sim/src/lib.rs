//! A scriptable Microsoft Graph on loopback, with a seeded tenant and fault knobs.
