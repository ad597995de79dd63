//! Who a caller is, and what that allows. Deciding is pure; only `minted` looks at files.

pub(crate) mod credentials;
pub(crate) mod decide;
pub(crate) mod minted;

pub(crate) use credentials::{Caller, Credential};
