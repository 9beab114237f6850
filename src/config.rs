//! Configuration: embedded defaults < file < environment < arguments.

pub mod settings;
