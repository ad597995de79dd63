//! Who a caller is, and what that allows. Pure but for reading headers.

pub(crate) mod credentials;
pub(crate) mod decide;

pub(crate) use credentials::{Caller, Credential};
