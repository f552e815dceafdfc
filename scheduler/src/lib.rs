//! Under construction.
pub mod catalog;
pub mod config;
pub mod dsl;
pub mod guide;
pub mod ingest;
pub mod plan;
pub mod yaml;
