//! Findings over time.
use crate::findings::Finding;
#[derive(Clone, Debug)]
pub struct Entry {
    pub finding: Finding,
}
#[derive(Clone, Debug, Default)]
pub struct Ledger {}
