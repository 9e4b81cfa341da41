//! `corso repo …`

pub mod disconnect;
