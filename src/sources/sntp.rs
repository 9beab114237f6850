//! sntp.
