//! Turns a source tree of registry items into trees that any web server can serve.
//!
//! Dependencies point one way: `commit` → `render`, `plan` → `model`, never back.

pub mod error_code;
pub mod model;
pub mod plan;
